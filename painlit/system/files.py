"""Files appear whole or not at all, and a full disk is named."""

from __future__ import annotations

import errno
import json
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock

from painlit.errors import PainlitError


@contextmanager
def named_disk_errors(path: Path) -> Iterator[None]:
    """Turns "no space left" and quota errors while writing `path` into an error the user can act on."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise PainlitError(
                f"{path}: {error.strerror}", "free some space and run the same command again: finished work is kept"
            ) from error
        raise


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """A temporary path beside `path` that takes its name when the block ends well and vanishes when it does not."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.part")  # two machines may write at once
    try:
        with named_disk_errors(path):
            yield temporary
            os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def waiting_lock(folder: Path) -> FileLock:
    """Hold a folder for as long as the block lasts; who comes second waits."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    return FileLock(Path(folder) / ".lock")


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path`, atomically and through to the disk."""
    with atomic_path(path) as temporary, open(temporary, "w", encoding="utf-8", newline="") as handle:
        handle.write(text)
        handle.flush()
        os.fsync(handle.fileno())


def write_json(path: Path, value: Any) -> None:
    """Write `value` as JSON, atomically."""
    write_text(path, json.dumps(value, indent=1, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """Read JSON.

    Raises:
        PainlitError: The file is cut short or is no JSON.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:  # undecodable text is a ValueError too
        raise PainlitError(f"{path} is no valid JSON: {error}", "delete it and run the step that makes it") from error
