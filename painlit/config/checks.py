"""Checks of single values; each error names the full key and what would do."""

from __future__ import annotations

from collections.abc import Iterable

from painlit.errors import PainlitError


def one_of(key: str, value: str, allowed: Iterable[str]) -> None:
    """Refuse a value that is not among those known."""
    allowed = list(allowed)
    if value not in allowed:
        raise PainlitError(f"{key}={value!r} is not known", f"choose one of: {', '.join(allowed)}")


def at_least(key: str, value: float, low: float) -> None:
    """Refuse a value below `low`."""
    if value < low:
        raise PainlitError(f"{key}={value} is too small", f"it must be at least {low}")


def divides(whole: str, size: int, part: str, count: int) -> None:
    """Refuse a size that cannot be cut into equal parts."""
    if size % count:
        raise PainlitError(f"{whole}={size} is no multiple of {part}={count}", f"change {whole} or {part}")
