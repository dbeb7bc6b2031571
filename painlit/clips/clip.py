"""A clip as a data set lists it, and what the subject's name tells."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_SUBJECT = re.compile(r"^(?P<code>[^_]+)_(?P<sex>[wm])_(?P<age>\d+)$")


@dataclass(frozen=True)
class Clip:
    """One recording: a stimulus or a baseline of one subject."""

    name: str
    """Such as 071309_w_21-PA4-006."""
    subject: str
    """Such as 071309_w_21."""
    label: int
    """0 = NP, 1..4 = P1..P4."""
    video: Path
    ecg: Path


@dataclass(frozen=True)
class Demographics:
    """What BioVid's subject names tell."""

    sex: str
    """w or m."""
    age: int
    """Years."""


def demographics(subject: str) -> Demographics | None:
    """Sex and age out of a subject name; None where the name does not carry them.

    >>> demographics("071309_w_21")
    Demographics(sex='w', age=21)
    """
    match = _SUBJECT.match(subject)
    return Demographics(match["sex"], int(match["age"])) if match else None
