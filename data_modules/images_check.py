"""Is this set of photographs what its reader expects? Lists every image, and decodes a hundred of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

import numpy as np

from data_modules.emotion_datamodule import SOURCES
from data_modules.identities import IdentityTree
from painlit.config import Config
from painlit.errors import PainlitError
from painlit.images.reading import UnreadableImageError, read_image
from painlit.images.source import TRAIN, VALIDATION, ImageSource, Record, Skipped
from painlit.progress import progress_bar

PUBLISHED = {
    "vggface2": "3.31 million images of 9,131 identities",
    "affectnet": "287,651 training and 3,999 validation images, as usually counted",
    "raf_basic": "12,271 training and 3,068 test images",
    "raf_compound": "3,954 images",
    "cfee": "about 6,000 images of 230 people",
}
"""What the publications and distributors of the sets say; beside the count, so that the user sees what is missing."""

_SAMPLE = 100  # images that are decoded
_SHOWN = 5  # examples in a finding


def image_source(name: str, config: Config) -> ImageSource:
    """The reader of a data set as `check.sets` names it.

    Raises:
        PainlitError: Its folder is not there or holds something else.
    """
    if name == "vggface2":
        return IdentityTree(config.stage1.root, config.stage1.name)
    return SOURCES[name](config)


def check_images(name: str, config: Config) -> tuple[list[str], list[str]]:
    """Go through all records of a data set and read a sample of its images.

    Returns:
        What is there, and what is wrong or missing; each entry is one line for the user.
    """
    try:
        source = image_source(name, config)
        with progress_bar(f"list {name}", total=source.steps()) as advance:
            records, skipped = _listed(source, advance)
    except PainlitError as error:
        return [], [str(error).replace("\n  ->", ";")]
    findings = [*_empty_classes(source, records), *_unreadable(source, records)]
    if skipped:
        example = skipped[0]
        findings.append(f"{len(skipped)} images are skipped, such as {example.path}: {example.reason}")
    return _inventory(name, source, records), findings


def _listed(source: ImageSource, advance: Callable[[], None]) -> tuple[list[Record], list[Skipped]]:
    records: list[Record] = []
    skipped: list[Skipped] = []
    for record in source.records(advance):
        if isinstance(record, Skipped):
            skipped.append(record)
        else:
            records.append(record)
    return records, skipped


def _inventory(name: str, source: ImageSource, records: list[Record]) -> list[str]:
    people = len({record.person for record in records if record.person})
    classes = Counter(record.label for record in records)
    parts = Counter(record.part for record in records)
    told = f"{len(records)} images of {len(source.classes)} classes"
    if people:
        told += f", {people} people"
    if source.has_split:
        told += f"; {parts[TRAIN]} to learn from, {parts[VALIDATION]} to validate on"
    lines = [told]
    if len(source.classes) <= 30:
        lines.append(", ".join(f"{title} {classes[label]}" for label, title in enumerate(source.classes)))
    if name in PUBLISHED:
        lines.append(f"published: {PUBLISHED[name]}")
    return lines


def _empty_classes(source: ImageSource, records: list[Record]) -> Iterator[str]:
    for part, title in ((TRAIN, "training"), (VALIDATION, "validation")):
        if part == VALIDATION and not source.has_split:
            continue
        there = {record.label for record in records if record.part == part}
        empty = [title for label, title in enumerate(source.classes) if label not in there]
        if empty:
            yield f"{len(empty)} classes have no {title} image: {_some(empty)}"


def _unreadable(source: ImageSource, records: list[Record]) -> Iterator[str]:
    """What is wrong with some images spread over the set: they do not decode, or a face's box lies outside."""
    rows = np.unique(np.linspace(0, len(records) - 1, min(_SAMPLE, len(records))).round().astype(int)).tolist()
    broken, outside = [], []
    for record in (records[row] for row in rows):
        try:
            height, width = read_image(source.root / record.path).shape[:2]
        except UnreadableImageError as error:
            broken.append(str(error))
            continue
        if record.box is not None:
            x1, y1, x2, y2 = record.box
            if x2 <= 0 or y2 <= 0 or x1 >= width or y1 >= height:
                outside.append(f"{record.path} (line {record.line})")
    if broken:
        yield f"{len(broken)} of {len(rows)} images looked at cannot be read: {_some(broken)}"
    if outside:
        yield f"{len(outside)} of {len(rows)} face boxes looked at lie outside their image: {_some(outside)}"


def _some(items: list[str]) -> str:
    return ", ".join(items[:_SHOWN]) + (f" and {len(items) - _SHOWN} more" if len(items) > _SHOWN else "")
