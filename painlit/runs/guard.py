"""The one guard against mixing: what was made with other settings is refused, and each difference is named."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from painlit.errors import PainlitError


class ChangedError(PainlitError):
    """Work that is there was made with other settings, data or weights."""


def refuse_changes(what: Path, before: Mapping[str, Any], now: Mapping[str, Any], remedy: str) -> None:
    """Refuse work that was made differently.

    Args:
        what: The folder or file that holds it.
        before: What it was made with.
        now: What would be made now.
        remedy: What to do about it.

    Raises:
        ChangedError: They differ; each key is named with both values.
    """
    changed = [
        f"{key} was {before.get(key)!r} and is now {now.get(key)!r}"
        for key in sorted({*before, *now})
        if before.get(key) != now.get(key)
    ]
    if changed:
        raise ChangedError(f"{what} was made differently: {'; '.join(changed)}", remedy)
