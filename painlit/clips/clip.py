"""A clip as a data set lists it, and what is known of its subject."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

_SUBJECT = re.compile(r"^(?P<code>[^_]+)_(?P<sex>[wm])_(?P<age>\d+)$")


class Person(NamedTuple):
    """What a data set states of a subject; what it does not state is empty."""

    sex: str = ""
    """Such as women, men."""
    age: float | None = None
    """Years."""
    group: str = ""
    """Any further division, such as patients and controls."""


class Stretch(NamedTuple):
    """Which part of its recordings a clip is; seconds."""

    start: float = 0.0
    """On the video's clock, which begins at its first frame."""
    end: float | None = None
    """None where the recording ends."""
    offset: float = 0.0
    """By which the signal's clock is ahead of the video's: what is at t in the video is at t + offset in the signal."""


WHOLE, UNKNOWN_PERSON = Stretch(), Person()


@dataclass(frozen=True)
class Clip:
    """One stimulus or baseline of one subject, and where it was recorded."""

    name: str
    """Such as 071309_w_21-PA4-006."""
    subject: str
    """Such as 071309_w_21."""
    label: str
    """Its class, such as P4; empty if `rest`."""
    video: Path | None = None
    ecg: Path | None = None
    heart_rate: Path | None = None
    """Heart rates or beat intervals that a device has recorded; read where there is no ECG."""
    stretch: Stretch = WHOLE
    person: Person = UNKNOWN_PERSON
    split: str = ""
    """train, validation or test, for `loso.protocol=split`; the same for all clips of a subject."""
    rest: bool = False
    """Whether it is of the subject at rest: such a clip has no label, and is never trained on or tested."""

    @property
    def signal(self) -> Path | None:
        """What its heart rates come from."""
        return self.ecg or self.heart_rate


def biovid_person(subject: str) -> Person:
    """Sex and age from BioVid's subject names; nothing from names of another form.

    >>> biovid_person("071309_w_21")
    Person(sex='women', age=21.0, group='')
    """
    match = _SUBJECT.match(subject)
    return Person({"w": "women", "m": "men"}[match["sex"]], float(match["age"])) if match else Person()
