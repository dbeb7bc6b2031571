"""Labels and places of the images in Parquet files, as the Hugging Face hub has them.

    train-00000-of-00004.parquet     image: struct of bytes and path, or bytes; label: numbers or names
                                     the names of numbers are in the schema's metadata, under `huggingface`

pyarrow reads a whole row group at once, up to 100 MB for one image. A column chunk is a run of pages, so the place of
each image in its page is noted, and a page is all that is read later; of a column that is not compressed, the image
alone. Of Parquet's format only the sizes of pages are read here: the images are pyarrow's, and each is looked
for in the pages, so that no encoding is decoded by hand.
"""

from __future__ import annotations

import json
import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from data_modules.photographs.packed_item import PackedImage
from data_modules.photographs.parquet_pages import Page, pages_of
from painlit.errors import PainlitError
from painlit.images.places import PLAIN, decompressed
from painlit.images.source import Note, Skipped

_BATCH = 32  # rows held at once
_LARGE = 4 << 20  # bytes of a page, which take some milliseconds
_CODECS = {"UNCOMPRESSED": PLAIN, "LZ4": "lz4_raw"}


def parquet_images(path: Path) -> Iterator[PackedImage | Skipped | Note]:
    """Every image, in the file's order. Who is shown is the name in `path` up to its first underscore.

    Raises:
        PainlitError: pyarrow is not installed, the file is damaged, or has no columns of images and labels.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise PainlitError(f"{path} is read with pyarrow, which is not installed", "pip install pyarrow") from error
    try:
        with pq.ParquetFile(path) as file, open(path, "rb") as handle:
            image, label = _columns(path, file.schema_arrow)
            names = _class_names(file.schema_arrow.metadata or {}, label)
            with mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ) as data:
                row = largest = 0
                for group in range(file.num_row_groups):
                    finder = Finder(path, data, file.metadata.row_group(group), image)
                    columns = [image.partition(".")[0], label]
                    for batch in file.iter_batches(_BATCH, row_groups=[group], columns=columns):
                        values, labels = batch.column(columns[0]).to_pylist(), batch.column(label).to_pylist()
                        for value, number in zip(values, labels, strict=True):
                            yield _item(str(row), value, number, names, finder)
                            row += 1
                    largest = max(largest, finder.largest)
        if largest > _LARGE:
            yield Note(
                f"each image of {path.name} takes up to {largest >> 20} MB of decompressing: without compression it is "
                "read faster (pq.write_table(pq.read_table(old), new, compression={'image.bytes': 'none'}))"
            )
    except (pa.ArrowException, OSError) as error:
        raise PainlitError(f"{path} cannot be read: {error}", "get the file again") from error


def _item(name: str, value: Any, label: Any, names: list[str] | None, finder: Finder) -> PackedImage | Skipped:
    content, file = (value.get("bytes"), value.get("path")) if isinstance(value, dict) else (value, None)
    if not content:
        return Skipped(name, f"its bytes are not in the file{f', only the path {file}' if file else ''}")
    place = finder.find(content)
    if label is None or (names is not None and not 0 <= label < len(names)):
        return Skipped(name, "it has no label")
    person = Path(file).stem.partition("_")[0] if file else ""
    return PackedImage(name, label if names is None else names[label], person, *place)


class Finder:
    """Where images lie in the column chunk of a row group; they are requested in the order of rows.

    Args:
        path: For errors.
        data: The file.
        group: pyarrow's metadata of the row group.
        column: Path of the column of bytes.
    """

    def __init__(self, path: Path, data: mmap.mmap, group: Any, column: str):
        self.path, self._data = path, data
        chunk = next(c for c in map(group.column, range(group.num_columns)) if c.path_in_schema == column)
        codec = _CODECS.get(chunk.compression, chunk.compression.lower())
        offsets = [chunk.data_page_offset, chunk.dictionary_page_offset or chunk.data_page_offset]
        self._pages = pages_of(data, min(offsets), chunk.total_compressed_size, codec)
        self._dictionary: tuple[Page, bytes] | None = None
        self._current: tuple[Page, bytes] | None = None
        self._at = 0
        self.largest = 0
        """Bytes of the largest page that is decompressed."""

    def find(self, content: bytes) -> tuple[str, int, int, int, int, int]:
        """Form, start, size, unpacked, inner and length of an image, as `Place` has them.

        Raises:
            PainlitError: It is in no page as it is.
        """
        while True:
            for search in (_after_its_length, bytes.find):  # the second takes milliseconds, and few encodings need it
                if self._current and (at := search(self._current[1], content, self._at)) >= 0:
                    self._at = at + len(content)
                    return _place(self._current[0], at, len(content))
                if self._dictionary and (at := search(self._dictionary[1], content, 0)) >= 0:
                    return _place(self._dictionary[0], at, len(content))
            self._advance()

    def _advance(self) -> None:
        try:
            page = next(self._pages)
            held = self._data[page.start : page.start + page.size]
            content = held if page.codec == PLAIN else decompressed(held, page.codec, page.unpacked)
        except StopIteration:
            raise PainlitError(
                f"{self.path}: an image is in an encoding that is not read in place",
                "write the file again, such as with pyarrow's pq.write_table(pq.read_table(old), new)",
            ) from None
        except (ValueError, IndexError) as error:
            raise PainlitError(f"{self.path} cannot be read: {error}", "get the file again") from error
        if page.codec != PLAIN:
            self.largest = max(self.largest, page.unpacked)
        if page.is_dictionary:
            self._dictionary = page, content
        else:
            self._current, self._at = (page, content), 0


def _after_its_length(held: bytes, content: bytes, start: int) -> int:
    """Where content lies after its length in 4 bytes, as the commonest encoding has it; -1 if it does not."""
    if held.startswith(content, start + 4):
        return start + 4
    beginning = len(content).to_bytes(4, "little") + content[:32]
    at = held.find(beginning, start)
    while at >= 0 and not held.startswith(content, at + 4):
        at = held.find(beginning, at + 1)
    return at + 4 if at >= 0 else -1


def _place(page: Page, at: int, length: int) -> tuple[str, int, int, int, int, int]:
    if page.codec == PLAIN:
        return PLAIN, page.start + at, length, 0, 0, 0
    return page.codec, page.start, page.size, page.unpacked, at, length


def _columns(path: Path, schema: Any) -> tuple[str, str]:
    """The Parquet column of the images' bytes, and the column of labels."""
    import pyarrow as pa

    features = _features(schema.metadata or {})
    images = [name for name in schema.names if features.get(name, {}).get("_type") == "Image"] or [
        name for name in ("image", "img", "jpg") if name in schema.names
    ]
    labels = [name for name in schema.names if features.get(name, {}).get("_type") == "ClassLabel"] or [
        name for name in ("label", "labels", "identity") if name in schema.names
    ]
    if len(images) != 1 or len(labels) != 1:
        raise PainlitError(
            f"{path} has {len(images)} columns of images and {len(labels)} of labels; its columns are "
            f"{', '.join(schema.names)}",
            "call the two columns image and label",
        )
    kind = schema.field(images[0]).type
    bytes_kind = kind.field("bytes").type if pa.types.is_struct(kind) and kind.get_field_index("bytes") >= 0 else kind
    if not (pa.types.is_binary(bytes_kind) or pa.types.is_large_binary(bytes_kind)):
        raise PainlitError(f"{path}: column {images[0]} is of {kind}", "it must be bytes, or a struct with bytes")
    label = schema.field(labels[0]).type
    if not (pa.types.is_integer(label) or pa.types.is_string(label) or pa.types.is_large_string(label)):
        raise PainlitError(f"{path}: column {labels[0]} is of {label}", "labels must be whole numbers or names")
    return images[0] + (".bytes" if kind is not bytes_kind else ""), labels[0]


def _features(metadata: dict[bytes, bytes]) -> dict[str, Any]:
    """Columns as the library datasets describes them; empty if it did not write the file."""
    try:
        return json.loads(metadata.get(b"huggingface", b"{}"))["info"]["features"]
    except (ValueError, KeyError, TypeError):
        return {}


def _class_names(metadata: dict[bytes, bytes], label: str) -> list[str] | None:
    return _features(metadata).get(label, {}).get("names")
