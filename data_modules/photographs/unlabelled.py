"""Photographs without labels: all images below a folder."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from data_modules.photographs.image_lists import ImageFolders, folder_names, stamp_of
from painlit.errors import PainlitError
from painlit.images.source import Item, Record


class UnlabelledPhotographs:
    """Every image below a folder, at any depth; each shows a face, and nothing else is known of it.

    Args:
        root: The folder.
        name: Names the index; two folders need two names.

    Raises:
        PainlitError: It does not exist.
    """

    has_boxes = False
    has_split = False
    classes: tuple[str, ...] = ("face",)

    def __init__(self, root: Path | str, name: str):
        self.root, self.name = Path(root), name
        self._folders = [".", *_below(self.root, "", {os.path.realpath(root)})]

    def steps(self) -> int:
        """Folders."""
        return len(self._folders)

    def records(self, advance: Callable[[], None] = lambda: None) -> Iterator[Item]:
        """Every image, by folder and name.

        Raises:
            PainlitError: There is none.
        """
        folders, found = ImageFolders(self.root), False
        for folder in self._folders:
            for name in folders.images(folder, may_be_empty=True, besides=folder_names(self.root / folder)):
                found = True
                yield Record(name if folder == "." else f"{folder}/{name}", 0)
            advance()
        if not found:
            raise PainlitError(f"{self.root} has no images that are read", "name a folder of photographs")
        yield from folders.rest()

    def stamp(self) -> dict[str, object]:
        """Names, sizes and times of the images."""
        return stamp_of(self.root, (), self._folders)


def _below(root: Path, folder: str, seen: set[str]) -> Iterator[str]:
    """All folders below one, each once: links may lead to any, and back."""
    for name in folder_names(root / folder):
        path = os.path.join(folder, name)
        if (real := os.path.realpath(root / path)) not in seen:
            seen.add(real)
            yield path
            yield from _below(root, path, seen)
