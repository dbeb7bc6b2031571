"""Is this set of photographs what its reader expects? Lists every image, and decodes a hundred of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np

from painlit.errors import PainlitError, some
from painlit.images.places import PlaceReader
from painlit.images.reading import UnreadableImageError, decode
from painlit.images.source import TRAIN, VALIDATION, ImageSource, Item, Note, Record
from painlit.system.even_sample import EvenSample
from painlit.system.progress import progress_bar

PUBLISHED = {
    "vggface2": "3.31 M images of 9,131 people",
    "affectnet": "0.40 M images of 8 classes",
    "cfee": "some 6,000 images of 230 people, 26 classes",
    "raf_basic": "15,339 images (12,271 to train on, 3,068 to validate with) of 7 classes",
    "raf_compound": "3,954 images of 11 classes",
}
"""Name of a source -> its content by the paper or the set's authors, so that the user sees what is missing."""

SAMPLE = 100
"""Images that are decoded."""

_NAMED_CLASSES = 30  # more classes than this are summed up


def check_images(source: ImageSource) -> tuple[list[str], list[str]]:
    """Look at a set of photographs: all of its lists and folders, and `SAMPLE` images in full.

    Images that a reader leaves out (AffectNet's without a face box) are counted and are nothing wrong.

    Returns:
        What is there, and what is wrong or missing; each entry is one line for the user.
    """
    survey = Survey()
    errors = []
    with progress_bar(f"list {source.name}", total=source.steps()) as advance:
        try:
            for record in source.records(advance):
                survey.add(record)
        except PainlitError as error:
            errors.append(error.one_line)
    if errors and not any(survey.counts.values()):  # classes may not be known either
        return [], errors
    findings = errors or [*_empty_classes(source, survey)]  # a class may follow after the error
    unreadable, outside = _decoded(source, survey)
    findings += _first(unreadable, f"of {len(survey.sample.chosen())} images decoded cannot be read")
    findings += _first(survey.outside + outside, "face boxes lie wholly outside their images")
    inventory = [*_inventory(source, survey)]
    if errors:
        inventory.append("  these are the images before the error below")
    return inventory, findings


class Survey:
    """Counts over a source's records; memory does not grow with the number of images."""

    def __init__(self) -> None:
        self.counts: dict[int, Counter[int]] = {part: Counter() for part in (TRAIN, VALIDATION)}
        """Images of each class."""
        self.people: set[str] = set()
        self.notes: list[str] = []
        self.left_out = 0
        self.example = ""
        """The first image left out, and why."""
        self.outside: list[str] = []
        """Images whose box lies left of or above any image."""
        self.sample = EvenSample[Record](SAMPLE)

    def add(self, record: Item) -> None:
        """Take one in."""
        if isinstance(record, Note):
            self.notes.append(record.text)
            return
        if not isinstance(record, Record):
            self._leave_out(record.path, record.reason)
            return
        if not record.path.isascii() and not _is_unicode(record.path):
            self._leave_out(ascii(record.path), "its name is no UTF-8")
            return
        self.counts[record.part][record.label] += 1
        if record.person:
            self.people.add(record.person)
        if record.box is not None and (record.box[2] <= 0 or record.box[3] <= 0):
            self.outside.append(_outside(record))
        self.sample.add(record)

    def _leave_out(self, path: str, reason: str) -> None:
        self.left_out += 1
        self.example = self.example or f"{path}: {reason}"


def _decoded(source: ImageSource, survey: Survey) -> tuple[list[str], list[str]]:
    """Images of the sample that cannot be read, and those whose box lies outside."""
    unreadable: list[str] = []
    outside: list[str] = []
    reader = PlaceReader(source.root)
    for record in survey.sample.chosen():
        try:
            data = reader.read(record.path, record.place)
            height, width = decode(data, source.root / record.path).shape[:2]
        except UnreadableImageError as error:
            unreadable.append(str(error))
            continue
        if record.box is not None and min(record.box[2:]) > 0 and (record.box[0] >= width or record.box[1] >= height):
            outside.append(f"{_outside(record)} of {width} x {height} px")
    return unreadable, outside


def _outside(record: Record) -> str:
    assert record.box is not None
    corners = ", ".join(f"{value:g}" for value in record.box)
    listed = f" (line {record.line} of its list)" if record.line else ""
    return f"{record.path}{listed} from {corners}"


def _is_unicode(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:  # bytes of the file system that are no UTF-8
        return False
    return True


def _empty_classes(source: ImageSource, survey: Survey) -> Iterator[str]:
    for part, what in ((TRAIN, "training"), (VALIDATION, "validation")):
        empty = [name for label, name in enumerate(source.classes) if not survey.counts[part][label]]
        if empty and (part == TRAIN or source.has_split):
            yield f"{len(empty)} classes without {what} images: {some(empty)}"


def _first(items: list[str], what: str) -> list[str]:
    """One finding with the first items, or none."""
    return [f"{len(items)} {what}: {some(items, between='; ')}"] if items else []


def _inventory(source: ImageSource, survey: Survey) -> Iterator[str]:
    train, validation = (
        np.array([survey.counts[part][label] for label in range(len(source.classes))]) for part in (TRAIN, VALIDATION)
    )
    parts = f" ({train.sum():,} to train on, {validation.sum():,} to validate with)" if source.has_split else ""
    people = f" of {len(survey.people):,} people" if survey.people else ""
    counts = [f"{t:,} + {v:,}" if source.has_split else f"{t:,}" for t, v in zip(train, validation, strict=True)]
    each = ": " + ", ".join(f"{name} {count}" for name, count in zip(source.classes, counts, strict=True))
    if len(source.classes) > _NAMED_CLASSES:
        every = train + validation
        each = f" of {every.min():,} to {every.max():,} images, {every.mean():,.0f} on average"
    yield f"{source.name}: {(train + validation).sum():,} images{parts}{people}, {len(source.classes):,} classes{each}"
    if source.name in PUBLISHED:
        yield f"  published: {PUBLISHED[source.name]}"
    if survey.left_out:
        yield f"  {survey.left_out:,} images are left out, such as {survey.example}"
    yield from (f"  {note}" for note in survey.notes)
