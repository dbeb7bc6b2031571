"""Empatica E4: `HR.csv` and `IBI.csv` of a session.

`HR.csv` has the start in s since 1970 in UTC, the rate in Hz, and then one value a line. `IBI.csv` has the start and
`IBI`, and then for each interval the s from the start to the beat that ends it and its length in s; intervals that the
device is not sure of are missing.

Source: info.txt of the exports, and `test/wearable-data/empatica` of im-ethz/flirt.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from painlit.errors import ClipError
from painlit.signals.files.text_table import TextTable, is_number
from painlit.signals.heart_rates.beats import interval_series
from painlit.signals.heart_rates.cells import numbers, times_of
from painlit.signals.heart_rates.cleaning import Origin, bpm_series
from painlit.signals.heart_rates.clock import EPOCH
from painlit.signals.heart_rates.series import HeartRates

_MOST_HZ = 64


def read_empatica(path: Path, table: TextTable) -> HeartRates | None:
    """The series of an `HR.csv` or `IBI.csv`; None if the table is neither.

    Raises:
        ClipError: It has no values, or a cell that is no number.
    """
    if table.header or not is_number(table.rows[0][0]):
        return None
    start, *other = table.rows[0]
    rest = table.rows[1:]
    if not EPOCH[0] < float(start) < EPOCH[1]:
        return None
    intervals = [cell.upper() for cell in other] == ["IBI"]
    rate = not other and bool(rest) and is_number(rest[0][0]) and 0 < float(rest[0][0]) <= _MOST_HZ
    if not (intervals or rate):
        return None
    rows, lines = (rest, table.lines[1:]) if intervals else (rest[1:], table.lines[2:])
    if not rows:
        raise ClipError(f"{path} (Empatica E4) has a beginning and no values", "export it again")
    origin = Origin(path, "Empatica E4", table.notes, datetime.fromtimestamp(float(start), UTC), lines)
    values = numbers(
        path, [row[1] if intervals and len(row) > 1 else "" if intervals else row[0] for row in rows], lines
    )
    if intervals:
        return interval_series(origin, values, times_of(path, [row[0] for row in rows], lines, "s")[0])
    return bpm_series(origin, (np.array(lines) - lines[0]) / float(rest[0][0]), values)
