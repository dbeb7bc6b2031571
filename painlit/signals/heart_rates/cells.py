"""Cells of a table as numbers and times; what is neither is named with its line."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from painlit.errors import ClipError
from painlit.signals.files.text_table import is_number
from painlit.signals.heart_rates.clock import ClockError, read_clock, unit_named
from painlit.signals.heart_rates.series import FASTEST, SLOWEST

_MISSING = {"", "-", "--", "na", "n/a", "nan", "null", "none", "inf", "+inf", "-inf"}
_LEAST_MS = 10.0  # the median of intervals in ms is above, that of intervals in s below


def numbers(path: Path, cells: list[str], lines: list[int]) -> NDArray[np.float64]:
    """Cells as numbers, (n,), NaN where missing.

    Raises:
        ClipError: A cell is neither a number nor one of the usual words for a missing one.
    """
    found = np.full(len(cells), np.nan)
    for index, cell in enumerate(cells):
        if cell.lower() in _MISSING:
            continue
        if not is_number(cell):
            raise ClipError(
                f"{path}, line {lines[index]}: {cell!r} is no number", "mend the row, or leave the cell empty"
            )
        found[index] = float(cell)
    return found


def intervals_in_seconds(
    path: Path, values: NDArray[np.float64], lines: list[int], name: str
) -> tuple[NDArray[np.float64], str]:
    """Inter-beat intervals in s, and a note of their unit. It is inferred from their size, not from the column's name.

    Raises:
        ClipError: One is in ms where most are in s, or the other way round.
    """
    given = values[values > 0]
    unit, short, other = (1e-3, "ms", "s") if given.size and np.median(given) > _LEAST_MS else (1.0, "s", "ms")
    as_other = values * (1.0 if short == "ms" else 1e-3)
    if (mixed := np.flatnonzero((as_other >= 60 / FASTEST) & (as_other <= 60 / SLOWEST))).size:
        raise ClipError(
            f"{path}, line {lines[mixed[0]]}: the interval {values[mixed[0]]:g} seems to be in {other}, "
            f"most are in {short}",
            "write all intervals in one unit",
        )
    against = "" if unit_named(name) in (unit, None) else f", though their column is {name!r}"
    return values * unit, f"the intervals are in {short}{against}"


def times_of(
    path: Path, cells: list[str], lines: list[int], name: str, zone: str = ""
) -> tuple[NDArray[np.float64], datetime | None, tuple[str, ...]]:
    """The result of `read_clock` for the cells.

    Raises:
        ClipError: One is missing or no time.
    """
    try:
        if (missing := next((k for k, cell in enumerate(cells) if not cell), None)) is not None:
            raise ClockError(missing, "the row has a value and no time")
        return read_clock(cells, name, zone)
    except ClockError as error:
        raise ClipError(f"{path}, line {lines[error.index]}: {error.what}", "mend the row, or leave it out") from error
