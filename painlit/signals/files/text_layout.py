"""How a text file is laid out: its encoding, delimiter, decimal mark, header and where numbers begin."""

from __future__ import annotations

import codecs
import csv
import re
from collections import Counter
from dataclasses import dataclass

from painlit.errors import ClipError
from painlit.signals.files import decimal_commas
from painlit.signals.files.exports import named_above
from painlit.signals.files.units import is_unit

DELIMITERS = {"\t": "tab", ";": "semicolon", "|": "bar", ",": "comma"}
BLANKS, NONE = r"\s+", "\x1f"
LOOKED_AT = 300  # lines from which the layout is read
TIME_OF_DAY = r"(?:(\d+):)?(\d{1,2}):(\d{1,2}(?:[.,]\d+)?)\s*(?:(am|pm)\b)?"
"""Hours, minutes, seconds, am or pm; PhysioNet leaves hours out."""

_BOMS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?")
_COMMA = re.compile(r"[+-]?\d*,\d+([eE][+-]?\d+)?")
_WITH_COMMAS = re.compile(r"[+-]?(\d+(,\d+)?|,\d+)([eE][+-]?\d+)?")
_COMMENT = re.compile(r"\s*(#|%|//)\s*")
_BINARY = [chr(code) for code in (*range(9), *range(14, 32))]
_RATE = re.compile(
    r"(?:sampl\w*[ _-]*(?:rate|freq\w*|per[ _]second)|\bfs\b|sfreq|abtast(?:rate|frequenz))"
    r"[^\d\n]{0,20}(\d+(?:[.,]\d+)?)|"
    r"(?P<ms>\d+(?:\.\d+)?)\s*msec/sample|interval=\s*(?P<s>\d*[.,]\d+)\s*s\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Layout:
    """How to read the rows.

    Attributes:
        body: Where the first row of numbers begins in the text.
        first_row: Its line, from 1.
        delimiter: One of `DELIMITERS`, `BLANKS` or `NONE`.
        decimal: "." or ",".
        names: Of the columns, as the header has them; empty strings without one.
        units: From a second header line, or empty strings.
        rate: In Hz, where a line above says it.
        header: Whether there is one.
    """

    body: int
    first_row: int
    delimiter: str
    decimal: str
    names: list[str]
    units: list[str]
    rate: float | None
    header: bool


def decode(content: bytes, where: str) -> tuple[str, list[str]]:
    """Text of a file, and what was odd about it.

    Raises:
        ClipError: It is no text.
    """
    notes = []
    encoding = next((name for mark, name in _BOMS.items() if content.startswith(mark)), "") or _utf16(content[:4096])
    unit = b"\0\0" if encoding.startswith("utf-16") else b"\0"
    if not encoding and (padding := len(content) - len(content.rstrip(unit))):
        content = content[: len(content) - padding]
        content = content[: content.rfind(b"\n") + 1]  # the row that the padding cut
        notes.append(f"{padding} NUL bytes at the end, where data were lost")
    try:
        text = content.decode(encoding or "utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        if encoding:
            raise ClipError(f"{where} is damaged: {error}", "copy it again") from error
        text = content.decode("latin-1")
        notes.append("text in Latin-1")
    if encoding not in ("", "utf-8"):
        notes.append(f"text in {encoding.upper()}")
    if found := [text.index(sign) for sign in _BINARY if sign in text]:
        line = text.count("\n", 0, min(found)) + 1
        raise ClipError(
            f"{where}, row {line}: it is no text file, or damaged there", "copy it again, or export it as CSV"
        )
    return text.replace("\r\n", "\n").replace("\r", "\n"), notes


def _utf16(head: bytes) -> str:
    """UTF-16 without a mark has a NUL in every second byte of plain text."""
    for first, name in ((1, "utf-16-le"), (0, "utf-16-be")):
        half = head[first::2]
        if len(half) > 8 and half.count(0) > 0.9 * len(half) and head.count(0) < 0.6 * len(head):
            return name
    return ""


def read_layout(text: str, where: str) -> Layout:
    """The layout that most of the first lines have.

    Raises:
        ClipError: There are no rows of numbers, or the header has another number of columns than they have.
    """
    lines = text[: 400 * LOOKED_AT].split("\n")[:LOOKED_AT]
    lines = lines[:-1] if len(lines) > 1 else lines
    filled = [line for line in lines if line.strip() and not _COMMENT.match(line)]
    if not filled:
        raise ClipError(f"{where} has 0 rows", "copy it again")
    tail = filled[len(filled) // 2 :]
    delimiter, count = _delimiter(tail)
    start = next((k for k, line in enumerate(lines) if _is_row(line, delimiter, count)), None)
    if start is None:
        raise ClipError(f"{where} has 0 rows of numbers; it begins {filled[0][:200]!r}", "export it as CSV")
    above = [_COMMENT.sub("", line, count=1) for line in lines[:start]]
    if "/sample" in "\n".join(above) and _is_count(split(lines[start], delimiter)):
        start += 1
    if delimiter == "," and count == 2 and _single(above, tail, where):
        delimiter, count = NONE, 1
    trailing = all(not split(line, delimiter)[-1] for line in tail)
    names, units = _header(above, delimiter, count, trailing, where)
    names, units = named_above(above, names) or (names, units)
    cells = [cell for line in lines[start:] for cell in split(line, delimiter)]
    decimal = "," if _comma_decimal(cells, delimiter) else "."
    body = sum(len(line) + 1 for line in lines[:start])
    return Layout(body, start + 1, delimiter, decimal, names, units, _rate("\n".join(above)), any(names))


def split(line: str, delimiter: str) -> list[str]:
    """Cells of one line, without quotes and blanks around them."""
    if delimiter in (BLANKS, NONE):
        cells = line.split() if delimiter == BLANKS else [line]
    else:
        cells = next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])
    return [cell.strip().strip("\"'").strip() for cell in cells]


def _delimiter(lines: list[str]) -> tuple[str, int]:
    """The first delimiter that cuts most lines into the same number of cells, two or more."""
    for delimiter in (*DELIMITERS, BLANKS):
        count, often = Counter(len(split(line, delimiter)) for line in lines).most_common(1)[0]
        blank = [line.split() for line in lines]
        if delimiter == "," and all(len(c) > 1 and all(map(_WITH_COMMAS.fullmatch, c)) for c in blank):
            continue  # numbers with decimal commas between blanks
        if count > 1 and often >= 0.8 * len(lines):
            return delimiter, count
    return NONE, 1


def _is_row(line: str, delimiter: str, count: int) -> bool:
    cells = [] if _COMMENT.match(line) else split(line, delimiter)
    return len(cells) == count and not cells[0].endswith("=") and any(map(_NUMBER.fullmatch, cells))


def _is_count(cells: list[str]) -> bool:
    """Whether a row such as `,15000,15000` says how many samples each channel has: AcqKnowledge writes it first."""
    counts = {cell for cell in cells if cell}
    return len(cells) > 1 and not cells[0] and len(counts) == 1 and counts.pop().isdigit()


def _single(above: list[str], rows: list[str], where: str) -> bool:
    """Whether rows such as `0,12` are one column with decimal commas: the header names one, or the numbers show it.

    Raises:
        ClipError: There is no header, and they may be one column or two.
    """
    pairs = decimal_commas.pairs(rows)
    if not pairs:
        return False
    header = next((line for line in reversed(above) if line.strip()), "")
    if header and not re.search("[:=]", header):  # of `Rate: 250 Hz`
        return "," not in header
    decided = decimal_commas.one_column(pairs)
    if decided is None:
        raise ClipError(
            f"{where}: rows such as {rows[0].strip()!r} may be one column with decimal commas, or two columns",
            decimal_commas.REMEDY,
        )
    return decided


def _header(above: list[str], delimiter: str, count: int, trailing: bool, where: str) -> tuple[list[str], list[str]]:
    """Names and units: the last lines above the numbers that have as many cells, and are not `key= value`.

    Where rows end with a delimiter, the header may lack it.
    """
    nothing = [""] * count
    rows: list[list[str]] = []
    for number, line in enumerate(above, start=1):
        cells = split(line, delimiter)
        cells = cells[:count] if not any(cells[count:]) else cells
        cells += [""] if trailing and 1 < len(cells) == count - 1 else []
        if cells and cells[0].endswith(("=", ":")):
            continue
        if len(cells) == count and any(cells):
            rows.append(cells)
        elif (
            count != len(cells) > 1
            and delimiter not in (BLANKS, NONE)
            and {"ecg", "ekg"} & {c.casefold() for c in cells}
        ):
            raise ClipError(
                f"{where}, row {number} names {len(cells)} columns, the rows below have {count}",
                "decimal commas need another delimiter, or quotes",
            )
    if not rows:
        return nothing, nothing
    units = [cell.strip("[]() ") for cell in rows[-1]]
    if len(rows) > 1 and count > 1 and _are_units(units):
        return rows[-2], units
    return rows[-1], nothing


def _are_units(cells: list[str]) -> bool:
    """A line such as `hh:mm:ss.mmm, mV`, in which no cell is a column's name."""
    return any(map(is_unit, cells)) and all(is_unit(c) or len(c) <= 3 or ":" in c or c.startswith("no") for c in cells)


def _comma_decimal(cells: list[str], delimiter: str) -> bool:
    commas = any(map(_COMMA.fullmatch, cells))
    return commas and not any(_NUMBER.fullmatch(cell) and "." in cell for cell in cells)


def _rate(above: str) -> float | None:
    found = _RATE.search(above)
    if not found:
        return None
    if found["ms"]:
        return 1000 / float(found["ms"])
    return 1 / float(found["s"].replace(",", ".")) if found["s"] else float(found[1].replace(",", "."))
