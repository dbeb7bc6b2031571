"""Times of a table in s: numbers of any unit, seconds since 1970, times of day, dates."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from painlit.signals.files.text_table import is_number
from painlit.signals.files.units import SECONDS

_SHORT = {1.0: "s", 1e-3: "ms", 1e-6: "µs", 1e-9: "ns"}
_TIME_OF_DAY = re.compile(r"(\d{1,3}):(\d\d):(\d\d(?:[.,]\d+)?)")
_DATE = re.compile(
    r"(\d{1,2})([./-])(\d{1,2})\2(\d{4}|\d\d),?[ T]+(\d{1,2}):(\d\d)(?::(\d\d)(?:[.,](\d{1,6})\d*)?)?\s*([AP]M)?", re.I
)
EPOCH = 1e9, 4e9
"""s since 1970 of the years 2001 to 2096."""
_LATE = 3600.0  # s
_LEAST_MS = 200.0  # median step from which numbers without a unit are ms; as s they would be far too rare for a clip


class ClockError(ValueError):
    """A cell is no time.

    Args:
        index: Of the cell.
        what: What is wrong with it.
    """

    def __init__(self, index: int, what: str):
        super().__init__(what)
        self.index, self.what = index, what


def read_clock(
    cells: list[str], name: str = "", zone: str = ""
) -> tuple[NDArray[np.float64], datetime | None, tuple[str, ...]]:
    """Times in s, the clock's time at 0 where it is known, and what was inferred.

    Numbers since 1970 and dates become s since the first cell; other numbers stay what they are, in the unit that the
    name gives, else in ms if their median step is 200 or more, else in s. Times of day become s since the first if
    that is an hour or more after 00:00:00, and are time elapsed if not; a step back by more than half a day is
    midnight.

    Args:
        cells: None is empty.
        name: Of the column; may give the unit.
        zone: "UTC" if dates without a time zone are in it, as some apps document.

    Raises:
        ClockError: A cell is no time, or is of another kind than the first.
    """
    if is_number(cells[0]):
        return _numbers(_each(cells, float, "a number as the first time is"), name)
    if _TIME_OF_DAY.fullmatch(cells[0]):
        return _times_of_day(_each(cells, _seconds, "a time of day as the first time is"))
    month_first, notes = _month_first(cells)
    dates = _each(cells, lambda cell: _date(cell, month_first), "a time: 12.5, 14:03:59, 2026-11-25T14:03:59+01:00")
    if zone:
        dates = [date if date.tzinfo else date.replace(tzinfo=UTC) for date in dates]
    if (
        mixed := next((k for k, date in enumerate(dates) if (date.tzinfo is None) != (dates[0].tzinfo is None)), 0)
    ) > 0:
        raise ClockError(mixed, f"{cells[mixed]!r} and the first time differ in having a time zone")
    first = dates[0] if dates[0].tzinfo is None else dates[0].astimezone(UTC)
    times = np.array([(date - first) / timedelta(seconds=1) for date in dates])
    notes += ("time 0 is the first row",)
    if first.tzinfo is None:
        notes += ("its clock has no time zone",)
        steps = np.diff(times)
        usual = float(np.median(np.abs(steps))) if steps.size else 0.0
        if (jumps := np.flatnonzero(np.abs(steps - 3600) < 1.5 * max(usual, 1))).size and usual < 600:
            notes += (f"the clock jumps ahead by an hour after {cells[jumps[0]]} (summer time?): that hour is a gap",)
    return times, first, notes


def _each(cells: list[str], read: Callable, kind: str) -> list:
    found = []
    for index, cell in enumerate(cells):
        try:
            found.append(read(cell))
        except (ValueError, OverflowError) as error:
            raise ClockError(index, f"{cell!r} is not {kind}") from error
    return found


def _numbers(values: list[float], name: str) -> tuple[NDArray[np.float64], datetime | None, tuple[str, ...]]:
    numbers = np.array(values)
    if (bad := np.flatnonzero(~np.isfinite(numbers))).size:
        raise ClockError(int(bad[0]), f"{values[bad[0]]} is no time")
    named = unit_named(name)
    unit = named or next((u for u in _SHORT if EPOCH[0] < numbers[0] * u < EPOCH[1]), None)
    if unit is None:
        unit = 1e-3 if numbers.size > 1 and np.median(np.abs(np.diff(numbers))) >= _LEAST_MS else 1.0
    notes = () if named else (f"the times are taken to be in {_SHORT[unit]}",)
    if not EPOCH[0] < numbers[0] * unit < EPOCH[1]:
        return numbers * unit, None, notes
    began = datetime.fromtimestamp(numbers[0] * unit, UTC)
    return (numbers - numbers[0]) * unit, began, (*notes, "the times count from 1970 in UTC; time 0 is the first row")


def unit_named(name: str) -> float | None:
    """The unit of time that a column's name ends with, in s.

    >>> [unit_named(name) for name in ("RR-interval [ms]", "time (s)", "t_us", "time", "seconds")]
    [0.001, 1.0, 1e-06, None, 1.0]
    """
    words = re.findall(r"[^\W\d_]+", name.lower())
    return SECONDS.get(words[-1]) if words else None


def _seconds(cell: str) -> float:
    found = _TIME_OF_DAY.fullmatch(cell)
    if not found or int(found[2]) > 59 or float(found[3].replace(",", ".")) >= 61:
        raise ValueError(cell)
    return 3600 * int(found[1]) + 60 * int(found[2]) + float(found[3].replace(",", "."))


def _times_of_day(seconds: list[float]) -> tuple[NDArray[np.float64], datetime | None, tuple[str, ...]]:
    times = np.array(seconds)
    midnights = np.diff(times, prepend=times[0]) < -43_200
    times = times + 86_400 * np.cumsum(midnights)
    notes = (f"midnight passes {midnights.sum()} times",) if midnights.any() else ()
    if times[0] < _LATE:
        return times, None, (*notes, "the times are taken for time elapsed")
    return times - times[0], None, (*notes, "the times are times of day; time 0 is the first row")


def _month_first(cells: list[str]) -> tuple[bool, tuple[str, ...]]:
    """Whether dates such as 5/8/2026 begin with the month."""
    found = [match for match in map(_DATE.fullmatch, cells) if match]
    if not found:
        return False, ()
    if any(int(match[1]) > 12 for match in found):
        return False, ()
    if any(int(match[3]) > 12 for match in found):
        return True, ()
    month_first = found[0][2] == "/"
    return month_first, (
        f"dates such as {found[0][0]} are taken to begin with the {'month' if month_first else 'day'}",
    )


def _date(cell: str, month_first: bool) -> datetime:
    found = _DATE.fullmatch(cell)
    if not found:
        return datetime.fromisoformat(re.sub(r"\s+(?=[+-]\d\d:?\d\d$)", "", cell.replace(",", ".")))
    first, second = int(found[1]), int(found[3])
    year = int(found[4]) + (2000 if len(found[4]) == 2 else 0)
    hour = int(found[5])
    if found[9]:
        hour = hour % 12 + (12 if found[9].upper() == "PM" else 0)
    month, day = (first, second) if month_first else (second, first)
    micro = int((found[8] or "0").ljust(6, "0"))
    return datetime(year, month, day, hour, int(found[6]), int(found[7] or 0), micro)
