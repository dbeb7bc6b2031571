"""Digests of files and of values, the same on every machine."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import lru_cache
from glob import escape
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np


def digest(value: Any) -> str:
    """SHA-256 of plain values, NumPy arrays and torch tensors, nested in mappings and sequences.

    Of arrays and tensors it covers type, shape and values; of mappings, not the order of their keys.

    Raises:
        TypeError: A value of another kind.

    >>> digest({"a": 1, "b": [2.0, None]}) == digest({"b": (2.0, None), "a": 1}) != digest({"a": 1.0, "b": [2.0]})
    True
    """
    sha = hashlib.sha256()
    _update(sha, value)
    return sha.hexdigest()


def _update(sha: Any, value: Any) -> None:
    if isinstance(value, Mapping):
        sha.update(f"mapping {len(value)}\n".encode())
        for key in sorted(value, key=repr):
            _update(sha, key)
            _update(sha, value[key])
    elif isinstance(value, list | tuple):
        sha.update(f"sequence {len(value)}\n".encode())
        for item in value:
            _update(sha, item)
    elif hasattr(value, "detach"):  # a tensor; torch takes a second to import, and small values do not need it
        _tensor(sha, value)
    elif isinstance(value, np.ndarray | np.generic):
        array = np.ascontiguousarray(value)
        sha.update(f"array {array.dtype.str} {array.shape}\n".encode())
        sha.update(array.reshape(-1).view(np.uint8).data)
    elif value is None or isinstance(value, bool | int | float | str):
        sha.update(f"{json.dumps(value)}\n".encode())
    else:
        raise TypeError(f"no digest of a {type(value).__name__}")


def _tensor(sha: Any, tensor: Any) -> None:
    import torch

    sha.update(f"tensor {tensor.dtype} {tuple(tensor.shape)}\n".encode())
    sha.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)


def file_digest(path: Path) -> str:
    """SHA-256 of a file's content."""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def parts_of(path: Path) -> list[Path]:
    """The files that a recording consists of: of a folder all in it, of a WFDB header those of its record.

    Raises:
        OSError: It is not there, or cannot be looked into.
    """
    if path.is_dir():
        return sorted(part for part in path.iterdir() if part.is_file())
    if path.suffix == ".hea":
        return sorted({path, *path.parent.glob(f"{escape(path.stem)}[._]*")})
    return [path]


class FileState(NamedTuple):
    """What a file, or all files of a recording, were when they were read."""

    size: int
    """Bytes."""
    time: int
    """Of the last change, in ns."""
    sha256: str
    """Of the content."""

    @classmethod
    def of(cls, path: Path) -> FileState:
        """The recording as it is now; all of it is read."""
        size, time = _size_and_time(path)
        return cls(size, time, _content(path, size, time))

    def still_true_of(self, path: Path) -> bool:
        """Whether a file has this content: it is read only if its size is the same and its time is not."""
        try:
            size, time = _size_and_time(path)
            return size == self.size and (time == self.time or _content(path, size, time) == self.sha256)
        except OSError:
            return False


def _size_and_time(path: Path) -> tuple[int, int]:
    states = [part.stat() for part in parts_of(path)]
    return sum(state.st_size for state in states), max((state.st_mtime_ns for state in states), default=0)


@lru_cache(maxsize=64)
def _content(path: Path, size: int, time: int) -> str:
    """Read once however many clips a recording holds, while it has this size and time."""
    parts = parts_of(path)
    return file_digest(path) if parts == [path] else digest([[part.name, file_digest(part)] for part in parts])
