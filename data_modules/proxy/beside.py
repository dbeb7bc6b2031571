"""Photographs of everybody who is not in a half of the proxies, from which stage 2 may learn for that half."""

from __future__ import annotations

from pathlib import Path

from data_modules.proxy.people import read_photographs
from painlit.config import Config
from painlit.system.files import atomic_path

VALIDATION = 6
"""People, the first in the face set's order, whose photographs are validated on."""


def beside(config: Config, half: str) -> Path:
    """Where they are, or will be."""
    return Path(config.proxy.out) / f"beside-{half}"


def make_beside(config: Config, half: str) -> Path:
    """A tree train|validation/<expression>/<person>.jpg of links to the face set's photographs.

    Raises:
        PainlitError: The face set or a photograph is not there.
    """
    root, proxy = beside(config, half), config.proxy
    photographs = read_photographs(Path(proxy.faces), proxy.first_of(half), proxy.subjects)
    wanted: set[Path] = set()
    for expression, people in photographs.items():
        for place, (person, photograph) in enumerate(people):
            part = "validation" if place < VALIDATION else "train"
            link = root / part / expression / f"{person}{photograph.suffix}"
            wanted.add(link)
            if link.is_symlink() and link.resolve() == photograph.resolve():
                continue
            link.parent.mkdir(parents=True, exist_ok=True)
            with atomic_path(link) as temporary:
                temporary.symlink_to(photograph.resolve())
    for left in {*root.glob("*/*/*")} - wanted:
        left.unlink()
    return root
