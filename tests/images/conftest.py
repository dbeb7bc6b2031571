"""A data set of photographs in miniature, and indices of it built within the test's process."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import pytest

from painlit.config import FaceConfig
from painlit.images import build_index
from painlit.images.build_index import open_index
from painlit.images.index import ImageIndex
from painlit.images.source import Record, Skipped


def photograph(width: int = 48, height: int = 36, seed: int = 0) -> np.ndarray:
    """Smooth RGB noise, which JPEG keeps well."""
    small = np.random.default_rng(seed).integers(0, 256, (4, 5, 3), np.uint8)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)


def write_photograph(path: Path, width: int = 48, height: int = 36, seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), photograph(width, height, seed)[..., ::-1])
    return path


@dataclass
class Photographs:
    """An `ImageSource` whose records the test names."""

    root: Path
    listed: list[Record | Skipped]
    classes: tuple[str, ...] = ("calm", "glad")
    name: str = "photographs"
    has_boxes: bool = False
    has_split: bool = True
    version: int = 0
    listings: list[int] = field(default_factory=list)

    def steps(self) -> int:
        return 1

    def records(self, advance: Callable[[], None] = lambda: None) -> Iterator[Record | Skipped]:
        self.listings.append(self.version)
        yield from self.listed
        advance()

    def stamp(self) -> dict[str, object]:
        return {"version": self.version, "sizes": (1, 2)}  # a tuple, which JSON gives back as a list


@pytest.fixture
def photographs(tmp_path: Path) -> Callable[..., Photographs]:
    """`photographs(n)` writes n images, of the two classes in turn and of a person for every two."""

    def write(count: int = 8, seed: int = 0, **changes) -> Photographs:
        root = changes.get("root", tmp_path / "photographs")
        listed: list[Record | Skipped] = []
        for number in range(count):
            path = f"{number % 2}/{number:04d}.jpg"
            write_photograph(root / path, seed=seed + number)
            listed.append(Record(path, number % 2, f"p{number // 2}"))
        return Photographs(**{"root": root, "listed": listed, **changes})

    return write


@pytest.fixture
def in_process(monkeypatch) -> list[int]:
    """Images are examined in this process, not in others; the list holds the rows that were."""
    rows: list[int] = []

    def here(function, pieces, workers, what):
        for piece in pieces:
            rows.extend(row for row, _ in piece[0])
            yield function(piece)

    monkeypatch.setattr(build_index, "unordered", here)
    return rows


@pytest.fixture
def build(tmp_path: Path, in_process) -> Callable[..., ImageIndex]:
    """`build(source)` opens its index."""

    def opened(source, faces: str = "whole", **options) -> ImageIndex:
        return open_index(source, tmp_path / "index", faces, FaceConfig(), **options)

    return opened
