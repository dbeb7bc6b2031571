"""Charts of an ECG with its R peaks, and of the heart rate of each second, in units of their SVG."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

WIDTH, HEIGHT = 480.0, 176.0
"""Of a chart; it scales to the page."""
LEFT = 10.0
"""Margin at either side."""
_ECG = (12.0, 96.0)  # top and bottom of the signal
_RATES = (128.0, 148.0)  # of the heart rates, whose numbers stand above
_LEAST_SPAN = 20.0  # bpm between top and bottom, so that a steady heart is drawn as one
_MOST_NUMBERS = 12  # so that they stay apart on a phone


@dataclass(frozen=True)
class Trace:
    """The signal that heart rates were read from."""

    values: np.ndarray
    """(n,) any unit."""
    rate: float
    """Hz."""
    peaks: np.ndarray
    """(k,) sample indices of R peaks."""


class Second(NamedTuple):
    """The heart rate of one second."""

    start: float
    end: float
    """x."""
    y: float
    bpm: float
    numbered: bool
    """Whether its number is drawn; the seconds of long clips are too narrow."""


@dataclass(frozen=True)
class Chart:
    """Where everything stands."""

    path: str
    """Of the signal: the `d` of an SVG path; empty without one."""
    peaks: list[tuple[float, float]]
    seconds: list[Second]
    marks: list[tuple[float, int]]
    """x of whole seconds, and which."""


def chart(trace: Trace | None, bpm: np.ndarray | None) -> Chart:
    """Lay out a clip.

    Args:
        trace: Its signal; None where heart rates came without one.
        bpm: (S,) heart rate of each second; None where none could be computed.
    """
    rates = np.zeros(0) if bpm is None else np.asarray(bpm, np.float64)
    length = max(len(rates), 1 if trace is None else len(trace.values) / trace.rate)  # s

    def x(seconds: float) -> float:
        return LEFT + seconds / length * (WIDTH - 2 * LEFT)

    middle = (rates.min() + rates.max()) / 2 if rates.size else 0
    span = max(_LEAST_SPAN, np.ptp(rates)) if rates.size else 1
    every = -(-len(rates) // _MOST_NUMBERS)
    seconds = [
        Second(x(k), x(k + 1), _between(_RATES, 0.5 + (rate - middle) / span), rate, k % every == 0)
        for k, rate in enumerate(rates)
    ]
    step = -(-int(length) // _MOST_NUMBERS) or 1
    marks = [(x(k), k) for k in range(0, int(length) + 1, step)]
    if trace is None:
        return Chart("", [], seconds, marks)
    signal = np.asarray(trace.values, np.float64)
    finite = signal[np.isfinite(signal)]
    low, span = (finite.min(), np.ptp(finite)) if finite.size else (0, 0)
    share = (signal - low) / span if span else np.where(np.isfinite(signal), 0.5, np.nan)
    drawn = drawn_samples(share, int(2 * WIDTH))  # of half a unit
    places = {k: (x(k / trace.rate), _between(_ECG, share[k])) for k in [*drawn, *trace.peaks]}
    path = "".join(f"{'L' if k else 'M'}{places[at][0]:.1f} {places[at][1]:.1f}" for k, at in enumerate(drawn))
    return Chart(path, [places[k] for k in trace.peaks], seconds, marks)


def _between(band: tuple[float, float], share: float) -> float:
    """Y of a share of a band, 1 being its top."""
    top, bottom = band
    return float(bottom - share * (bottom - top))


def drawn_samples(values: np.ndarray, columns: int) -> list[int]:
    """Samples that are drawn: the lowest and the highest of each of so many columns, so that no beat is lost.

    >>> drawn_samples(np.array([0.0, 5, 1, 2, np.nan, -3]), 2)
    [0, 1, 3, 5]
    """
    known = np.flatnonzero(np.isfinite(values))
    parts = np.array_split(known, min(len(known), columns)) if known.size else []
    return sorted({int(part[end(values[part])]) for part in parts for end in (np.argmin, np.argmax)})
