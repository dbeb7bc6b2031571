"""How time and memory grow with a size: exponents, rows of the table, and a figure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

import numpy as np

from experiments.bench.resident import Cost, in_new_process
from experiments.bench.rows import Row

SHOWN = {"seconds": ("time", "s"), "cpu": ("CPU time", "s"), "megabytes": ("memory", "MB"), "own": ("own memory", "MB")}
"""Attribute of `Cost` -> what it is called, and its unit."""
LINES = {"cpu": ("o-", "#1f6f9f"), "megabytes": ("s--", "#b4540a"), "own": ("s-", "#b4540a")}
LEGEND = 0.4
"""Height above the curves that is left to the legend, in heights of the curves."""
ENOUGH = 20.0
"""s that are spent on one size, where one round does not take longer."""


class Curve(NamedTuple):
    """What was measured at several sizes."""

    what: str
    unit: str
    """Of the sizes."""
    sizes: Sequence[int]
    costs: Sequence[Sequence[Cost]]
    """Of each size, in each round."""

    def rows(self) -> list[Row]:
        """Of time and memory at each size."""
        found = []
        for size, costs in zip(self.sizes, self.costs, strict=True):
            for attribute, (what, unit) in SHOWN.items():
                values = [getattr(cost, attribute) for cost in costs]
                found.append(Row.of(f"{self.what}, {size:,} {self.unit}: {what}", values, unit))
        return found

    def medians(self, attribute: str) -> list[float]:
        """Of each size."""
        return [median(getattr(cost, attribute) for cost in costs) for costs in self.costs]

    def exponent(self, attribute: str) -> float:
        """Of the upper half of the sizes."""
        return exponent(self.sizes, self.medians(attribute))


def exponent(sizes: Sequence[float], values: Sequence[float]) -> float:
    """Slope of log(value) over log(size) by least squares, over the upper half of the sizes and at least two.

    >>> round(exponent([1, 2, 4, 8], [5, 5, 4, 16]), 6)
    2.0
    """
    half = max(2, (len(sizes) + 1) // 2)
    return float(np.polyfit(np.log(sizes[-half:]), np.log(values[-half:]), 1)[0])


def measured(what: str, unit: str, sizes: Sequence[int], work: Callable[[int], Cost], rounds: int) -> Curve:
    """Measure each size in processes of their own, in so many rounds or until it has taken `ENOUGH`."""
    costs: list[list[Cost]] = []
    for size in sizes:
        costs.append([])
        while len(costs[-1]) < rounds and sum(cost.seconds for cost in costs[-1]) < ENOUGH:
            costs[-1].append(in_new_process(work, size))
        latest = Curve(what, unit, [size], costs[-1:])
        figures = (f"{name} {latest.medians(attribute)[0]:.2f} {of}" for attribute, (name, of) in SHOWN.items())
        print(f"  {what}, {size:,} {unit}: {', '.join(figures)}", flush=True)
    return Curve(what, unit, sizes, costs)


def draw(curves: Sequence[Curve], path: Path) -> None:
    """Time and memory over sizes, as PNG."""
    from matplotlib.figure import Figure  # without pyplot: no window

    columns = (len(curves) + 1) // 2
    figure = Figure(figsize=(3.4 * columns, 6), layout="constrained")
    for at, curve in enumerate(curves):
        axes = figure.add_subplot(2, columns, at + 1)
        for attribute, (line, colour) in LINES.items():
            what, unit = SHOWN[attribute]
            label = f"{what}, {unit}: exponent {curve.exponent(attribute):.2f}"
            axes.loglog(curve.sizes, curve.medians(attribute), line, color=colour, label=label)
        axes.set_title(curve.what, fontsize=9, loc="left")
        axes.set_xticks(curve.sizes, [f"{size:,}" for size in curve.sizes], minor=False, fontsize=7, rotation=30)
        axes.minorticks_off()
        axes.set_xlabel(curve.unit)
        axes.grid(visible=True, color="#dddddd", linewidth=0.6)
        bottom, top = axes.get_ylim()
        axes.set_ylim(bottom, top * (top / bottom) ** LEGEND)
        axes.legend(frameon=False, fontsize=8, loc="upper left")
    figure.savefig(path, dpi=90)
