"""Digests of files and of values, the same on every machine."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
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


class FileState(NamedTuple):
    """What a file was when it was read."""

    size: int
    """Bytes."""
    time: int
    """Of its last change, in ns."""
    sha256: str
    """Of its content."""

    @classmethod
    def of(cls, path: Path) -> FileState:
        """The file as it is now; all of it is read."""
        status = path.stat()
        return cls(status.st_size, status.st_mtime_ns, file_digest(path))

    def still_true_of(self, path: Path) -> bool:
        """Whether a file has this content: it is read only if its size is the same and its time is not."""
        try:
            status = path.stat()
            if status.st_size != self.size:
                return False
            return status.st_mtime_ns == self.time or file_digest(path) == self.sha256
        except OSError:
            return False
