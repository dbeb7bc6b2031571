"""Photographs within larger files, read in place: RecordIO, tar shards, Parquet.

A set is one file, or all files of one kind in a folder or in its folders data/, train/, validation/, val/ and test/. A
folder that has any other folders is a tree of images, whatever files lie beside them.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from data_modules.photographs.image_lists import file_names, folder_names, stamp_of
from data_modules.photographs.packed_item import PackedImage
from data_modules.photographs.parquet import parquet_images
from data_modules.photographs.recordio import recordio_images
from data_modules.photographs.tar_shards import tar_images
from painlit.errors import PainlitError, some
from painlit.images.places import Place
from painlit.images.source import TRAIN, VALIDATION, Item, Note, Record, Skipped

READERS: dict[str, Callable[[Path], Iterator[PackedImage | Skipped | Note]]] = {
    ".rec": recordio_images,
    ".tar": tar_images,
    ".parquet": parquet_images,
}
"""Ending of a file -> its reader."""
_COMPRESSED = (".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar.zst")
_FOLDERS = ("data", "train", "validation", "val", "test")
_PARTS = {"train": "train", "training": "train", "validation": "validation", "valid": "validation", "val": "validation",
          "dev": "validation", "test": "test"}  # fmt: skip


def packed_files(root: Path) -> list[str]:
    """Files of images, relative to the root or, if that is one itself, to its folder; empty for a tree of images.

    Raises:
        PainlitError: They are of several kinds, or compressed.
    """
    if root.is_file():
        inside = [root.name]
    elif not root.is_dir():
        return []
    else:
        ending = (*READERS, *_COMPRESSED)
        folders = {name: file_names(root / name, ending) for name in folder_names(root) if name in _FOLDERS}
        if any(not folders.get(name) for name in folder_names(root)):
            return []
        inside = [*file_names(root, ending), *(f"{name}/{file}" for name, files in folders.items() for file in files)]
    if compressed := [file for file in inside if file.lower().endswith(_COMPRESSED)]:
        raise PainlitError(
            f"{root}: images are not read from a compressed file such as {compressed[0]}", "decompress it to .tar"
        )
    kinds = {Path(file).suffix.lower() for file in inside}
    if len(kinds) > 1 or (kinds and kinds.isdisjoint(READERS)):
        raise PainlitError(
            f"{root} has files of {', '.join(sorted(kinds))}", f"name files of one kind: {', '.join(READERS)}"
        )
    if ".rec" in kinds and "train.rec" in inside:
        return ["train.rec"]  # InsightFace puts sets for verification beside it
    return inside


class PackedImages:
    """Labelled images within larger files.

    Classes are the names that a file gives to labels, or else the labels, numbers before names.

    Args:
        root: The file, or the folder.
        name: Names the index.
        files: What `packed_files` found.
        split: Whether files called train, and validation, val or test, are an official split, of which the first of the
            three that exists validates and the others are not read. Otherwise all are read to train on.

    Raises:
        PainlitError: Of a split, a part is missing or the name of a file does not state its part.
    """

    has_boxes = False

    def __init__(self, root: Path | str, name: str, files: list[str], split: bool):
        root = Path(root)
        self.root = root.parent if root.is_file() else root
        self.name = name
        parts = {file: _part(file) for file in files} if split else {}
        found = {part for part in parts.values() if part}
        self.has_split = bool(found - {"train"}) and len(files) > 1
        self._unread: list[str] = []
        if not self.has_split:
            self._parts = dict.fromkeys(files, TRAIN)
            return
        if None in parts.values() or "train" not in found:
            lacking = next((file for file, part in parts.items() if part is None), None)
            what = f"{lacking} is neither called train nor validation" if lacking else "no file is called train"
            raise PainlitError(
                f"{root}: {what}",
                "begin the names of files with train and validation, or name one file",
            )
        validation = "validation" if "validation" in found else "test"
        numbers = {"train": TRAIN, validation: VALIDATION}
        self._parts = {file: numbers[part] for file, part in parts.items() if part in numbers}
        self._unread = [file for file in files if file not in self._parts]

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in label order; reads all files."""
        return self._listed.classes

    @cached_property
    def _listed(self) -> _Listed:
        return _Listed(self.root, list(self._parts))

    def steps(self) -> int:
        """Files."""
        return len(self._parts)

    def records(self, advance: Callable[[], None] = lambda: None) -> Iterator[Item]:
        """Every image, by file and place.

        Raises:
            PainlitError: A file is damaged, or there are no images in it.
        """
        listed = self.__dict__["_listed"] = _Listed(self.root, list(self._parts), advance)
        yield from listed.rest
        if self._unread:
            yield Note(f"not read: {some(self._unread)}, since there is a validation part")
        yield from listed.records(self._parts)

    def stamp(self) -> dict[str, object]:
        """Sizes and times of the files."""
        lists = [
            *self._parts,
            *(i for f in self._parts if (self.root / (i := str(Path(f).with_suffix(".idx")))).is_file()),
        ]
        return stamp_of(self.root, lists, ())


class _Listed:
    """All images as columns, which take some 60 bytes each; millions of objects would take gigabytes."""

    def __init__(self, root: Path, files: list[str], advance: Callable[[], None] = lambda: None):
        self.rest: list[Item] = []
        self._files, self._names, self._ends = files, bytearray(), array("q")
        self._columns, self._pages = array("q"), array("i")  # file, label, person, start, size; as `Place`
        self._labels: dict[int | str, int] = {}
        self._persons: dict[str, int] = {}
        self._forms: dict[str, int] = {}
        for number, file in enumerate(files):
            count = len(self._ends)
            for item in READERS[Path(file).suffix.lower()](root / file):
                if isinstance(item, PackedImage):
                    self._add(number, item)
                else:
                    self.rest.append(Skipped(f"{file}/{item.path}", item.reason) if isinstance(item, Skipped) else item)
            if len(self._ends) == count:
                raise PainlitError(f"{root / file} has no labelled images", "see what it holds, or leave it out")
            advance()
        order = sorted(self._labels, key=lambda label: (isinstance(label, str), label))
        self._number = {self._labels[label]: number for number, label in enumerate(order)}
        self.classes = tuple(map(str, order))

    def _add(self, file: int, image: PackedImage) -> None:
        self._names += image.name.encode(errors="replace")
        self._ends.append(len(self._names))
        label = self._labels.setdefault(image.label, len(self._labels))
        person = self._persons.setdefault(image.person, len(self._persons))
        form = self._forms.setdefault(image.form, len(self._forms))
        self._columns.extend((file, label, person, form, image.start, image.size))
        self._pages.extend((image.unpacked, image.inner, image.length))

    def records(self, parts: dict[str, int]) -> Iterator[Record]:
        """The images, with labels as positions in `classes`."""
        persons, forms, start = list(self._persons), list(self._forms), 0
        for row, end in enumerate(self._ends):
            number, label, person, form, at, size = self._columns[6 * row : 6 * row + 6]
            file, name = self._files[number], self._names[start:end].decode()
            place = Place(file, forms[form], at, size, *self._pages[3 * row : 3 * row + 3])
            yield Record(f"{file}/{name}", self._number[label], persons[person], parts[file], place=place)
            start = end


def _part(file: str) -> str | None:
    words = re.split(r"[/\\._-]", file.lower())
    return next((_PARTS[word] for word in words if word in _PARTS), None)


def packed_or(root: Path | str, name: str, split: bool, tree: Callable[[], Any]) -> Any:
    """The images within larger files at a root, or else what `tree` makes of its folders."""
    files = packed_files(Path(root))
    return PackedImages(root, name, files, split) if files else tree()
