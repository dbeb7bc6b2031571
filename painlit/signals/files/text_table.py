"""Tables in text files of spreadsheets and devices: encoding, delimiter, header and decimal commas are inferred.

The rules, in this order:

- Encoding: as `decode` finds it.
- Delimiter: blanks, if most lines are numbers with decimal commas between them; else of `;`, tab, `|`, `,` and blanks
  the first that stands in nine of ten lines, or in half of them; else none.
- Decimal comma: digits, a comma and digits are a number wherever the comma is not the delimiter. It is not the
  delimiter either where the header is one name and the rows are two cells, or where there is none and the first
  cells do not rise as times do, while zeros or an equal number of digits show decimals.
- Header: the first row, if none of its cells is a number.
- Rows: blank lines, and lines that begin with `#`, are left out.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from painlit.errors import ClipError
from painlit.signals.files import decimal_commas
from painlit.signals.files.text_layout import decode

_DELIMITERS = {";": "semicolons", "\t": "tabs", "|": "bars", ",": "commas", " ": "blanks"}
_SAMPLE = 1000  # lines that the delimiter is inferred from
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+([eE][+-]?\d+)?")
_WHOLE_OR_COMMA = re.compile(r"[+-]?\d+(,\d+)?")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?(nan|inf)", re.IGNORECASE)


@dataclass(frozen=True)
class TextTable:
    """A table as text."""

    header: list[str] | None
    """Names of the columns; None if the file has none."""
    rows: list[list[str]]
    """Cells without blanks around them, numbers with decimal points; rows may differ in length."""
    lines: list[int]
    """The line of the file that each row begins on, from 1."""
    notes: tuple[str, ...]
    """What was inferred: an encoding other than UTF-8, a delimiter other than the comma, decimal commas."""
    cut: bool
    """The last line has no line end, as in a file that was not written to its end."""


def read_text_table(path: Path) -> TextTable:
    """Read a table of any encoding and delimiter; the rules are the module's.

    Raises:
        ClipError: The file cannot be read, is empty or no text, or has a cell whose quotation mark is never closed.
    """
    text, notes = read_text(path)
    lines = text.split("\n")  # str.splitlines would also end lines at form feeds and the like
    delimiter = _delimiter([line for line in lines[:_SAMPLE] if _counts(line)])
    found = [(number, row) for number, row in _rows(path, lines, delimiter) if any(row)]
    if not found:
        raise ClipError(f"{path} has no rows", "export it again")
    numbers, rows = [number for number, _ in found], [row for _, row in found]
    header = None if any(is_number(cell) or _DECIMAL_COMMA.fullmatch(cell) for cell in rows[0]) else rows[0]
    if header:
        numbers, rows = numbers[1:], rows[1:]
    if delimiter == "," and _one_column(header, rows):
        delimiter, rows = "", [[",".join(row)] for row in rows]
    if delimiter not in ("", ","):
        notes += (f"the columns are delimited by {_DELIMITERS[delimiter]}",)
    if delimiter != ",":
        rows, commas = _with_points(rows)
        notes += (f"{commas} numbers have decimal commas",) if commas else ()
    return TextTable(header, rows, numbers, notes, cut=not text.endswith("\n"))


def read_text(path: Path) -> tuple[str, tuple[str, ...]]:
    """The text of a file with plain line ends, and what was odd about its encoding (`decode`).

    Raises:
        ClipError: The file cannot be read, is empty or no text.
    """
    try:
        text, notes = decode(Path(path).read_bytes(), str(path))
    except OSError as error:
        raise ClipError(f"{path} cannot be read: {error.strerror}", "check the path and its permissions") from error
    if not text.strip():
        raise ClipError(f"{path} is empty", "export it again")
    return text, tuple(notes)


def is_number(cell: str) -> bool:
    """Whether a cell is a number with a decimal point, or none.

    >>> [is_number(cell) for cell in ("-1.5e3", "nan", ".5", "1,5", "12:30", "")]
    [True, True, True, False, False, False]
    """
    return _NUMBER.fullmatch(cell) is not None


def _counts(line: str) -> bool:
    return bool(line.strip()) and not line.startswith("#")


def _delimiter(lines: list[str]) -> str:
    unquoted = [re.sub(r'"[^"]*"', "", line.strip()) for line in lines]
    if sum(_between_blanks(line) for line in unquoted) > 0.5 * len(unquoted):
        return " "
    for share in (0.9, 0.5):  # the lines of a title or summary above the table may have none
        for delimiter in _DELIMITERS:
            if sum(delimiter in line for line in unquoted) > share * len(unquoted):
                return delimiter
    return ""


def _one_column(header: list[str] | None, rows: list[list[str]]) -> bool:
    """Whether rows of two cells are one number with a decimal comma each."""
    if not rows or any(len(row) != 2 for row in rows) or (header is not None and len(header) != 1):
        return False
    pairs = decimal_commas.pairs(",".join(row) for row in rows)
    if header is not None or not pairs:
        return header is not None
    decided = decimal_commas.one_column(pairs)
    return decimal_commas.equal_width(pairs) if decided is None else decided


def _between_blanks(line: str) -> bool:
    """Whether a line is numbers with decimal commas between blanks, such as `0,5 72,25`."""
    cells = line.split(" ")
    return "," in line and len(cells) > 1 and all(_WHOLE_OR_COMMA.fullmatch(cell) for cell in cells)


def _rows(path: Path, lines: list[str], delimiter: str) -> Iterator[tuple[int, list[str]]]:
    if delimiter in ("", " "):
        for number, line in enumerate(lines, start=1):
            if _counts(line):
                cells = line.split() if delimiter else [line.strip()]
                yield number, [cell.strip('"') for cell in cells]
        return
    kept = (f"{line}\n" if _counts(line) else "\n" for line in lines)
    reader, begins = csv.reader(kept, delimiter=delimiter, skipinitialspace=True, strict=True), 1
    try:
        for row in reader:
            yield begins, [cell.strip() for cell in row]
            begins = reader.line_num + 1
    except csv.Error as error:
        raise ClipError(
            f"{path}, line {begins}: a cell there is no CSV ({error}); its quotation mark may never be closed",
            "mend the line, or export the file again",
        ) from error


def _with_points(rows: list[list[str]]) -> tuple[list[list[str]], int]:
    commas = sum(_DECIMAL_COMMA.fullmatch(cell) is not None for row in rows for cell in row)
    if not commas:
        return rows, 0
    return [[_point(cell) for cell in row] for row in rows], commas


def _point(cell: str) -> str:
    return cell.replace(",", ".") if _DECIMAL_COMMA.fullmatch(cell) else cell
