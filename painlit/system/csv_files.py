"""CSV files whose cells may come from outside: names that a spreadsheet would take for formulas are quoted.

A cell that begins with = + - @, a tab or a carriage return and is no number gets an apostrophe in front, which a
spreadsheet takes for text. `read_csv` takes it off again, so what is written comes back as it was.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace

from painlit.errors import PainlitError
from painlit.system.files import write_text

_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|-?(nan|inf)", re.IGNORECASE)


def csv_text(rows: Iterable[Iterable[object]], delimiter: str = ",") -> str:
    r"""Rows of cells as CSV; numbers stay as they are.

    >>> csv_text([["=1+1", -2, "a,b"]])
    '\'=1+1,-2,"a,b"\n'
    """
    lines: list[str] = []
    writer = csv.writer(SimpleNamespace(write=lines.append), delimiter=delimiter)  # its own line ends: it quotes both
    writer.writerows([_quoted(cell) for cell in row] for row in rows)
    return "".join(line.removesuffix("\r\n") + "\n" for line in lines)


def write_csv(path: Path, rows: Iterable[Iterable[object]], delimiter: str = ",") -> None:
    """Write rows of cells, atomically."""
    write_text(path, csv_text(rows, delimiter))


def read_csv(path: Path, delimiter: str = ",") -> Iterator[list[str]]:
    """Rows of a CSV file as `write_csv` was given them, or of another's.

    Raises:
        PainlitError: It is no text in UTF-8, or has a cell that is never closed.
    """
    with open(path, newline="", encoding="utf-8-sig") as handle:
        rows = csv.reader(handle, delimiter=delimiter)
        try:
            for row in rows:
                yield [cell[1:] if cell[:1] == "'" and _FORMULA.match(cell) else cell for cell in row]
        except UnicodeDecodeError as error:
            raise PainlitError(
                f"{path}, after row {rows.line_num}: it is no text in UTF-8",
                "save it as CSV in UTF-8; spreadsheets and exports write UTF-16 or Latin-1 too",
            ) from error
        except csv.Error as error:
            raise PainlitError(f"{path}, row {rows.line_num}: {error}", "mend the row") from error


def _quoted(cell: object) -> object:
    plain = not isinstance(cell, str) or not _FORMULA.match(cell) or _NUMBER.fullmatch(cell)
    return cell if plain else f"'{cell}"
