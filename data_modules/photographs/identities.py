"""Photographs by identity: VGGFace2, or any tree of `identity/image`.

Layout of VGGFace2 (`root` is its folder; Cao et al. 2018):

    train/n000002/0001_01.jpg               8,631 identities
    test/n000001/0001_01.jpg                500 identities
    bb_landmark/loose_bb_train.csv          and loose_bb_test.csv; without the folder there are no face boxes

Any other tree has the identities directly in `root`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path

from data_modules.photographs.image_lists import ImageFolders, folder_names, stamp_of
from painlit.errors import PainlitError
from painlit.images.source import TRAIN, Item, Record, Skipped

BOX_COLUMNS = "NAME_ID,X,Y,W,H"
"""Header of VGGFace2's box tables: identity and image without its ending, then px."""

_BOXES = "bb_landmark"


class IdentityTree:
    """A tree of photographs whose folders are people.

    VGGFace2's division into train and test is one of identities, meant for verification. Learning to recognise
    identities uses both, so every record is TRAIN, and there is no official split.

    Args:
        root: VGGFace2's folder, or one with a folder for each identity.
        name: Names the index; two trees need two names.

    Raises:
        PainlitError: There is no identity, or a box table is missing.
    """

    has_split = False

    def __init__(self, root: Path | str, name: str = "identities"):
        self.root = Path(root)
        self.name = name
        self.has_boxes = (self.root / _BOXES).is_dir()
        inside = folder_names(self.root)
        divisions: list[str] = [d for d in ("train", "test") if d in inside and folder_names(self.root / d)]
        if self.has_boxes and not divisions:
            raise PainlitError(f"{self.root} has {_BOXES}, but no identities in train or test", "restore the two")
        # identities in VGGFace2's order: of train, then of test, as its two tables list them
        self._identities = {d: folder_names(self.root / d) for d in divisions} or {"": inside}
        self.classes = tuple(sorted({person for people in self._identities.values() for person in people}))
        if not self.classes:
            raise PainlitError(
                f"{self.root} has no folders of identities", "it must hold identity/image.jpg, or VGGFace2's train/"
            )
        self._tables = {d: f"{_BOXES}/loose_bb_{d}.csv" for d in divisions if self.has_boxes}
        for table in self._tables.values():
            if not (self.root / table).is_file():
                raise PainlitError(f"{self.root / table} does not exist", f"restore it, or remove {_BOXES}")

    def steps(self) -> int:
        """Folders of identities."""
        return sum(len(people) for people in self._identities.values())

    def records(self, advance: Callable[[], None] = lambda: None) -> Iterator[Item]:
        """Every image, by identity; an image without a row in the box table is skipped.

        Raises:
            PainlitError: An identity without images, or a faulty row of a box table.
        """
        labels = {person: label for label, person in enumerate(self.classes)}
        folders = ImageFolders(self.root)
        for division, people in self._identities.items():
            table = BoxTable(self.root, self._tables[division], division, people) if self.has_boxes else None
            for person in people:
                folder = f"{division}/{person}" if division else person
                names = folders.images(folder)
                if table is None:
                    for name in names:
                        yield Record(f"{folder}/{name}", labels[person], person)
                else:
                    yield from _with_boxes(table, folder, names, person, labels[person])
                advance()
        yield from folders.rest()

    def stamp(self) -> dict[str, object]:
        """Sizes and times of the box tables and of all images."""
        folders = [f"{d}/{p}" if d else p for d, people in self._identities.items() for p in people]
        return stamp_of(self.root, self._tables.values(), folders)


def _with_boxes(table: BoxTable, folder: str, names: list[str], person: str, label: int) -> Iterator[Record | Skipped]:
    rows = table.rows(person)
    for name in names:
        row = rows.pop(name.rpartition(".")[0], None)
        if row is None:
            yield Skipped(f"{folder}/{name}", f"no row in {table.path.name}")
        else:
            yield Record(f"{folder}/{name}", label, person, TRAIN, row[1], row[0])
    if rows:
        image, (line, _) = min(rows.items(), key=lambda item: item[1][0])
        raise table.no_image(line, f"{folder}/{image}")


