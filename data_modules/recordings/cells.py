"""Cells of a table of clips or of recordings: files, numbers and times."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping
from pathlib import Path

from painlit.clips.clip import Stretch
from painlit.errors import PainlitError

_THOUSANDS_OR_DECIMALS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")


def recording_in(folder: Path, cell: str) -> Path:
    """The file that a cell names, from the table's folder; of a WFDB record its header, which need not be named.

    Accents may be written in either way that Unicode has, since macOS writes names otherwise than most keyboards do;
    folders may be separated as on Windows.
    """
    named = folder / Path(cell).expanduser()
    for form in (cell, *(unicodedata.normalize(form, cell.replace("\\", "/")) for form in ("NFC", "NFD"))):
        path = folder / Path(form).expanduser()
        header = path.with_name(f"{path.name}.hea")
        if path.exists() or header.is_file():
            return path if path.exists() else header
    return named


def stretch_in(row: Mapping[str, str], where: str, prefix: str = "") -> Stretch:
    """Which part of its recordings a row means, by its columns start, end and offset.

    Args:
        row: Cells by column.
        where: Table and row, for errors.
        prefix: Of the columns' names.

    Raises:
        PainlitError: A cell is no number, or the times are no part of a recording.
    """
    start, end, offset = (number_in(row, f"{prefix}{column}", where) for column in Stretch._fields)
    start = start or 0.0
    if start < 0 or (end is not None and end <= start):
        raise PainlitError(
            f"{where}: {prefix}start {start:g} and {prefix}end {end}", "start is 0 s or later, and end after it"
        )
    return Stretch(start, end, offset or 0.0)


def number_in(row: Mapping[str, str], column: str, where: str) -> float | None:
    """The number in a cell; None if it is empty.

    Raises:
        PainlitError: It is no finite number, or its comma may be of decimals or of thousands.
    """
    text = row.get(column, "")
    if not text:
        return None
    if _THOUSANDS_OR_DECIMALS.fullmatch(text):
        decimals, thousands = float(text.replace(",", ".")), text.replace(",", "")
        raise PainlitError(
            f"{where}: {column} is {text!r}, which is {decimals:g} or {thousands}", "write it with a point, or no comma"
        )
    value = finite(text)
    if value is None:
        raise PainlitError(f"{where}: {column} is {text!r}", "it must be a number, or empty")
    return value


def finite(text: str) -> float | None:
    """A finite number, with a decimal point or comma."""
    try:
        value = float(text.replace(",", ".") if text.count(",") == 1 and "." not in text else text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
