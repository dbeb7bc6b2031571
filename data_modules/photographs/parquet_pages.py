"""Where the pages of a column of Parquet lie, by their headers (PageHeader of parquet.thrift, in compact form)."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from typing import Any, NamedTuple

from painlit.images.places import PLAIN

_DICTIONARY, _DATA_V2 = 2, 3
_TYPE, _UNPACKED, _SIZE, _V2_HEADER = 1, 2, 3, 8  # fields of PageHeader
_LEVELS, _IS_COMPRESSED = (5, 6), 7  # fields of DataPageHeaderV2
_TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY, _LIST, _SET, _STRUCT = 1, 2, 3, 7, 8, 9, 10, 12


class Page(NamedTuple):
    """A page's content, without its header and, where they lie apart, its levels."""

    start: int
    size: int
    unpacked: int
    """Bytes once decompressed."""
    codec: str
    """`PLAIN`, or pyarrow's name."""
    is_dictionary: bool


def pages_of(data: mmap.mmap, start: int, size: int, codec: str) -> Iterator[Page]:
    """The pages of a column chunk.

    Args:
        data: The file.
        start: Of the chunk.
        size: Of the chunk.
        codec: Of the chunk.

    Raises:
        ValueError: The headers are damaged.
    """
    position, end = start, start + size
    while position < end:
        header, body = _struct(data, position)
        if not {_TYPE, _UNPACKED, _SIZE} <= header.keys() or header[_SIZE] < 0 or body + header[_SIZE] > end:
            raise ValueError(f"no page begins at byte {position}")
        position = body + header[_SIZE]
        levels, packed = 0, codec
        if header[_TYPE] == _DATA_V2:
            second = header.get(_V2_HEADER, {})
            levels = sum(second.get(field, 0) for field in _LEVELS)
            packed = codec if second.get(_IS_COMPRESSED, True) else PLAIN
        yield Page(
            body + levels, header[_SIZE] - levels, header[_UNPACKED] - levels, packed, header[_TYPE] == _DICTIONARY
        )


def _struct(data: mmap.mmap, at: int) -> tuple[dict[int, Any], int]:
    """Fields of a struct by number, and where it ends."""
    fields: dict[int, Any] = {}
    number = 0
    while data[at]:
        kind, step = data[at] & 15, data[at] >> 4
        at += 1
        if step:
            number += step
        else:
            zigzag, at = _varint(data, at)
            number = (zigzag >> 1) ^ -(zigzag & 1)
        fields[number], at = (kind == _TRUE, at) if kind in (_TRUE, _FALSE) else _value(data, at, kind)
    return fields, at + 1


def _value(data: mmap.mmap, at: int, kind: int) -> tuple[Any, int]:
    if kind == _STRUCT:
        return _struct(data, at)
    if kind in (_TRUE, _FALSE, _BYTE):  # booleans of a list have a byte each
        return data[at], at + 1
    if kind == _DOUBLE:
        return None, at + 8
    if kind in (_LIST, _SET):
        count, inner = data[at] >> 4, data[at] & 15
        at += 1
        if count == 15:
            count, at = _varint(data, at)
        for _ in range(count):
            _, at = _value(data, at, inner)
        return None, at
    value, at = _varint(data, at)
    if kind == _BINARY:
        return None, at + value
    if kind > _BINARY:
        raise ValueError(f"a page's header has a field of unknown kind {kind}")
    return (value >> 1) ^ -(value & 1), at


def _varint(data: mmap.mmap, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7