class BoxTable:
    """The face boxes of VGGFace2's train or test, read one identity at a time.

    Memory holds only where the rows of each identity begin: 3 million rows as Python objects would be over a gigabyte.
    Fields are split at commas and lose their quotes; the csv module would take an unclosed quote for a field of many
    lines, and the line in an error would be a wrong one.

    Args:
        root: VGGFace2's folder.
        table: The table, relative to it.
        division: Folder of the identities: train or test.
        people: The identities in that folder.

    Raises:
        PainlitError: Another header, or a row without an identity or with one that has no folder.
    """

    def __init__(self, root: Path, table: str, division: str, people: list[str]):
        self.path = root / table
        self._runs: dict[str, list[tuple[int, int, int]]] = {}  # identity: offset, bytes and first line of its rows
        with open(self.path, "rb") as handle:
            header = handle.readline()
            found = header.decode("utf-8-sig", "replace").replace('"', "").strip()
            if found != BOX_COLUMNS:
                raise PainlitError(f"{self.path}, line 1: the header is {found[:80]!r}", f"it must be {BOX_COLUMNS}")
            offset, line = len(header), 2
            for key, group in groupby(handle, key=lambda row: row[: row.find(b"/") + 1]):
                rows = list(group)
                if key:
                    self._runs.setdefault(key.strip(b'"/ ').decode(errors="replace"), []).append(
                        (offset, sum(map(len, rows)), line)
                    )
                else:
                    self._refuse_all_but_blank(rows, line)
                offset += sum(map(len, rows))
                line += len(rows)
        unknown = self._runs.keys() - set(people)
        if unknown:
            person = min(unknown, key=lambda person: self._runs[person][0])
            image, (line, _) = next(iter(self.rows(person).items()))
            raise self.no_image(line, f"{division}/{person}/{image}")

    def rows(self, person: str) -> dict[str, tuple[int, tuple[float, float, float, float]]]:
        """Line and box (x1, y1, x2, y2 in px) of each image of one identity, by the image's name without its ending.

        Raises:
            PainlitError: A row that is not of five fields, or not of numbers with width and height above 0, or that
                names an image for the second time.
        """
        found: dict[str, tuple[int, tuple[float, float, float, float]]] = {}
        with open(self.path, "rb") as handle:
            for offset, size, first in self._runs.get(person, ()):
                handle.seek(offset)
                text = handle.read(size).decode(errors="replace").rstrip("\n").replace('"', "")
                for line, row in enumerate(text.split("\n"), start=first):
                    try:
                        name, *numbers = row.split(",")
                        x, y, w, h = map(float, numbers)
                    except ValueError:
                        raise self._malformed(line, row) from None
                    if not (w > 0 and h > 0 and math.isfinite(x + y + w + h)):
                        raise self._malformed(line, row)
                    image = name.strip()[len(person) + 1 :]
                    if image in found:
                        raise PainlitError(
                            f"{self.path}, line {line}: {person}/{image} has a row at line {found[image][0]} already",
                            "delete one of the two",
                        )
                    found[image] = line, (x, y, x + w, y + h)
        return found

    def no_image(self, line: int, image: str) -> PainlitError:
        """The error of a row whose image does not exist."""
        return PainlitError(
            f"{self.path}, line {line}: there is no image {image} with any of the usual endings",
            f"restore the image or delete the row; without the folder {_BOXES}, faces are detected",
        )

    def _malformed(self, line: int, row: str) -> PainlitError:
        return PainlitError(
            f"{self.path}, line {line}: {row.strip()[:80]!r} is not {BOX_COLUMNS} with W and H above 0",
            "mend or delete the row",
        )

    def _refuse_all_but_blank(self, rows: list[bytes], first: int) -> None:
        for line, row in enumerate(rows, start=first):
            if row.strip():
                raise self._malformed(line, row.decode(errors="replace"))
