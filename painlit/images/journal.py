"""What building an index has found so far, so that a stopped build goes on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from painlit.system.database import database


@dataclass(frozen=True)
class Examined:
    """Result of reading an image."""

    digest: int = 0
    """Of the file's content; 0 where it was not read."""
    box: tuple[float, float, float, float] | None = None
    """The largest face, x1, y1, x2, y2 in px; None where none was searched for."""
    problem: str = ""
    """Why the image is left out."""
    unreadable: bool = False
    """Whether that is because the file cannot be read."""
    look: bytes = b""
    """Its thumbnail, as `painlit.images.duplicates` makes it; empty where it is not wanted."""


class Journal:
    """An SQLite file with a row for each image read; a chunk of them is written as a whole or not at all."""

    def __init__(self, folder: Path):
        self.path = Path(folder) / "examined.sqlite"

    def open(self, purpose: str) -> dict[int, Examined]:
        """Start, or go on if the file is for the same purpose; returns what is known, images with problems excepted."""
        with database(self.path) as db:
            db.execute("CREATE TABLE IF NOT EXISTS purpose (text TEXT)")
            db.execute("CREATE TABLE IF NOT EXISTS images (row INTEGER PRIMARY KEY, digest BLOB, look BLOB, box TEXT)")
            if db.execute("SELECT text FROM purpose").fetchall() != [(purpose,)]:
                db.execute("DELETE FROM images")
                db.execute("DELETE FROM purpose")
                db.execute("INSERT INTO purpose VALUES (?)", [purpose])
            known = db.execute("SELECT row, digest, look, box FROM images").fetchall()
        return {
            row: Examined(int.from_bytes(digest, "little"), box and tuple(json.loads(box)), look=look)
            for row, digest, look, box in known
        }

    def add(self, results: Mapping[int, Examined]) -> None:
        """Note results; images with problems are read again by the next build."""
        rows = [
            (row, result.digest.to_bytes(8, "little"), result.look, result.box and json.dumps(result.box))
            for row, result in results.items()
            if not result.problem
        ]
        with database(self.path) as db:
            db.executemany("INSERT OR REPLACE INTO images VALUES (?, ?, ?, ?)", rows)

    def delete(self) -> None:
        """The index is built."""
        self.path.unlink(missing_ok=True)
