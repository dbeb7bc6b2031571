"""AffectNet (Mollahosseini et al. 2017) in the two layouts it is distributed in.

Layout `arrays`, its 8-class release:              Layout `tables`, the original one:

    train_set/images/<id>.jpg                          training.csv
    train_set/annotations/<id>_exp.npy                 validation.csv
    val_set/, the same                                 <subDirectory_filePath>, as the tables name the images, in the
                                                       root or in its folder Manually_Annotated_Images
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from data_modules.photographs.image_lists import (
    IMAGE_ENDINGS,
    Listing,
    file_names,
    folder_names,
    numbered_lines,
    stamp_of,
)
from painlit.errors import PainlitError
from painlit.images.source import TRAIN, VALIDATION, Record, Skipped

AFFECTNET_CLASSES = ("neutral", "happy", "sad", "surprise", "fear", "disgust", "anger", "contempt")
"""Expressions 0 to 7. The data set's 8 none, 9 uncertain and 10 no face are no expressions and are left out."""
TABLE_COLUMNS = ("subDirectory_filePath", "face_x", "face_y", "face_width", "face_height", "expression")
"""What is read of training.csv and validation.csv, by name; further columns are ignored."""

_SETS = {"train_set": TRAIN, "val_set": VALIDATION}
_TABLES = {"training.csv": TRAIN, "validation.csv": VALIDATION}
_NO_EXPRESSION = range(8, 11)
_IMAGES = "Manually_Annotated_Images"


class AffectNet:
    """AffectNet's eight expressions with its training and validation part; it does not state who is shown.

    Classes are strongly imbalanced in the training part and balanced in the validation part.

    Args:
        root: Folder of train_set and val_set, or of training.csv and validation.csv.

    Raises:
        PainlitError: Neither layout is complete there, or both have files.
    """

    name = "affectnet"
    classes: tuple[str, ...] = AFFECTNET_CLASSES
    has_split = True

    def __init__(self, root: Path | str):
        self.root = Path(root)
        arrays = {f"{s}/{kind}": (self.root / s / kind).is_dir() for s in _SETS for kind in ("images", "annotations")}
        tables = {table: (self.root / table).is_file() for table in _TABLES}
        looked_for = f"{', '.join(arrays)}, or {', '.join(tables)}"
        if any(arrays.values()) and any(tables.values()):
            raise PainlitError(f"{self.root} has files of both of AffectNet's layouts", f"keep one: {looked_for}")
        found = arrays if any(arrays.values()) else tables
        missing = [path for path, exists in found.items() if not exists]
        if len(missing) == len(found):
            raise PainlitError(f"{self.root} is no AffectNet", f"it must have {looked_for}")
        if missing:
            raise PainlitError(f"{self.root} lacks {', '.join(missing)}", "restore it from the distribution")
        self.has_boxes = found is tables

    def steps(self) -> int:
        """The two parts."""
        return 2

    def records(self, advance: Callable[[], None] = lambda: None) -> Iterator[Record | Skipped]:
        """Every image of an expression; of the tables' images, those without a face box are skipped.

        Raises:
            PainlitError: A faulty row or annotation, an image without annotation, or one that does not exist.
        """
        for source, part in (_TABLES if self.has_boxes else _SETS).items():
            yield from self._table(source, part) if self.has_boxes else self._arrays(source, part)
            advance()

    def stamp(self) -> dict[str, object]:
        """Sizes and times of the tables, and of all images and annotations."""
        if not self.has_boxes:
            return stamp_of(self.root, (), [f"{s}/{kind}" for s in _SETS for kind in ("images", "annotations")])
        base = f"{_IMAGES}/" if (self.root / _IMAGES).is_dir() else ""
        return stamp_of(self.root, _TABLES, [base + folder for folder in folder_names(self.root / base)])

    def _arrays(self, source: str, part: int) -> Iterator[Record]:
        annotations = self.root / source / "annotations"
        images = {name.rpartition(".")[0]: name for name in file_names(self.root / source / "images", IMAGE_ENDINGS)}
        annotated = {name[: -len("_exp.npy")] for name in file_names(annotations, "_exp.npy")}
        for image in sorted(images.keys() - annotated):
            raise PainlitError(
                f"{self.root / source / 'images' / images[image]} has no annotation {annotations / image}_exp.npy",
                "restore the annotation or delete the image",
            )
        for image in sorted(annotated - images.keys()):
            raise PainlitError(
                f"{annotations / image}_exp.npy belongs to no image in {self.root / source / 'images'}",
                "restore the image or delete its annotations",
            )
        for image, name in images.items():
            label = _label(*_array_value(annotations / f"{image}_exp.npy"))
            if label is not None:
                yield Record(f"{source}/images/{name}", label, "", part)

    def _table(self, table: str, part: int) -> Iterator[Record | Skipped]:
        lines = numbered_lines(self.root / table)
        header = next(lines, (1, ""))[1].replace('"', "").split(",")
        missing = [c for c in TABLE_COLUMNS if c not in header]
        if missing:
            raise PainlitError(
                f"{self.root / table}: column {', '.join(missing)} is missing; the header is {header}",
                f"the comma-separated header must have {', '.join(TABLE_COLUMNS)}",
            )
        columns = [header.index(column) for column in TABLE_COLUMNS]
        files = Listing(self.root)
        for number, line in lines:
            where = f"{self.root / table}, line {number}"
            fields = line.replace('"', "").split(",")
            if len(fields) != len(header):
                raise PainlitError(f"{where}: {len(fields)} fields instead of {len(header)}", "restore the row")
            name, *face, expression = (fields[column].strip() for column in columns)
            label = _label(expression, where)
            if label is None:
                continue
            path = next((path for path in (name, f"{_IMAGES}/{name}") if path in files), None)
            if path is None:
                raise PainlitError(
                    f"{where}: there is no image {name} in {self.root} or its {_IMAGES}",
                    "restore the image or delete the row",
                )
            box = _box(face, where)
            yield Record(path, label, "", part, box, number) if box else Skipped(path, f"no face box in {table}")


def _label(expression: str, where: str) -> int | None:
    """Position in the classes, or None for the data set's values that are no expressions."""
    try:
        value = float(expression)
    except ValueError:
        value = math.nan
    if value in _NO_EXPRESSION:
        return None
    if value not in range(len(AFFECTNET_CLASSES)):
        raise PainlitError(f"{where}: expression {expression!r} is unknown", "it must be 0 to 10")
    return int(value)


def _box(face: list[str], where: str) -> tuple[float, float, float, float] | None:
    """x1, y1, x2, y2 of face_x, face_y, face_width and face_height; None for NULL or a size that is not above 0."""
    if any(value in ("", "NULL") for value in face):
        return None
    try:
        x, y, w, h = map(float, face)
    except ValueError:
        x = y = w = h = math.nan
    if not math.isfinite(x + y + w + h):
        raise PainlitError(f"{where}: face_x, … face_height are {', '.join(face)}, no numbers", "mend the row")
    return (x, y, x + w, y + h) if w > 0 and h > 0 else None


def _array_value(path: Path) -> tuple[str, str]:
    """The one value of an array file, and the file's name for errors."""
    try:
        value = np.load(path, allow_pickle=False)
        return str(value.item().decode() if value.dtype.kind == "S" else value.item()), str(path)
    except (ValueError, EOFError, OSError) as error:  # ValueError: no array, objects, or more values than one
        raise PainlitError(f"{path} is no array of one value: {error}", "restore it from the distribution") from error
