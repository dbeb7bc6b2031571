"""CFEE, Compound Facial Expressions of Emotion (Du, Tao & Martinez 2014).

Layout (`root` is the folder CFEE_Database_230, or the one it is in):

    01-04/Images1/01_126_3963.jpg               expression code, subject, image number
    05-08/Images2/ … 21-26/Images6/             the other codes
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from data_modules.photographs.image_lists import ImageFolders, folder_names, stamp_of
from painlit.errors import PainlitError
from painlit.images.source import Item, Record

CFEE_CLASSES = ("01 neutral", *(f"{code:02d}" for code in range(2, 27)))
"""Expression codes 01 to 26 of the file names.

Only 01 has a name here. The publication names neutral, six basic and fifteen compound expressions, which are 22, and
which of the 26 codes these are could not be established from a public source. The workbook of action units beside the
images, AU_annotation_all_subjects.xls, pairs codes with names.
"""

_NAME = re.compile(r"(?P<code>\d\d)_(?P<subject>\d{3})_\d+\.\w+")
_DATABASE = "CFEE_Database_230"


class CFEE:
    """CFEE's 26 posed expressions of 230 people. It has no official split.

    Args:
        root: CFEE_Database_230, or the folder it is in.

    Raises:
        PainlitError: There are no folders of images.
    """

    name = "cfee"
    classes: tuple[str, ...] = CFEE_CLASSES
    has_boxes = False
    has_split = False

    def __init__(self, root: Path | str):
        root = Path(root)
        self.root = root / _DATABASE if (root / _DATABASE).is_dir() else root
        self._folders = [
            f"{group}/{folder}"
            for group in folder_names(self.root)
            for folder in folder_names(self.root / group)
            if folder.startswith("Images")
        ]
        if not self._folders:
            raise PainlitError(f"{self.root} has no folders such as 01-04/Images1", f"root must be {_DATABASE}")

    def steps(self) -> int:
        """Folders of images."""
        return len(self._folders)

    def records(self, advance: Callable[[], None] = lambda: None) -> Iterator[Item]:
        """Every image, by folder and name.

        Raises:
            PainlitError: A folder without images, a file name of another form, or an unknown expression code.
        """
        folders = ImageFolders(self.root)
        for folder in self._folders:
            for name in folders.images(folder):
                match = _NAME.fullmatch(name)
                if not match:
                    raise PainlitError(
                        f"{self.root / folder / name} is not named <expression>_<subject>_<number>, such as"
                        " 01_126_3963.jpg",
                        "restore its name, or remove it",
                    )
                code = int(match["code"])
                if not 1 <= code <= len(CFEE_CLASSES):
                    raise PainlitError(
                        f"{self.root / folder / name}: expression code {match['code']} is unknown",
                        f"it must be 01 to {len(CFEE_CLASSES)}",
                    )
                yield Record(f"{folder}/{name}", code - 1, match["subject"])
            advance()
        yield from folders.rest()

    def stamp(self) -> dict[str, object]:
        """Names, sizes and times of the images."""
        return stamp_of(self.root, (), self._folders)
