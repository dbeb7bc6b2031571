"""Heart rates in text tables: plain ones, and the exports of Polar, Samsung Health and Fitbit.

A table has times and heart rates, times and inter-beat intervals, or intervals alone, with a header or without; lines
above the header are left out.

- Polar Flow, a session as CSV: two lines of summary, whose `Date` and `Start time` are the clock's at time 0, then
  `Sample rate,Time,HR (bpm),…` with the time elapsed.
- Polar Sensor Logger: `Phone timestamp;HR [bpm];HRV [ms];Breathing interval [rpm];` and
  `Phone timestamp;RR-interval [ms]`, whose times are those of arrival at the phone.
- Samsung Health, `com.samsung.shealth.tracker.heart_rate.….csv`: a line with the table's name, then full names such as
  `com.samsung.health.heart_rate.start_time`; times are in UTC, beside a column `time_offset`.
- Fitbit: `timestamp,beats per minute[,data source]` of Google Takeout in UTC; `Id,Time,Value` of Fitabase, local.

Source: sample exports and parsers in public repositories that agree with each other.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from pathlib import Path

import numpy as np

from painlit.errors import ClipError
from painlit.signals.files.channels import is_ecg
from painlit.signals.files.text_table import is_number, read_text_table
from painlit.signals.heart_rates.beats import interval_series
from painlit.signals.heart_rates.cells import intervals_in_seconds, numbers, times_of
from painlit.signals.heart_rates.cleaning import Origin, bpm_series
from painlit.signals.heart_rates.clock import ClockError, read_clock
from painlit.signals.heart_rates.columns import Columns, header_row, named_columns, shown, unnamed_columns, words
from painlit.signals.heart_rates.devices import choose_device
from painlit.signals.heart_rates.empatica import read_empatica
from painlit.signals.heart_rates.series import HeartRates

_DOCUMENTED_UTC = ("Samsung Health", "Fitbit")
_LEAST_TIMES = 5  # rows, fewer of which may ascend by chance


def read_table(path: Path, device: str | None = None) -> HeartRates:
    """Read a text table.

    Args:
        path: Of the file.
        device: Whose rows to take where a column names devices; by default the one with the most values.

    Raises:
        ClipError: It has no heart rates, or a cell that is neither a number nor missing.
    """
    table = read_text_table(path)
    if empatica := read_empatica(path, table):
        return empatica
    above = [table.header] if table.header else []
    rows, lines = above + table.rows, [0] * len(above) + table.lines
    at = header_row(rows)
    if at is None and table.header:
        raise ClipError(
            f"{path}: no column of {shown(table.header)} is a heart rate or an inter-beat interval",
            "name an ECG in the column ecg (--ecg)"
            if any(map(is_ecg, table.header))
            else "name the columns time and bpm, or time and RR [ms]",
        )
    below = 0 if at is None else at + 1
    above, rows, lines = rows[:below], rows[below:], lines[below:]
    if not rows:
        raise ClipError(f"{path} has a header ({shown(above[-1])}) and no values", "export it again")
    columns = named_columns(path, above[-1]) if above else unnamed_columns(path, rows)
    source = _source(above) if above else "table"
    notes = list(table.notes)
    rows, lines = _complete(path, rows, lines, columns, table.cut, notes)
    rows, lines = _of_device(path, rows, lines, columns, device, notes)
    values = numbers(path, [row[columns.value] for row in rows], lines)
    if not columns.is_rate:
        values, unit = intervals_in_seconds(path, values, lines, columns.name(columns.value))
        notes.append(unit)
    times, clock = None, None
    if columns.time is not None:
        cells = [" ".join(row[k] for k in (columns.date, columns.time) if k is not None) for row in rows]
        zone = "UTC" if source in _DOCUMENTED_UTC else ""
        times, clock, remarks = times_of(path, cells, lines, columns.name(columns.time), zone)
        notes += remarks
    elif columns.names:
        _refuse_unread_times(path, rows, columns)
    began = clock or _polar_flow_began(above)
    origin = Origin(path, source, tuple(notes), began, lines, records=source in _DOCUMENTED_UTC)
    if columns.is_rate:
        assert times is not None
        return bpm_series(origin, times, values)
    return interval_series(origin, values, times)


def _complete(
    path: Path, rows: list[list[str]], lines: list[int], columns: Columns, cut: bool, notes: list[str]
) -> tuple[list[list[str]], list[int]]:
    """Rows as long as the columns need, without those that have neither time nor value."""
    needed = 1 + max(k for k in (columns.value, columns.time, columns.date, columns.device) if k is not None)
    if rows and cut and len(rows[-1]) < needed:
        notes.append(f"line {lines[-1]}, the last, is cut short and left out")
        rows, lines = rows[:-1], lines[:-1]
    rows = [row + [""] * (needed - len(row)) for row in rows]
    wanted = [k for k in (columns.value, columns.time) if k is not None]
    kept = [k for k, row in enumerate(rows) if any(row[column] for column in wanted)]
    if not kept:
        raise ClipError(f"{path} has a header ({shown(list(columns.names))}) and no values", "export it again")
    return [rows[k] for k in kept], [lines[k] for k in kept]


def _refuse_unread_times(path: Path, rows: list[list[str]], columns: Columns) -> None:
    """Intervals without times follow each other from 0 on, which is wrong where another column has their times.

    Raises:
        ClipError: A column of another name ascends throughout and is no number of the rows.
    """
    for k, name in enumerate(columns.names):
        cells = [row[k] if k < len(row) else "" for row in rows]
        if k in (columns.value, columns.device) or len(rows) < _LEAST_TIMES or not all(map(is_number, cells)):
            continue
        steps = np.diff([float(cell) for cell in cells])
        if (steps > 0).all() and not (steps == 1).all():
            raise ClipError(
                f"{path}: its column {name!r} ascends as times do, and is not called so",
                "call it time, time_ms or the like; or, if it is something else, remove it: the intervals are then "
                "taken to follow each other from 0 s on, without gaps",
            )


def _of_device(
    path: Path, rows: list[list[str]], lines: list[int], columns: Columns, device: str | None, notes: list[str]
) -> tuple[list[list[str]], list[int]]:
    if columns.device is None:
        return rows, lines
    counts = Counter(row[columns.device] for row in rows)
    if columns.is_person and len(counts) > 1 and device is None:
        raise ClipError(
            f"{path}: its column {columns.name(columns.device)!r} has {len(counts)} persons, such as {min(counts)!r}",
            "keep the rows of one, in a file of their own",
        )
    chosen, remarks = choose_device(path, counts, device)
    notes += remarks
    kept = [k for k, row in enumerate(rows) if row[columns.device] == chosen]
    return [rows[k] for k in kept], [lines[k] for k in kept]


def _source(rows: list[list[str]]) -> str:
    names = [words(name) for name in rows[-1]]
    if any("com.samsung" in name for row in rows for name in row):
        return "Samsung Health"
    if names[:3] == ["sample rate", "time", "hr bpm"]:
        return "Polar Flow"
    if names[0].startswith("phone "):
        return "Polar Sensor Logger"
    if names[:2] == ["timestamp", "beats per minute"]:
        return "Fitbit"
    return "Fitabase" if names == ["id", "time", "value"] else "table"


def _polar_flow_began(summary: list[list[str]]) -> datetime | None:
    """Start of a session, from the two lines above its samples."""
    if len(summary) < 2 or not {"Date", "Start time"} <= set(summary[0]):
        return None
    given = dict(zip(summary[0], summary[1], strict=False))
    try:
        return read_clock([f"{given['Date']} {given['Start time']}"])[1]
    except (ClockError, KeyError):
        return None
