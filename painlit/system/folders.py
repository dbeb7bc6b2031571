"""Folders appear whole or not at all."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from painlit.system.files import named_disk_errors


@contextmanager
def folder_beside(out: Path) -> Iterator[Path]:
    """A new folder beside `out`, on the same disk, which is gone at the end."""
    out.parent.mkdir(parents=True, exist_ok=True)
    temporary = out.with_name(f".{out.name}.{uuid.uuid4().hex[:8]}.part")
    with named_disk_errors(temporary):
        temporary.mkdir()
    try:
        yield temporary
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def take_place(made: Path, out: Path) -> None:
    """Give a whole folder its name; one that had it is gone only then."""
    before = made.with_name(f"{made.name}.before")
    if out.exists():
        os.rename(out, before)
    try:
        os.rename(made, out)
    except OSError:
        if before.exists():
            os.rename(before, out)
        raise
    shutil.rmtree(before, ignore_errors=True)
