"""Where the bytes of an image are: a file of its own, or a stretch of a larger one, which is read in place."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np

from painlit.images.reading import UnreadableImageError, check_bytes, read_bytes
from painlit.images.recordio import content_of, image_of

PLAIN, RECORDIO = "plain", "recordio"
"""How a stretch holds an image: as it is; as records. Otherwise the codec of a page of Parquet."""

_OPEN_FILES = 64  # of each set and process; the system allows 1,024 in all


class Place(NamedTuple):
    """A stretch of a file that holds an image."""

    file: str
    """Relative to the source's root, with forward slashes."""
    form: str
    """`PLAIN`, `RECORDIO`, or a codec of pyarrow's."""
    start: int
    """Bytes before the stretch."""
    size: int
    """Bytes of the stretch."""
    unpacked: int = 0
    """Bytes of a page once it is decompressed; this and what follows are 0 for the first two forms."""
    inner: int = 0
    """Bytes before the image in the decompressed page."""
    length: int = 0
    """Bytes of the image."""


def place_at(row: int, files: Sequence[Sequence[str]], places: np.ndarray, pages: np.ndarray) -> Place | None:
    """A row of the columns of an index as a `Place`; None where images have files of their own.

    Args:
        row: Of the index.
        files: File and form that the numbers in `places` refer to.
        places: (n, 3) or (0, 3) file, start, size.
        pages: (n, 3) or (0, 3) unpacked, inner, length.
    """
    if not len(places):
        return None
    file, start, size = places[row].tolist()
    return Place(*files[file], start, size, *(pages[row] if len(pages) else (0, 0, 0)))  # type: ignore[call-arg]


class PlaceReader:
    """Reads images of a set. Each process has its own, with its own open files.

    Args:
        root: What files are relative to.
    """

    def __init__(self, root: Path):
        self.root = Path(root)
        self._opened = lru_cache(_OPEN_FILES)(self._open)  # what drops out of it is closed
        self._page: tuple[object, bytes] = None, b""

    def read(self, path: str, place: Place | None) -> bytes:
        """The content of an image.

        Args:
            path: Of the image, relative to the root; its name where it has no file of its own.
            place: Where it is otherwise.

        Raises:
            UnreadableImageError: It is missing, empty, cut short or damaged.
        """
        if place is None:
            return read_bytes(self.root / path)
        try:
            return check_bytes(self._stretch(place), self.root / path)
        except OSError as error:
            raise UnreadableImageError(f"{self.root / path}: {error.strerror or error}") from error
        except ValueError as error:
            raise UnreadableImageError(f"{self.root / path} cannot be read: {error}") from error

    def _open(self, file: str) -> IO[bytes]:
        return open(self.root / file, "rb", buffering=0)

    def _stretch(self, place: Place) -> bytes:
        at = place[:4]
        if self._page[0] == at:  # images that follow each other share a page
            return self._page[1][place.inner : place.inner + place.length]
        data = os.pread(self._opened(place.file).fileno(), place.size, place.start)
        if len(data) < place.size:
            raise ValueError(f"{place.file} has been cut short")
        if place.form == PLAIN:
            return data
        if place.form == RECORDIO:
            return image_of(content_of(data))[1]
        self._page = at, decompressed(data, place.form, place.unpacked)
        return self._page[1][place.inner : place.inner + place.length]


def decompressed(data: bytes, codec: str, size: int) -> bytes:
    """A page of Parquet.

    Raises:
        OSError: It is damaged.
    """
    import pyarrow

    return pyarrow.decompress(data, decompressed_size=size, codec=codec, asbytes=True)
