"""Rows such as `0,12` without a header: one column with decimal commas, or two columns."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise

_PAIR = re.compile(r"([+-]?\d*),(\d+)(?:[eE][+-]?\d+)?")
REMEDY = "write a header: one name, such as ecg, for one column, or time,ecg for two; or save it with decimal points"


def pairs(rows: Iterable[str]) -> list[tuple[str, str]]:
    """What is before and after the only comma of each row; nothing if a row is anything else."""
    found = [_PAIR.fullmatch(row.strip()) for row in rows]
    return [(match[1], match[2]) for match in found if match] if all(found) else []


def one_column(rows: Sequence[tuple[str, str]]) -> bool | None:
    """Whether pairs are numbers with decimal commas; None if they may be either.

    A minus before a zero, and zeros after the comma that no whole number has, are of decimals; first numbers that rise
    from row to row are of times.

    >>> one_column([("0", "046"), ("0", "179")]), one_column([("-0", "46"), ("0", "17")])
    (True, True)
    >>> one_column([("0", "046"), ("1", "179")]), one_column([("0", "512"), ("0", "498")])
    (False, None)
    """
    wholes = [whole for whole, _ in rows]
    if any(whole == "-0" for whole in wholes):
        return True
    numbers = [int(whole) for whole in wholes if whole.strip("+-")]
    if len(numbers) == len(rows) > 1 and all(a < b for a, b in pairwise(numbers)):
        return False
    if any(_padded(whole.lstrip("+-")) for whole in wholes):
        return None
    return True if any(_padded(fraction) for _, fraction in rows) else None


def equal_width(rows: Sequence[tuple[str, str]]) -> bool:
    """Whether as many digits, two or more, follow the comma in all rows."""
    return len(widths := {len(fraction) for _, fraction in rows}) == 1 and widths.pop() > 1


def _padded(digits: str) -> bool:
    return len(digits) > 1 and digits.startswith("0")
