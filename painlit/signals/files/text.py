"""Tables of numbers in text: CSV, TSV and what devices export."""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from painlit.errors import ClipError
from painlit.signals.files.channels import CLOCK, Channel, Recording
from painlit.signals.files.dates import clock_seconds, date_column
from painlit.signals.files.text_layout import NONE, Layout, decode, read_layout
from painlit.signals.files.units import split_unit


def read_text(path: Path) -> Recording:
    """All columns of numbers and of times.

    Blank lines and lines that begin with # are skipped; an empty cell is a missing sample.

    Raises:
        ClipError: It is no table of numbers; the row is named.
    """
    text, notes = decode(path.read_bytes(), str(path))
    _refuse_open_quotes(text, path)
    layout = read_layout(text, str(path))
    body = text[layout.body :].rstrip("\n \t;,")
    del text  # as large as the body

    def row(sample: int) -> str:
        return f"row {_line(body, sample, layout)}"

    table = _parse(body, layout, path)
    if layout.decimal == ",":
        notes.append("decimal commas")
    if not layout.header:
        notes.append("no header")
    if layout.rate:
        notes.append(f"{layout.rate:g} Hz by a line above the numbers")
    channels, dates = [], date_column(layout.names, table)
    for k in range(table.shape[1]):
        name, unit = split_unit(layout.names[k])
        values, kind, wrong = _column(table.iloc[:, k], row, dates)
        if values is not None and not (np.isnan(values).all() and not name):
            channels.append(Channel(name, values, layout.rate, kind or unit or layout.units[k], wrong))
    return Recording(channels, notes, row)


def _parse(body: str, layout: Layout, path: Path) -> pd.DataFrame:
    try:
        return pd.read_csv(
            BytesIO(body.encode()),  # StringIO takes four bytes a character
            sep=layout.delimiter,
            decimal=layout.decimal,
            names=range(len(layout.names)),
            index_col=False,
            comment="#" if "#" in body else None,
            skipinitialspace=layout.delimiter != NONE,
            float_precision="round_trip",  # as Python reads numbers
            low_memory=False,
            on_bad_lines="error",
        )
    except pd.errors.ParserError as error:
        found = re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", str(error))
        what = (
            f", row {layout.first_row + int(found[2]) - 1}: {found[3]} cells, not {found[1]}" if found else f": {error}"
        )
        raise ClipError(f"{path}{what}", "mend the row, or copy the file again") from error


def _column(column: pd.Series, row, dates: pd.Series | None) -> tuple[NDArray[np.float64] | None, str, str]:
    """Values, `CLOCK` for times of day, and what makes them unusable; no values for a column of words."""
    wrong = ""
    if column.dtype.kind in "OU":
        text = column.astype(str)
        if (seconds := clock_seconds(text, dates)) is not None:
            return seconds, CLOCK, _first(pd.Series(np.isnan(seconds)) & column.notna(), text, row)
        values = pd.to_numeric(column.str.strip(), errors="coerce")
        if values.notna().mean() < 0.5:
            return None, "", ""
        wrong = _first(values.isna() & column.notna(), text, row)
        column = values
    elif column.dtype.kind == "b":
        return None, "", ""
    values = column.to_numpy(np.float64)
    if not wrong and np.isinf(values).any():
        wrong = _first(pd.Series(np.isinf(values)), column.astype(str), row)
    return values, "", wrong


def _first(bad: pd.Series, text: pd.Series, row) -> str:
    if not bad.any():
        return ""
    k = int(np.flatnonzero(bad)[0])
    return f"{row(k)}: no number ({text.iloc[k].strip()[:60]!r})"


def _refuse_open_quotes(text: str, path: Path) -> None:
    """A quote that is never closed would swallow all rows after it."""
    if '"' not in text:
        return
    for number, line in enumerate(text.split("\n"), start=1):
        if line.count('"') % 2:
            raise ClipError(f"{path}, row {number}: a quote is never closed ({line[:60]!r})", "mend the row")


def _line(body: str, sample: int, layout: Layout) -> int:
    """Line of the file, from 1, that holds a sample."""
    seen = -1
    for number, line in enumerate(body.split("\n"), start=layout.first_row):
        seen += bool(line.strip()) and not line.lstrip().startswith("#")
        if seen == sample:
            return number
    return layout.first_row + sample
