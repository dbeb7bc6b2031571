"""Where exports may be written."""

from __future__ import annotations

from pathlib import Path

from painlit.errors import PainlitError


def place_for(out: Path, held: set[str], marker: str, bundle: Path) -> Path:
    """The resolved path of an export, if it replaces nothing else.

    Args:
        out: The folder to be written.
        held: All that such an export holds.
        marker: What each holds.
        bundle: The bundle that is exported.

    Raises:
        PainlitError: It is a file, a folder that holds something else, or lies within the bundle.
    """
    place = out.resolve()
    if bundle.resolve() in place.parents:
        raise PainlitError(
            f"{out} is within the bundle, which would hold what is none of its files", "give another place: export.out="
        )
    if not place.exists():
        return place
    there = {entry.name for entry in place.iterdir()} if place.is_dir() else set()
    if not place.is_dir() or there - held or (there and marker not in there):
        raise PainlitError(
            f"{out} exists and is no such export: it would be replaced", "give another place: export.out="
        )
    return place
