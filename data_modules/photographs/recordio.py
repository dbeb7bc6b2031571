"""Labels and places of the images in MXNet's RecordIO, as InsightFace lays it out (`painlit.images.recordio`).

train.rec        records of images; the first one, and one for each identity at the end, describe the others
train.idx        lines `key<TAB>offset in train.rec`; it may be missing
property         identities,height,width; not read, since labels and images hold the same
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from data_modules.photographs.packed_item import PackedImage
from painlit.errors import PainlitError
from painlit.images.places import RECORDIO
from painlit.images.recordio import (
    FIRST,
    LAST,
    MAGIC,
    MIDDLE,
    RECORD,
    WHOLE,
    content_of,
    image_of,
    kind_and_length,
    padded,
)
from painlit.images.source import Skipped

_AGAIN = "get the file again: it is damaged or cut short"


def recordio_images(path: Path) -> Iterator[PackedImage | Skipped]:
    """Every image, in the file's order; its label is the record's first.

    Raises:
        PainlitError: The file is damaged, does not agree with its .idx, or has more or fewer images than it states.
    """
    if not path.stat().st_size:
        raise PainlitError(f"{path} is empty", _AGAIN)
    listed = _listed(path.with_suffix(".idx"))
    found, images, stated = 0, 0, None
    with open(path, "rb") as handle, mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ) as data:
        for start, end in _records(path, data):
            if listed is not None and (found >= len(listed) or listed[found, 1] != start):
                raise _disagreement(path, listed, found, start)
            key = found if listed is None else int(listed[found, 0])
            found += 1
            try:
                labels, image = image_of(content_of(data[start:end]))
            except ValueError as error:
                raise PainlitError(f"{path}, byte {start}: {error}", _AGAIN) from error
            if image:
                images += 1
                if labels:
                    yield PackedImage(str(key), int(labels[0]), "", RECORDIO, start, end - start)
                else:
                    yield Skipped(str(key), "it has no label")
            elif found == 1:
                stated = int(labels[0]) - 1  # the key that follows the last image's
    if listed is not None and found < len(listed):
        raise _disagreement(path, listed, found, path.stat().st_size)
    if stated is not None and stated != images:
        raise PainlitError(f"{path} has {images:,} images, and its first record states {stated:,}", _AGAIN)


def _records(path: Path, data: mmap.mmap) -> Iterator[tuple[int, int]]:
    """Start and end of each record, whose parts count as one."""
    position, size, first = 0, len(data), None
    while position < size:
        magic, word = RECORD.unpack_from(data, position) if position + RECORD.size <= size else (b"", 0)
        kind, length = kind_and_length(word)
        end = position + RECORD.size + padded(length)
        if magic != MAGIC or kind not in ((WHOLE, FIRST) if first is None else (MIDDLE, LAST)):
            raise PainlitError(f"{path}, byte {position}: no record begins here", _AGAIN)
        if end > size:
            raise PainlitError(f"{path}, byte {position}: a record of {length:,} bytes reaches past the end", _AGAIN)
        if kind in (WHOLE, LAST):
            yield position if first is None else first, end
            first = None
        elif kind == FIRST:
            first = position
        position = end
    if first is not None:
        raise PainlitError(f"{path}, byte {first}: the parts of a record have no end", _AGAIN)


def _listed(path: Path) -> np.ndarray | None:
    """(n, 2) key and offset in the order of offsets; None without the file."""
    if not path.is_file():
        return None
    try:
        values = np.array(path.read_bytes().split(), np.int64).reshape(-1, 2)
    except ValueError as error:
        raise PainlitError(f"{path} is not of lines `key offset`: {error}", "restore or delete it") from error
    return values[np.argsort(values[:, 1], kind="stable")]


def _disagreement(path: Path, listed: np.ndarray, place: int, start: int) -> PainlitError:
    entry = f"key {listed[place, 0]} at byte {listed[place, 1]:,}" if place < len(listed) else "nothing more"
    held = "a record" if start < path.stat().st_size else "its end"
    return PainlitError(
        f"{path.with_suffix('.idx')} has {entry}, where {path.name} has {held} at byte {start:,}",
        "get both files again, of one distribution; without the .idx the .rec is read alone",
    )
