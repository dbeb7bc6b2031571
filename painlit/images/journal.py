"""What building an index has found so far, so that a stopped build goes on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from painlit.system.files import named_disk_errors


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
        text = self.path.read_bytes() if self.path.is_file() else b""
        header, *lines = text.splitlines(keepends=True) or [b""]
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if header != _line(purpose).encode():
            self._file = open(self.path, "w")  # noqa: SIM115 - closed by close()
            self._write(purpose)
            return {}
        known: dict[int, Examined] = {}
        size = len(header)
        for line in lines:
            try:
                row, digest, box = json.loads(line)
            except (ValueError, TypeError):
                break  # a power cut may leave anything; what follows is not to be trusted
            if not line.endswith(b"\n"):
                break
            known[row] = Examined(digest, box and tuple(box))
            size += len(line)
        self._file = open(self.path, "r+")  # noqa: SIM115
        self._file.truncate(size)
        self._file.seek(0, 2)
        return known

    def add(self, results: Mapping[int, Examined]) -> None:
        """Note results; images with problems are looked at again by the next build."""
        assert self._file is not None
        with named_disk_errors(self.path):
            for row, result in results.items():
                if not result.problem:
                    self._write([row, result.digest, result.box])
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
        self._file.write(_line(value))


def _line(value: Any) -> str:
    return json.dumps(value) + "\n"
