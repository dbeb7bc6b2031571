"""RAF-DB (Li, Deng & Du 2017), basic and compound expressions.

Layout (`root` holds basic/ and compound/; one of the two is enough to read it):

    basic/EmoLabel/list_patition_label.txt          spelled so; lines `train_00001.jpg 5`
    basic/Image/aligned/train_00001_aligned.jpg
    basic/Image/original/train_00001.jpg
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal, get_args

from data_modules.photographs.image_lists import Listing, numbered_lines, stamp_of
from painlit.errors import PainlitError
from painlit.images.source import TRAIN, VALIDATION, Record

RAF_BASIC_CLASSES = ("surprise", "fear", "disgust", "happiness", "sadness", "anger", "neutral")
"""Labels 1 to 7 of the basic list."""
RAF_COMPOUND_CLASSES = (
    "happily surprised",
    "happily disgusted",
    "sadly fearful",
    "sadly angry",
    "sadly surprised",
    "sadly disgusted",
    "fearfully angry",
    "fearfully surprised",
    "angrily surprised",
    "angrily disgusted",
    "disgustedly surprised",
)
"""Labels 1 to 11 of the compound list."""

Part = Literal["basic", "compound"]
Images = Literal["auto", "aligned", "original"]

_PARTS = {"train": TRAIN, "test": VALIDATION}


class RAFDB:
    """RAF-DB's basic or compound expressions with its training and test part; it does not state who is shown.

    Args:
        root: Folder that holds basic/ and compound/.
        part: Which of the two.
        images: Faces aligned by the authors, or the original photographs; auto takes the aligned ones where they are.

    Raises:
        PainlitError: The list or the folder of images does not exist.
    """

    has_boxes = False
    has_split = True

    def __init__(self, root: Path | str, part: Part = "basic", images: Images = "auto"):
        if part not in get_args(Part) or images not in get_args(Images):
            raise PainlitError(
                f"RAF-DB: part {part!r}, images {images!r}",
                f"part must be one of {', '.join(get_args(Part))}; images one of {', '.join(get_args(Images))}",
            )
        self.root = Path(root)
        self.name = f"raf_{part}"
        self.classes: tuple[str, ...] = RAF_BASIC_CLASSES if part == "basic" else RAF_COMPOUND_CLASSES
        if images == "auto":
            images = "aligned" if (self.root / part / "Image/aligned").is_dir() else "original"
        self._list = f"{part}/EmoLabel/list_patition_label.txt"
        self._folder = f"{part}/Image/{images}"
        self._ending = "_aligned" if images == "aligned" else ""
        if not (self.root / self._list).is_file():
            raise PainlitError(f"{self.root / self._list} does not exist", "root must hold RAF-DB's basic or compound")
        if not (self.root / self._folder).is_dir():
            raise PainlitError(f"{self.root / self._folder} does not exist", "unpack RAF-DB's images there")

    def steps(self) -> int:
        """The one list."""
        return 1

    def records(self, advance: Callable[[], None] = lambda: None) -> Iterator[Record]:
        """Every image, as listed.

        Raises:
            PainlitError: A faulty line, an image listed twice or missing, or a label out of range.
        """
        files = Listing(self.root)
        lines: dict[str, int] = {}
        for number, line in numbered_lines(self.root / self._list):
            where = f"{self.root / self._list}, line {number}"
            try:
                name, label = line.split()
            except ValueError:
                raise PainlitError(f"{where}: {line[:80]!r} is not `name label`", "restore the line") from None
            part = _PARTS.get(name.partition("_")[0])
            if part is None or "_" not in name:
                raise PainlitError(f"{where}: {name} is neither train_ nor test_", "restore the line")
            if name in lines:
                raise PainlitError(f"{where}: {name} is listed at line {lines[name]} already", "delete one of the two")
            lines[name] = number
            if not (label.isdecimal() and 1 <= int(label) <= len(self.classes)):
                raise PainlitError(f"{where}: label {label} is unknown", f"it must be 1 to {len(self.classes)}")
            stem, dot, suffix = name.rpartition(".")
            path = f"{self._folder}/{stem}{self._ending}{dot}{suffix}"
            if path not in files:
                raise PainlitError(f"{where}: there is no image {self.root / path}", "restore it or delete the line")
            yield Record(path, int(label) - 1, "", part, None, number)
        if not lines:
            raise PainlitError(f"{self.root / self._list} lists no images", "restore it from the distribution")
        advance()

    def stamp(self) -> dict[str, object]:
        """Size and time of the list, and of all images."""
        return stamp_of(self.root, [self._list], [self._folder])
