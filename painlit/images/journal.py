"""What building an index has found so far, so that a stopped build goes on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO


@dataclass(frozen=True)
class Examined:
    """What looking at an image gave."""

    digest: int = 0
    """Of the file's content; 0 where it was not read."""
    box: tuple[float, float, float, float] | None = None
    """The largest face, x1, y1, x2, y2 in px; None where none was looked for."""
    problem: str = ""
    """Why the image is left out."""
    unreadable: bool = False
    """Whether that is because the file cannot be read."""


class Journal:
    """A file with a line for each image looked at, under a first line that says what for."""

    def __init__(self, folder: Path):
        self.path = Path(folder) / "examined.jsonl"
        self._file: TextIO | None = None

    def open(self, purpose: str) -> dict[int, Examined]:
        """Start, or go on if the file is for the same purpose; returns what is known, images with problems excepted."""
        text = self.path.read_text() if self.path.is_file() else ""
        whole = text[: text.rfind("\n") + 1]  # the last line may be cut short
        header, *lines = whole.splitlines() or [""]
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if header != json.dumps(purpose):
            self._file = open(self.path, "w")  # noqa: SIM115 - closed by close()
            self._write(purpose)
            return {}
        self._file = open(self.path, "r+")  # noqa: SIM115
        self._file.truncate(len(whole.encode()))
        self._file.seek(0, 2)
        known: dict[int, Examined] = {}
        for line in lines:
            row, digest, box = json.loads(line)
            known[row] = Examined(digest, box and tuple(box))
        return known

    def add(self, results: Mapping[int, Examined]) -> None:
        """Note results; images with problems are looked at again by the next build."""
        for row, result in results.items():
            if not result.problem:
                self._write([row, result.digest, result.box])
        assert self._file is not None
        self._file.flush()

    def close(self) -> None:
        """Nothing more is to come for now."""
        if self._file is not None:
            self._file.close()

    def delete(self) -> None:
        """The index is built."""
        self.path.unlink(missing_ok=True)

    def _write(self, value: Any) -> None:
        assert self._file is not None
        self._file.write(json.dumps(value) + "\n")
