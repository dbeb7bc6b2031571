"""Photographs in folders named after their expression: a set of one's own, or the usual ImageFolder layout.

Layout without an official split, and with one:

    happy/<person>.jpg                          train/happy/<person>.jpg
    sad/<person>_<anything>.jpg                 validation/happy/…          or val/, or test/
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from data_modules.photographs.image_lists import ImageFolders, folder_names, stamp_of
from painlit.errors import PainlitError
from painlit.images.source import TRAIN, VALIDATION, Item, Record

_VALIDATION = ("validation", "val", "test")


class ExpressionFolders:
    """A tree of photographs whose folders are expressions; labels follow the sorted names of the folders.

    Who is shown is the file's name up to its first underscore, or without its ending: name files after people, as a
    split by person is only as good as these names. With train/ in the root, the first of validation/, val/ and test/
    that exists is the validation part, and the others are not read.

    Args:
        root: Folder of the expressions, or of train/ and validation/.
        name: Names the index; two trees need two names.

    Raises:
        PainlitError: There are no folders of expressions, the two parts differ in them, or one part is missing.
    """

    has_boxes = False

    def __init__(self, root: Path | str, name: str = "expression_folders"):
        self.root = Path(root)
        self.name = name
        inside = folder_names(self.root)
        self.has_split = "train" in inside and bool(folder_names(self.root / "train"))
        self.classes = tuple(folder_names(self.root / "train")) if self.has_split else tuple(inside)
        if not self.classes:
            raise PainlitError(f"{self.root} has no folders of expressions", "it must hold expression/person.jpg")
        self._parts = {"train/": TRAIN} if self.has_split else {"": TRAIN}
        if self.has_split:
            validation = next((part for part in _VALIDATION if part in inside), None)
            if validation is None:
                raise PainlitError(
                    f"{self.root} has train, but none of {', '.join(_VALIDATION)}",
                    "add one, or let root be the folder train itself",
                )
            if differing := set(self.classes) ^ set(folder_names(self.root / validation)):
                raise PainlitError(
                    f"{self.root}: train and {validation} differ in {', '.join(sorted(differing))}",
                    "both must have a folder for each expression",
                )
            self._parts[f"{validation}/"] = VALIDATION

    def steps(self) -> int:
        """Folders of expressions."""
        return len(self._parts) * len(self.classes)

    def records(self, advance: Callable[[], None] = lambda: None) -> Iterator[Item]:
        """Every image, by part, expression and name.

        Raises:
            PainlitError: An expression without training images.
        """
        folders = ImageFolders(self.root)
        for prefix, part in self._parts.items():
            for label, expression in enumerate(self.classes):
                folder = prefix + expression
                for name in folders.images(folder, may_be_empty=part == VALIDATION):
                    yield Record(f"{folder}/{name}", label, name.rpartition(".")[0].partition("_")[0], part)
                advance()
        yield from folders.rest()

    def stamp(self) -> dict[str, object]:
        """Names, sizes and times of the images."""
        return stamp_of(self.root, (), [prefix + expression for prefix in self._parts for expression in self.classes])
