"""Where the marks of a chart stand, in units of its SVG; the templates draw them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

WIDTH, HEIGHT = 720.0, 260.0
"""Of a chart; it scales to the page."""
LEFT, RIGHT, TOP, BOTTOM = 52.0, 26.0, 12.0, 30.0
"""Margins around the area of marks."""


@dataclass(frozen=True)
class Mark:
    """A dot with what it stands for."""

    x: float
    y: float
    size: float
    label: str


def height_of(share: float) -> float:
    """Y of a share between 0 and 1.

    >>> height_of(1.0), height_of(0.0)
    (12.0, 230.0)
    """
    return TOP + (1 - share) * (HEIGHT - TOP - BOTTOM)


def place_of(share: float) -> float:
    """X of a share between 0 and 1."""
    return LEFT + share * (WIDTH - LEFT - RIGHT)


def subject_marks(per_subject: Mapping[str, Mapping[str, float]]) -> list[Mark]:
    """Accuracy of each subject, from the lowest to the highest."""
    order = sorted(per_subject, key=lambda subject: (per_subject[subject]["accuracy"], subject))
    count = len(order)
    return [
        Mark(place_of((k + 0.5) / count), height_of(a := per_subject[subject]["accuracy"]), min(5.0, 200 / count),
             f"{subject}: {100 * a:.1f} %")
        for k, subject in enumerate(order)
    ]  # fmt: skip


def reliability_marks(bins: Sequence[Mapping[str, Any]]) -> list[Mark]:
    """Accuracy over confidence; a dot's area goes with the number of clips."""
    most = max(b["clips"] for b in bins)
    return [
        Mark(place_of(b["confidence"]), height_of(b["accuracy"]), 3 + 9 * (b["clips"] / most) ** 0.5,
             f"{b['clips']} clips of confidence {100 * b['confidence']:.0f} %: {100 * b['accuracy']:.0f} % right")
        for b in bins
    ]  # fmt: skip


def ticks() -> list[tuple[float, float, int]]:
    """x, y and percent of the lines at every fifth of an axis."""
    return [(place_of(p / 100), height_of(p / 100), p) for p in range(0, 101, 20)]
