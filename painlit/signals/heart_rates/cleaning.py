"""From a file's values to a series: their order, repeated times and gaps. Nothing is corrected.

- Times that descend throughout are turned round. Others that run back are an error: which clock is right is not known.
  Separate records, which apps export in any order, are sorted instead.
- Of equal values at one time, one is kept. Of different ones the last is, if they are at most 1 % of the values, as
  where times are rounded to seconds; more are the values of two devices, which is an error.
- Values that are missing, 0 or outside 25 to 250 bpm are gaps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from painlit.errors import ClipError
from painlit.signals.heart_rates.series import FASTEST, LONGEST_HOLD, SLOWEST, HeartRates

Array = NDArray[np.float64]

_FEW_CONFLICTS = 0.01


@dataclass(frozen=True)
class Origin:
    """Where values come from, for the series and for messages."""

    path: Path
    source: str
    notes: tuple[str, ...] = ()
    began: datetime | None = None
    places: Sequence[int] = field(default=())
    """The line of each value; empty for files that have none: then values are counted from 1."""
    records: bool = False
    """Each value has a time of its own and may stand anywhere in the file."""

    def place(self, index: int) -> str:
        """Where a value stands."""
        return f"line {self.places[index]}" if len(self.places) else f"value {index + 1}"


def bpm_series(origin: Origin, times: Array, bpm: Array, spacing: float | None = None) -> HeartRates:
    """A series of heart rates.

    Args:
        origin: Of the values.
        times: (n,) s.
        bpm: (n,); NaN where missing.
        spacing: The usual one of the values, in s; by default the median step of the times.

    Raises:
        ClipError: Times run back or have two values each, or no value is a heart rate.
    """
    notes = list(origin.notes)
    order = order_in_time(origin, times, notes)
    times, bpm = times[order], bpm[order]
    good = (bpm >= SLOWEST) & (bpm <= FASTEST)
    check_any(origin, bpm, good)
    steps = np.diff(np.unique(times))
    if spacing is None:
        spacing = float(np.median(steps)) if steps.size else 1.0
        notes += [] if steps.size else ["its one value is taken to hold for 1 s"]
    if spacing > LONGEST_HOLD:
        notes.append(f"the values are {spacing:g} s apart; each is taken to hold for {LONGEST_HOLD:g} s")
        spacing = LONGEST_HOLD
    note_gaps(bpm, good, "values", notes)
    kept = _last_of_each_time(origin, times, bpm, good, order, notes)
    later = np.searchsorted(times, times[kept], side="right")  # the next value, be it good or not
    next_time = np.append(times, np.inf)[later]
    ends = np.minimum(next_time, times[kept] + spacing)
    return HeartRates(origin.path, origin.source, "bpm", times[kept], ends, bpm[kept], origin.began, tuple(notes))


def order_in_time(origin: Origin, times: Array, notes: list[str]) -> NDArray[np.intp]:
    """Indices that bring the values into the order of time."""
    steps = np.diff(times)
    back = np.flatnonzero(steps < 0)
    if not back.size:
        return np.arange(times.size)
    if (steps <= 0).all() and times.size > 2:
        notes.append("the newest values come first in the file; they are turned round")
        return np.arange(times.size)[::-1]
    if origin.records:
        notes.append("the file is not in the order of time; its values are sorted")
        return np.argsort(times, kind="stable")
    where, step = f"{origin.path}, {origin.place(back[0] + 1)}", -steps[back[0]]
    if back.size > 1:
        raise ClipError(
            f"{where}: time runs back by {step:g} s, and in {back.size - 1} other places: the clocks of two devices?",
            "keep the rows of one device, or sort the file if they are of one",
        )
    if abs(step - 3600) < 60:
        raise ClipError(
            f"{where}: the clock is set back by an hour, as at the end of summer time",
            "export the file with time zones or in UTC, or cut it there",
        )
    raise ClipError(f"{where}: time runs back by {step:g} s", "cut the file there, or sort it if its clock was right")


def _last_of_each_time(
    origin: Origin, times: Array, bpm: Array, good: NDArray[np.bool_], order: NDArray[np.intp], notes: list[str]
) -> NDArray[np.intp]:
    """Indices of the good values, one for each time."""
    kept = np.flatnonzero(good)
    same = np.flatnonzero(np.diff(times[kept]) == 0)  # the first of each two with one time
    if not same.size:
        return kept
    different = same[bpm[kept[same]] != bpm[kept[same + 1]]]
    if different.size > max(1, _FEW_CONFLICTS * kept.size):
        one, other = kept[different[0]], kept[different[0] + 1]
        raise ClipError(
            f"{origin.path}, {origin.place(order[one])} and {origin.place(order[other])}: {bpm[one]:g} and "
            f"{bpm[other]:g} bpm at the same time, and so in {different.size} places: two devices in one file?",
            "keep the rows of one device",
        )
    if different.size:
        notes.append(f"{different.size} times have two values; the last of them counts")
    if repeats := same.size - different.size:
        notes.append(f"{repeats} values are there twice; one of each is kept")
    return np.delete(kept, same)


def check_any(origin: Origin, bpm: Array, good: NDArray[np.bool_]) -> None:
    """Refuse a series without any heart rate.

    Args:
        origin: Of the values.
        bpm: (n,).
        good: Which of them are heart rates, (n,).

    Raises:
        ClipError: None is.
    """
    if good.any():
        return
    given = bpm[np.isfinite(bpm) & (bpm != 0)]
    seen = f"they lie between {given.min():g} and {given.max():g}" if given.size else "they are all 0 or missing"
    raise ClipError(
        f"{origin.path} ({origin.source}): none of {bpm.size} values is a heart rate from {SLOWEST:g} to {FASTEST:g} "
        f"bpm; {seen}",
        "check which column was meant and its unit; inter-beat intervals need a name such as RR [ms]",
    )


def note_gaps(bpm: Array, good: NDArray[np.bool_], what: str, notes: list[str]) -> None:
    """Count what is no heart rate; `what` names the values, and `notes` is added to."""
    nothing = int((~np.isfinite(bpm) | (bpm == 0)).sum())
    if nothing:
        notes.append(f"{nothing} of {bpm.size} {what} are 0 or missing (no contact): gaps")
    if outside := int((~good).sum()) - nothing:
        notes.append(f"{outside} of {bpm.size} {what} are outside {SLOWEST:g} to {FASTEST:g} bpm: gaps")
