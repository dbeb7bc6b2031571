"""Photographs of noise in the layouts of published sets."""

from pathlib import Path

import cv2
import numpy as np

PERSONS = {"train": ("n000002", "n000003"), "test": ("n000001",)}


WIDTH, HEIGHT = 40, 30


def write_image(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    assert cv2.imwrite(str(path), pixels)


def touch(root: Path, *paths: str) -> Path:
    """Empty files below a folder, which is returned."""
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).touch()
    return root


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
