"""One device of several in a file."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from painlit.errors import ClipError


def choose_device(path: Path, counts: Counter[str], wanted: str | None) -> tuple[str, tuple[str, ...]]:
    """The device whose values to take: the one that is named, else the one with the most values, which is noted.

    Args:
        path: For messages.
        counts: How many values each device has.
        wanted: Its name, if one is wanted.

    Raises:
        ClipError: The file has none of that name.
    """
    listed = ", ".join(f"{name or 'one without a name'} ({count} values)" for name, count in counts.most_common(10))
    if wanted is not None and wanted not in counts:
        raise ClipError(f"{path} has no values of {wanted!r}, but of {listed}", "name one of these")
    chosen = counts.most_common(1)[0][0] if wanted is None else wanted
    return chosen, (f"of {listed}, {chosen or 'the one without a name'} is taken",) if len(counts) > 1 else ()
