"""Records of MXNet's RecordIO, in which InsightFace hands out MS1MV3, Glint360K, CASIA-WebFace and VGGFace2.

No library that is kept up reads it: mxnet was retired in 2023. The format (dmlc-core, `recordio.h`; mxnet,
`recordio.py`):

    record: magic 0xced7230a, then 3 bits of kind and 29 bits of length, both little-endian uint32; content; zeros up to
            a multiple of 4. Content that has the magic at a multiple of 4 is cut there into records of the kinds 1
            (first), 2 (middle), 3 (last), and the magic is left out; otherwise the kind is 0
    content of an image: flag (uint32), label (float32), two numbers (uint64); if flag > 0, as many float32 labels; the
            image file
"""

from __future__ import annotations

import struct

MAGIC = struct.pack("<I", 0xCED7230A)
WHOLE, FIRST, MIDDLE, LAST = range(4)
RECORD = struct.Struct("<4sI")
"""Magic, and kind and length; `kind_and_length` takes the second apart."""
HEADER = struct.Struct("<IfQQ")
"""Of an image: flag, label, two numbers."""


def kind_and_length(word: int) -> tuple[int, int]:
    """Kind of a record, and bytes of its content."""
    return word >> 29, word & (1 << 29) - 1


def padded(length: int) -> int:
    """Bytes that content of this length takes."""
    return (length + 3) // 4 * 4


def content_of(records: bytes) -> bytes:
    """What one record holds, or the parts of one that was cut.

    Raises:
        ValueError: They are not such records.
    """
    parts: list[bytes] = []
    position = 0
    while position < len(records):
        magic, word = RECORD.unpack_from(records, position)
        kind, length = kind_and_length(word)
        expected = kind in (MIDDLE, LAST) if parts else kind in (WHOLE, FIRST)
        if magic != MAGIC or not expected or position + RECORD.size + length > len(records):
            raise ValueError("no record begins where one should")
        parts.append(records[position + RECORD.size : position + RECORD.size + length])
        position += RECORD.size + padded(length)
        if kind in (WHOLE, LAST):
            break
    return MAGIC.join(parts)


def image_of(content: bytes) -> tuple[tuple[float, ...], bytes]:
    """Labels and image file of a record's content; the file is empty in records that describe the others.

    Raises:
        ValueError: The content is shorter than its header states.
    """
    if len(content) < HEADER.size:
        raise ValueError("a record is shorter than the header of an image")
    flag, label, _, _ = HEADER.unpack_from(content)
    start = HEADER.size + 4 * flag
    if start > len(content):
        raise ValueError(f"a record has {len(content)} bytes, and should begin with {flag} labels")
    return struct.unpack_from(f"<{flag}f", content, HEADER.size) if flag else (label,), content[start:]
