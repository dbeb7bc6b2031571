"""SQLite files: one transaction at a time, and errors that name the file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from painlit.errors import PainlitError


@contextmanager
def database(path: Path) -> Iterator[sqlite3.Connection]:
    """A transaction in an SQLite file, made with its folder if it is not there; whole on the disk, or not there at all.

    Raises:
        PainlitError: The file is damaged or the disk full.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with closing(sqlite3.connect(path, timeout=60)) as connection, connection:
            yield connection
    except sqlite3.DatabaseError as error:
        raise PainlitError(
            f"{path}: {error}",
            "free some space if the disk is full; a damaged file can be deleted, and what it held is made again",
        ) from error
