"""What the readers of packed images yield, before labels are numbered."""

from __future__ import annotations

from typing import NamedTuple


class PackedImage(NamedTuple):
    """An image within a larger file; what follows `form` is as in `painlit.images.places.Place`."""

    name: str
    """Within the file."""
    label: int | str
    """As the file has it."""
    person: str
    """Who is shown; empty where the file does not state it."""
    form: str
    start: int
    size: int
    unpacked: int = 0
    inner: int = 0
    length: int = 0
