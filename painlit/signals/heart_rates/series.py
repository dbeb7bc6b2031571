"""A series of heart rates from a wearable, and one value of it for each whole second of a clip."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from painlit.errors import ClipError
from painlit.signals.ecg.heart_rate import rates_by_overlap

SLOWEST, FASTEST = 25.0, 250.0
"""bpm; what is outside is a gap: 0 is what devices write without contact, and no heart beats at 400."""

LONGEST_HOLD = 15.0
"""s; a value of minutes ago says nothing about a clip of seconds."""


@dataclass(frozen=True, eq=False)
class HeartRates:
    """Heart rates in the order of time; each holds for a span of its own, and spans do not overlap.

    A value of a bpm series holds from its time to the next one's, at most for the usual spacing of the series (the
    median) and 15 s. An inter-beat interval holds from its beat to the next.
    """

    path: Path
    source: str
    """Name of the format, such as "Garmin FIT"."""
    kind: Literal["bpm", "intervals"]
    times: NDArray[np.float64]
    """Where each value begins to hold, (n,) s."""
    ends: NDArray[np.float64]
    """Where it ceases to, (n,) s."""
    bpm: NDArray[np.float64]
    """(n,), 25 to 250; of an interval 60 over it."""
    began: datetime | None = None
    """The clock's time at time 0; without a time zone if the file gives none."""
    notes: tuple[str, ...] = ()
    """What was inferred or left out."""

    def per_second(self, start: float, seconds: int, longest_gap: float) -> tuple[NDArray[np.float64], int]:
        """Heart rate of each whole second of a clip, by the rule `overlap` of `heart_rate_from_peaks` (eq. 1-2).

        A second's rate is 60 over the mean of the inter-beat intervals that cover it, 60/bpm where the series has bpm,
        each weighted by the time for which it does. What lies between two spans goes half to the one before it and half
        to the one after it; before the first and after the last span these go on. A second of which no span covers
        anything has no data: it is filled in this way only if the stretch without data that it lies in is no longer
        than `longest_gap`; before the first and after the last span the stretch ends with the clip.

        Args:
            start: Of the clip, in s of `times`.
            seconds: Whole seconds of the clip.
            longest_gap: In s.

        Returns:
            Heart rates in bpm, (seconds,), and how many of the seconds are filled.

        Raises:
            ValueError: `seconds` is below 1, or another argument is not finite.
            ClipError: Seconds without data lie in a longer stretch, or the clip outside the series.
        """
        if seconds < 1 or not np.isfinite([start, longest_gap]).all():
            raise ValueError(f"a clip has a start and whole seconds, got {start} and {seconds}, gap {longest_gap}")
        starts, ends = self.times - start, self.ends - start
        first = max(int(np.searchsorted(ends, 0, side="right")) - 1, 0)  # one span more on each side: gaps reach there
        last = min(int(np.searchsorted(starts, seconds, side="left")) + 1, starts.size)
        starts, ends, intervals = starts[first:last], ends[first:last], 60 / self.bpm[first:last]
        empty, stretch = _without_data(starts, ends, seconds)
        if (lost := np.flatnonzero(empty & (stretch > longest_gap + 1e-9))).size:
            raise ClipError(
                f"{self.path} ({self.source}) has no heart rate for {lost.size} of the clip's {seconds} seconds "
                f"({_ranges(lost)}; the clip begins at {start:g} s of the series, which covers {self.times[0]:g} to "
                f"{self.ends[-1]:g} s); the longest stretch without is {stretch[lost].max():.1f} s, allowed are "
                f"{longest_gap:g} s",
                "check the clip's start and the offset of the clocks, leave the clip out, or allow longer gaps",
            )
        middles = (ends[:-1] + starts[1:]) / 2
        starts = np.concatenate([[min(starts[0], 0)], middles])
        ends = np.concatenate([middles, [max(ends[-1], seconds)]])
        return rates_by_overlap(starts, ends, intervals, seconds), int(empty.sum())


def _without_data(
    starts: NDArray[np.float64], ends: NDArray[np.float64], seconds: int
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Which seconds no span covers, (seconds,), and the length of the stretch that each of these lies in, in s."""
    second = np.arange(seconds)
    after = np.searchsorted(ends, second, side="right")  # the first span that ends after the second's beginning
    before = after - 1
    from_ = np.where(before >= 0, ends[np.maximum(before, 0)], 0.0)
    to = np.where(after < starts.size, starts[np.minimum(after, starts.size - 1)], float(seconds))
    return to >= second + 1, to - from_


def _ranges(numbers: NDArray[np.int64]) -> str:
    """Ascending numbers, in short.

    >>> _ranges(np.array([0, 2, 3, 4]))
    '0, 2-4'
    """
    runs = np.split(numbers, np.flatnonzero(np.diff(numbers) > 1) + 1)
    return ", ".join(f"{run[0]}-{run[-1]}" if run.size > 1 else f"{run[0]}" for run in runs)
