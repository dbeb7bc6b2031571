"""Checks of single values; each error names the full key and what would do."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from painlit.errors import PainlitError


def one_of(key: str, value: str, allowed: Iterable[str]) -> None:
    """Refuse a value that is not among those known."""
    allowed = list(allowed)
    if value not in allowed:
        raise PainlitError(f"{key}={value!r} is not known", f"choose one of: {', '.join(allowed)}")


def some_of(key: str, values: Sequence[str], allowed: Iterable[str], alone: str = "") -> None:
    """Refuse a list that is empty, names one thing twice or what is not known, or more beside what stands alone."""
    allowed = [*allowed, *([alone] if alone else [])]
    for value in values:
        one_of(key, value, allowed)
    if not values or len(set(values)) < len(values):
        raise PainlitError(f"{key}={[*values]}", f"name each once, of: {', '.join(allowed)}")
    if alone in values and len(values) > 1:
        raise PainlitError(f"{key}={[*values]}", f"{alone} stands alone: {key}=[{alone}]")


def at_least(key: str, value: float | None, low: float) -> None:
    """Refuse a value below `low`, and one that is no finite number; null, where the schema has it, is not judged."""
    if value is not None and not low <= value < math.inf:
        raise PainlitError(
            f"{key}={value} is {'too small' if value < low else 'no finite number'}", f"it must be at least {low}"
        )


def above(key: str, value: float, low: float) -> None:
    """Refuse `low` and all below, and a value that is no finite number."""
    if not low < value < math.inf:
        raise PainlitError(
            f"{key}={value} is {'too small' if value <= low else 'no finite number'}", f"it must be above {low}"
        )


def within(key: str, value: float | None, low: float, high: float) -> None:
    """Refuse a value outside `low` to `high`; null is not judged."""
    if value is not None and not low <= value <= high:
        raise PainlitError(f"{key}={value}", f"give a value from {low} to {high}")


def share(key: str, value: float, *, none: bool = False, all_of_it: bool = False) -> None:
    """Refuse what is no share between 0 and 1; `none` and `all_of_it` state whether 0 and 1 are shares."""
    if not (0 < value < 1 or (none and value == 0) or (all_of_it and value == 1)):
        low, high = "from 0" if none else "above 0", "up to 1" if all_of_it else "below 1"
        raise PainlitError(f"{key}={value}", f"give a share {low} and {high}")


def divides(whole: str, size: int, part: str, count: int) -> None:
    """Refuse a size that cannot be cut into equal parts."""
    if size % count:
        raise PainlitError(f"{whole}={size} is no multiple of {part}={count}", f"change {whole} or {part}")
