"""The learning curves of all folds as two small charts, in units of their SVGs; the templates draw them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

WIDTH, HEIGHT = 400.0, 250.0
"""Of a chart; it scales to its half of the page."""
LEFT, RIGHT, TOP, BOTTOM = 44.0, 12.0, 14.0, 34.0
"""Margins around the area of lines."""
Curves = Mapping[str, Sequence[float]]

HELD_OUT = {
    "last": "never used to choose anything: the last epoch is tested",
    "inner": "never used to choose anything: the epoch is chosen on validation people, who are not drawn",
    "oracle": "the epoch that is tested is chosen on them (loso.selection=oracle)",
}
"""`loso.selection` -> what part the curves of the held-out people play."""


@dataclass(frozen=True)
class Panel:
    """A chart of one figure over epochs."""

    title: str
    folds: dict[str, list[str]]
    """train and held_out -> the points of each fold's line."""
    means: dict[str, str]
    """The same of their mean over folds."""
    ticks: list[tuple[float, str]]
    """y and what it stands for."""
    first: int
    last: int
    """Epochs at both ends."""
    cut: bool
    """Whether lines leave the chart at its top."""


def panels(curves: Mapping[str, Curves]) -> list[Panel]:
    """Accuracy and loss over epochs.

    Args:
        curves: Fold -> what `painlit.loso.training_results.read_curves` gives; all of the same epochs.
    """
    return [_panel("accuracy, %", "accuracy", curves, 1.0, 100), _panel("loss", "loss", curves, None, 1)]


def _panel(title: str, figure: str, curves: Mapping[str, Curves], top: float | None, unit: int) -> Panel:
    epochs = next(iter(curves.values()))["epoch"]
    values = {part: np.array([fold[f"{part}_{figure}"] for fold in curves.values()]) for part in ("train", "held_out")}
    means = {part: lines.mean(0) for part, lines in values.items()}  # (epochs,)
    if top is None:  # a fold that is far off does not flatten the others
        top = _above(1.2 * max(float(mean.max()) for mean in means.values()))
    return Panel(
        title=title,
        folds={part: [_points(epochs, line, top) for line in lines] for part, lines in values.items()},
        means={part: _points(epochs, mean, top) for part, mean in means.items()},
        ticks=[(_y(share), f"{share * top * unit:.3g}") for share in (0, 0.25, 0.5, 0.75, 1)],
        first=int(epochs[0]),
        last=int(epochs[-1]),
        cut=any(bool((lines > top).any()) for lines in values.values()),
    )


def _points(epochs: Sequence[float], line: np.ndarray, top: float) -> str:
    """Points of a polyline; what is above the top lies on it."""
    across = max(1.0, epochs[-1] - epochs[0])
    xs = [LEFT + (epoch - epochs[0]) / across * (WIDTH - LEFT - RIGHT) for epoch in epochs]
    ys = [_y(min(1.0, value / top)) for value in line.tolist()]
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(xs, ys, strict=True))


def _y(share: float) -> float:
    return TOP + (1 - share) * (HEIGHT - TOP - BOTTOM)


def _above(value: float) -> float:
    """The least of 1, 2, 4 and 8 times a power of ten that is not below the value.

    >>> _above(0.83), _above(2.1), _above(0.0)
    (1.0, 4.0, 1.0)
    """
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(power * k for k in (1, 2, 4, 8, 10) if power * k >= value)
