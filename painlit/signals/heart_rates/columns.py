"""Which columns of a table are times, heart rates, inter-beat intervals and devices: by name, or by size."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from painlit.errors import ClipError
from painlit.signals.files.decimal_commas import pairs
from painlit.signals.files.text_table import is_number
from painlit.signals.heart_rates.series import FASTEST, SLOWEST

_RATE = re.compile(
    r"(hr|hf|heart ?rate|pulse ?(rate)?|puls|herzfrequenz|beats per minute)( value)?( bpm| s min| 1 min)?|bpm"
)
_INTERVAL = re.compile(
    r"((rr|nn|pp|ibi)i?|ppi|inter ?beat|beat to beat) ?(intervals?|duration)?( (ms|s|sec|secs|seconds|milliseconds))?"
)
_TIME = re.compile(
    r"((phone|phone data rx|unix|start|sensor|elapsed) ?)?"
    r"(time ?stamp|date ?time|times?|date|epoch|elapsed|t|(uhr)?zeit)"
    r"( (unix|iso|utc|local))?( in)?( (s|ms|us|µs|ns|sec|secs|seconds|milliseconds|min|minutes|h|hours?))?|"
    r"s|ms|sec|seconds"
)
_DATE, _CLOCK = re.compile("date"), re.compile("(start )?time")
_DEVICE = re.compile(r"device( ?(id|name|uuid))?|data source|source ?name|sensor")
_SOURCE = re.compile("source")  # Samsung has this beside its devices
_PERSON = re.compile(r"id|(participant|subject|user|patient|person)( full)?( ?id)?")
_LAST_HEADER = 30  # rows among which the header is looked for


@dataclass(frozen=True)
class Columns:
    """Where in the rows things are; a name is empty if the table has no header."""

    value: int
    is_rate: bool
    time: int | None = None
    date: int | None = None
    device: int | None = None
    is_person: bool = False
    """The column of devices has persons."""
    names: tuple[str, ...] = ()

    def name(self, column: int | None) -> str:
        """Of a column, or nothing."""
        return self.names[column] if column is not None and column < len(self.names) else ""


def words(name: str) -> str:
    """A name as words: `HR [bpm]` -> `hr bpm`, `com.samsung.health.heart_rate.heart_rate` -> `heart rate`."""
    last = name if " " in name.strip() else name.rpartition(".")[2]
    last = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", last)
    return " ".join(re.findall(r"[^\W_]+", last.lower()))


def _first(pattern: re.Pattern[str], names: list[str]) -> int | None:
    return next((k for k, name in enumerate(names) if pattern.fullmatch(words(name))), None)


def header_row(rows: list[list[str]]) -> int | None:
    """The row that names heart rates or intervals, if any; one that names times too is better."""
    found = [
        k
        for k, row in enumerate(rows[:_LAST_HEADER])
        if not any(map(is_number, row)) and _value_column(row) is not None
    ]
    return next((k for k in found if _first(_TIME, rows[k]) is not None), found[0] if found else None)


def _value_column(names: list[str]) -> int | None:
    if any(words(name) == "lf" for name in names):  # beside which HF is a power, else the German for heart rate
        names = [name if words(name) != "hf" else "" for name in names]
    rate, interval = _first(_RATE, names), _first(_INTERVAL, names)
    if rate is None and interval is None and [words(name) for name in names[:3]] == ["id", "time", "value"]:
        return 2
    return rate if rate is not None else interval


def named_columns(path: Path, names: list[str]) -> Columns:
    """The columns below a header that `header_row` found.

    Raises:
        ClipError: Heart rates have no times.
    """
    value, interval = _value_column(names), _first(_INTERVAL, names)
    assert value is not None
    time, date, clock = (_first(pattern, names) for pattern in (_TIME, _DATE, _CLOCK))
    if date is None or clock is None:
        date = None
    else:
        time = clock
    if value != interval and time is None:
        raise ClipError(
            f"{path}: no column of {shown(names)} is a time, so when its heart rates were is unknown",
            "add a column time, in s or as 2026-11-25T14:03:59",
        )
    found = [column for pattern in (_DEVICE, _SOURCE) if (column := _first(pattern, names)) is not None]
    person = _first(_PERSON, names)
    device = found[0] if found and person is None else person
    return Columns(value, value != interval, time, date, device, person is not None, tuple(names))


def unnamed_columns(path: Path, rows: list[list[str]]) -> Columns:
    """The columns of a table without header, by the size of their numbers.

    Raises:
        ClipError: They are not one of intervals, or two of times and heart rates or intervals.
    """
    width = Counter(map(len, rows)).most_common(1)[0][0]
    remedy = "write a header: time and bpm, or time and RR [ms]"
    if width > 2:
        raise ClipError(f"{path}: it has {width} columns and no header that names a heart rate", remedy)
    numbers = [float(row[-1]) for row in rows if len(row) == width and is_number(row[-1])]
    middle = float(np.nanmedian(numbers)) if numbers else 0.0
    is_rate = SLOWEST <= middle <= FASTEST
    if not (is_rate or 60 / FASTEST <= middle <= 60 / SLOWEST or 6e4 / FASTEST <= middle <= 6e4 / SLOWEST):
        other = "; or is it one column with decimal commas?" if width == 2 and pairs(map(",".join, rows)) else ""
        raise ClipError(
            f"{path}: of its {width} columns the last has neither heart rates nor inter-beat intervals{other}",
            f"{remedy}; RR [ms] alone for one column" if other else remedy,
        )
    if width == 1 and is_rate:
        raise ClipError(f"{path}: it has heart rates without times", remedy)
    return Columns(width - 1, is_rate, 0 if width == 2 else None)


def shown(names: list[str]) -> str:
    """Names as a message lists them."""
    return ", ".join(repr(name) for name in names[:30]) + (f" … ({len(names)} columns)" if len(names) > 30 else "")
