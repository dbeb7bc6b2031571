"""What a data set of photographs states of each image; the readers in `data_modules` yield this."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

from painlit.images.places import Place

TRAIN, VALIDATION = 0, 1
"""Parts of an official split."""


class Record(NamedTuple):
    """One image."""

    path: str
    """Relative to the source's root, with forward slashes; of an image within a larger file, that file and its name."""
    label: int
    """Position in the source's `classes`."""
    person: str = ""
    """Who is shown; empty where the data set does not state it."""
    part: int = TRAIN
    """TRAIN or VALIDATION of the official split; TRAIN throughout where there is none."""
    box: tuple[float, float, float, float] | None = None
    """The face: x1, y1, x2, y2 in px of the image; None where the data set does not state it."""
    line: int = 0
    """Line of the list file that names the image, from 1; 0 where there is none."""
    place: Place | None = None
    """Where in a larger file the image is; None where it has one of its own."""


@dataclass(frozen=True)
class Skipped:
    """An image that is left out, and why; the index counts and lists it."""

    path: str
    reason: str


@dataclass(frozen=True)
class Note:
    """What the reader did about the set as a whole; printed once."""

    text: str


Item = Record | Skipped | Note


class ImageSource(Protocol):
    """A data set of labelled photographs."""

    name: str
    """Such as affectnet; names its index."""
    root: Path
    """Paths of records are relative to it."""
    classes: tuple[str, ...]
    """Class names in label order."""
    has_boxes: bool
    """Whether every record has the face's box."""
    has_split: bool
    """Whether records carry an official split; otherwise one is drawn by person."""

    def steps(self) -> int:
        """Pieces of work that `records` goes through: folders of images, or list files."""
        ...

    def records(self, advance: Callable[[], None] = lambda: None) -> Iterator[Item]:
        """Every image, in an order that does not depend on the file system; `advance` is called after each step.

        Raises:
            PainlitError: A list is missing or a line of it is faulty, a listed image does not exist, or a label is out
                of range; file and line are named.
        """
        ...

    def stamp(self) -> dict[str, object]:
        """Plain values that change when the data set does: names, sizes and times of its lists and images."""
        ...
