"""Where exports may be written."""

from __future__ import annotations

from pathlib import Path

from painlit.errors import PainlitError


def refuse_other_content(out: Path, held: set[str], marker: str) -> None:
    """Refuse to replace what is no export of this kind.

    Args:
        out: The folder to be written.
        held: All that such an export holds.
        marker: What each holds.

    Raises:
        PainlitError: It is a file, or a folder that holds something else.
    """
    if not out.exists():
        return
    there = {entry.name for entry in out.iterdir()} if out.is_dir() else set()
    if not out.is_dir() or there - held or (there and marker not in there):
        raise PainlitError(
            f"{out} is there and no such export: it would be replaced", "give another place: export.out="
        )
