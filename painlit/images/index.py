"""The index of a data set of photographs: built once, then memory-mapped, so that millions of images open at once.

An index is a folder of plain NumPy arrays, one row per usable image, and index.json, which is written last. It holds
where each image is, its class, person, part and face box, and a digest of its content where that was read. Images may
have files of their own or lie within larger ones. Those that are left out are in problems.csv.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from painlit.errors import PainlitError
from painlit.images.places import Place, PlaceReader, place_at
from painlit.runs.artefact import check_digest, read_artefact, write_artefact
from painlit.system.csv_files import write_csv
from painlit.system.digests import digest
from painlit.system.files import atomic_path

VERSION = 3
LOOK = 24
"""Side in px of an image's thumbnail."""
FIELDS: dict[str, type[np.generic]] = {
    "paths": np.uint8,
    "ends": np.int64,
    "labels": np.int32,
    "persons": np.int32,
    "parts": np.uint8,
    "boxes": np.float32,
    "lines": np.int32,
    "digests": np.uint64,
    "looks": np.uint8,
    "places": np.int64,
    "pages": np.int32,
}
"""Array name -> type. `paths` is all paths as one run of UTF-8 bytes, `ends` where each of them ends."""


class ImageIndex:
    """The usable images of a data set, read from the folder that `build_index` left.

    Raises:
        PainlitError: A file of it is missing, or not as it was written.

    Attributes:
        folder: Where it is.
        about: Content of index.json: name, root, classes, persons, counts.
        labels: (n,) class numbers.
        persons: (n,) positions in `about["persons"]`, -1 where unknown.
        parts: (n,) 0 train, 1 validation.
        boxes: (n, 4) x1, y1, x2, y2 in px; NaN where the whole image is meant.
        lines: (n,) line in the set's list file, 0 where there is none.
        digests: (n,) of the files' content, 0 where it was not read.
        looks: (n, LOOK * LOOK) grey values of thumbnails of whole images; (0, LOOK * LOOK) where none were read.
        places: (n, 3) position in `about["files"]`, start and size, as `Place` has them; (0, 3) where images are files.
        pages: (n, 3) unpacked size, inner start and length, as `Place` has them; (0, 3) where nothing is compressed.
    """

    labels: np.ndarray
    persons: np.ndarray
    parts: np.ndarray
    boxes: np.ndarray
    lines: np.ndarray
    digests: np.ndarray
    looks: np.ndarray
    places: np.ndarray
    pages: np.ndarray
    paths: np.ndarray
    ends: np.ndarray

    def __init__(self, folder: Path):
        self.folder = Path(folder)
        again = f"delete {self.folder} and run the same command again"
        self.about: dict[str, Any] = read_artefact(self.folder / "index.json", again)
        self._map()
        check_digest(
            self.folder, self.about["content"], _content({name: getattr(self, name) for name in FIELDS}), again
        )

    def _map(self) -> None:
        try:
            for name in FIELDS:
                setattr(self, name, np.load(self.folder / f"{name}.npy", mmap_mode="r"))
        except (OSError, EOFError, ValueError) as error:
            raise PainlitError(
                f"the index {self.folder} is damaged: {error}", "delete the folder and run the same command again"
            ) from error

    def __len__(self) -> int:
        return len(self.labels)

    def __getstate__(self) -> dict[str, Any]:  # worker processes map the files themselves
        return {"folder": self.folder, "about": self.about}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._map()

    @property
    def name(self) -> str:
        """Of the data set."""
        return self.about["name"]

    @property
    def classes(self) -> list[str]:
        """Class names in label order."""
        return self.about["classes"]

    @cached_property
    def root(self) -> Path:
        """Folder that paths are relative to."""
        return Path(self.about["root"])

    def relative_path(self, row: int) -> str:
        """Path of an image below the root."""
        start = self.ends[row - 1] if row else 0
        return self.paths[start : self.ends[row]].tobytes().decode()

    def path(self, row: int) -> Path:
        """Path of an image."""
        return self.root / self.relative_path(row)

    @property
    def upright(self) -> bool:
        """Whether boxes refer to images as they are displayed; the sets' own refer to them as they are stored."""
        return self.about["settings"]["faces"] != "boxes"

    def place(self, row: int) -> Place | None:
        """Where in a larger file an image is; None where it has one of its own."""
        return place_at(row, self.about["files"], self.places, self.pages)

    def read(self, row: int) -> bytes:
        """The content of an image.

        Raises:
            UnreadableImageError: It is missing, empty, cut short or damaged.
        """
        return self._reader.read(self.relative_path(row), self.place(row))

    @cached_property
    def _reader(self) -> PlaceReader:
        return PlaceReader(self.root)

    def where(self, row: int) -> str:
        """An image for messages: its path, and its line in the set's list if there is one."""
        line = int(self.lines[row])
        return f"{self.path(row)} (line {line} of the list)" if line else str(self.path(row))


def write_index(folder: Path, about: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
    """Write an index; index.json comes last and marks it as complete."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "index.json").unlink(missing_ok=True)
    for name, dtype in FIELDS.items():
        array = np.asarray(arrays[name], dtype)
        file = io.BytesIO()
        np.save(file, array)  # not to the disk, as its errors do not name a full one
        with atomic_path(folder / f"{name}.npy") as temporary:  # a process at work may have the former one mapped
            temporary.write_bytes(file.getbuffer())
    content = {**about, "version": VERSION, "images": len(arrays["labels"]), "content": _content(arrays)}
    write_artefact(folder / "index.json", content)


def _content(arrays: Mapping[str, np.ndarray]) -> str:
    return digest({name: np.asarray(arrays[name], dtype) for name, dtype in FIELDS.items()})


def write_problems(folder: Path, problems: list[tuple[str, str]]) -> None:
    """problems.csv: every image that is left out, and why."""
    write_csv(folder / "problems.csv", [("image", "problem"), *problems])
