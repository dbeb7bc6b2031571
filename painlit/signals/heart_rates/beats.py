"""From inter-beat intervals to a series: where the beats lie.

- They lie where the file's times put them, if these agree with the intervals.
- If not, the times are those at which a phone or watch received the intervals: beats follow each other by their
  intervals, and begin anew where the times run ahead by more than three times their usual step, and 3 s at least.
- Without times they follow each other from 0 on.
- Intervals outside 0.24 to 2.4 s (25 to 250 bpm) are gaps: time passes, and there is no data.
- Intervals of about half or twice their neighbours' length (premature or missed beats) stay, and are counted.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from painlit.errors import ClipError
from painlit.signals.heart_rates.cleaning import Array, Origin, check_any, note_gaps, order_in_time
from painlit.signals.heart_rates.series import FASTEST, SLOWEST, HeartRates

_AGREES = 0.02  # s between a beat's time and its interval; devices round both to milliseconds or 1/64 s
_ARRIVES = 3.0  # s, or usual steps of the times, by which intervals are late at most


def interval_series(origin: Origin, intervals: Array, times: Array | None = None) -> HeartRates:
    """A series of inter-beat intervals.

    Args:
        origin: Of the intervals.
        intervals: (n,) s.
        times: Of the beat that ends (or begins, if only that agrees) each interval, or of its arrival at a phone, (n,)
            s; without them the first interval begins at 0 and each at the end of the one before.

    Raises:
        ClipError: Times run back, an interval is missing where there are no times, or none is of a heart.
    """
    notes = list(origin.notes)
    if times is None:
        if (missing := np.flatnonzero(~(intervals >= 0))).size:
            raise ClipError(
                f"{origin.path}, {origin.place(missing[0])}: there is no interval, so where later beats lie is unknown",
                "cut the file there, or export it with times",
            )
        ends = np.cumsum(intervals)
        starts = ends - intervals
    else:
        order = order_in_time(origin, times, notes)
        times, intervals = times[order], intervals[order]
        starts, ends = _place_beats(origin, np.nan_to_num(intervals), times, order, notes)
    with np.errstate(divide="ignore"):
        bpm = 60 / intervals
    good = (bpm >= SLOWEST) & (bpm <= FASTEST)
    check_any(origin, bpm, good)
    note_gaps(np.where(intervals == 0, 0, bpm), good, "intervals", notes)
    starts[1:] = np.where(starts[1:] - ends[:-1] < _AGREES, ends[:-1], starts[1:])  # beats within rounding are one
    longer = good & (ends > starts)
    series = starts[longer], ends[longer], bpm[longer]
    if odd := _odd_beats(*series):
        notes.append(f"{odd} intervals are about half or twice their neighbours: premature or missed beats, kept")
    return HeartRates(origin.path, origin.source, "intervals", *series, origin.began, tuple(notes))


def _place_beats(
    origin: Origin, intervals: Array, times: Array, order: NDArray[np.intp], notes: list[str]
) -> tuple[Array, Array]:
    """Beats that begin and end each interval, in s."""
    steps = np.diff(times)
    if not steps.size or np.mean(np.abs(steps - intervals[1:]) < _AGREES) >= 0.5:
        return times - intervals, times.copy()
    if np.mean(np.abs(steps - intervals[:-1]) < _AGREES) >= 0.5:
        notes.append("the times are those of the beat that begins each interval")
        return times.copy(), times + intervals
    moved = steps[steps > 0]
    most = _ARRIVES * max(1.0, float(np.median(moved)) if moved.size else 1.0)
    ends, gaps = np.empty(times.size), 0
    now = times[0] - intervals[0]
    for index, (interval, time) in enumerate(zip(intervals, times, strict=True)):
        now += interval
        if time - now > most:
            now, gaps = time, gaps + 1
        elif now - time > most:
            raise ClipError(
                f"{origin.path}, {origin.place(order[index])}: its intervals add up to {now - time:.1f} s more than "
                "its times",
                "the file has beats of two devices, or times of another clock: export it again, or leave it out",
            )
        ends[index] = now
    notes.append("the times are of arrival; beats follow each other by their intervals")
    notes += [f"{gaps} times they begin anew, after more than {most:g} s without"] if gaps else []
    return ends - intervals, ends


def _odd_beats(starts: Array, ends: Array, bpm: Array) -> int:
    """How many intervals lie between two, without gaps, and have less than 0.6 or more than 1.6 of their mean."""
    interval = 60 / bpm
    joined = starts[1:] == ends[:-1]
    ratio = 2 * interval[1:-1] / (interval[:-2] + interval[2:])
    return int((joined[:-1] & joined[1:] & ((ratio < 0.6) | (ratio > 1.6))).sum())
