"""A column of times of day, with or without dates, to seconds."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from painlit.signals.files.text_layout import TIME_OF_DAY

DAY = 86_400.0  # s
_ISO = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d([.,]\d+)?\s*(Z|[+-]\d\d:?\d\d)?")
_PLAIN = re.compile(r"(?P<date>\d[\d./-]*\d )?\d{1,3}:\d\d:\d\d([.,]\d+)?")
_ZONE = re.compile(r"^\s*(Z|UTC|[+-]\d\d:?\d\d)", re.IGNORECASE)
_FORMATS = (
    *("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y"),
    *("%d.%m.%y", "%d/%m/%y", "%m/%d/%y", "%d-%b-%Y", "%d %b %Y", "%b %d %Y", "%b %d, %Y"),
)
_DATE_COLUMN = re.compile(r"date|datum|day", re.IGNORECASE)


def clock_seconds(text: pd.Series, dates: pd.Series | None = None) -> NDArray[np.float64] | None:
    """Seconds since midnight of the first day, NaN in cells that are no time; None if most cells are none.

    Without dates a step back by nearly a day is midnight. Where the order of day and month is open, that is taken by
    which the rows are closer together.

    Args:
        text: The cells.
        dates: Of a column beside, for times of day without.
    """
    if text.str.contains(":", regex=False, na=False).mean() <= 0.5:
        return None
    first = str(text[text.str.contains(":", regex=False, na=False)].iloc[0]).strip()
    if dates is not None and (plain := _PLAIN.fullmatch(first)) and not plain["date"]:
        text = dates.str.strip() + " " + text.str.strip()
        first = str(text.dropna().iloc[0])
    seconds = _regular(text, first)
    return _any(text) if seconds is None else seconds


def date_column(names: Sequence[str], table: pd.DataFrame) -> pd.Series | None:
    """A column of dates without times, by its name."""
    for k, name in enumerate(names):
        column = table.iloc[:, k]
        if _DATE_COLUMN.fullmatch(name.strip()) and column.dtype.kind in "OU":
            text = column.astype(str)
            return None if text.str.contains(":", regex=False, na=False).any() else text
    return None


def _regular(text: pd.Series, first: str) -> NDArray[np.float64] | None:
    """Of cells that are all written as pandas reads them, which is ten times as fast; None if any is not."""
    points = text.str.replace(",", ".", regex=False) if "," in first else text
    iso, plain = _ISO.fullmatch(first), _PLAIN.fullmatch(first)
    if not (iso or plain) or not text.str.contains(":", regex=False, na=True).all():
        return None
    if iso:
        times = pd.to_datetime(points, format="ISO8601", utc=True, errors="coerce")
        if times.isna().any():
            return None
        return (times - times.iloc[0].normalize()).dt.total_seconds().to_numpy(np.float64)
    assert plain is not None
    days: NDArray[np.float64] | None = None
    if plain["date"]:
        parts = points.str.strip().str.split(" ", n=1, expand=True)
        points = parts[1]
        if (days := _days(text.str.strip().str.split(" ", n=1).str[0])) is None:
            return None
    seconds = pd.to_timedelta(points, errors="coerce").dt.total_seconds().to_numpy(np.float64)
    if np.isnan(seconds).any():
        return None
    return seconds + (_midnights(seconds) if days is None else days)


def _any(text: pd.Series) -> NDArray[np.float64] | None:
    """Of cells that have a time of day anywhere."""
    clock = text.str.extract(f"^(.*?){TIME_OF_DAY}(.*)$", flags=re.IGNORECASE | re.DOTALL)
    if clock[2].notna().mean() <= 0.5:
        return None
    hours = pd.to_numeric(clock[1]).fillna(0)
    if (half := clock[4].str.casefold()).notna().any():
        hours = hours % 12 + 12 * (half == "pm")
    seconds = 3600 * hours + 60 * pd.to_numeric(clock[2]) + pd.to_numeric(clock[3].str.replace(",", "."))
    values = seconds.to_numpy(np.float64)
    days = _days(clock[0] + " " + clock[5].str.replace(_ZONE, "", regex=True))
    return values + (_midnights(values) if days is None else days)


def _midnights(seconds: NDArray[np.float64]) -> NDArray[np.float64]:
    return (DAY * np.cumsum(np.diff(seconds, prepend=seconds[:1]) < -0.9 * DAY)).astype(np.float64)


def _days(text: pd.Series) -> NDArray[np.float64] | None:
    """Seconds from the first date to the date of each cell, 0 in cells without; None if they are no dates."""
    codes, found = pd.factorize(text.str.strip(" T[],"))
    best: list[int] = []
    for form in _FORMATS:
        try:
            days = [datetime.strptime(date, form).toordinal() for date in found]
        except ValueError:
            continue
        if not best or max(days) - min(days) < max(best) - min(best):
            best = days
    if not best:
        return None
    return DAY * (np.array([*best, best[0]], np.float64)[codes] - best[0])  # code -1 is a missing cell
