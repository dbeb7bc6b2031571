"""The portrait all demo data are made of, and the looks that stand for different people.

`portrait.jpg` is the face of the astronaut Eileen Collins, from NASA's Great Images database
(https://flic.kr/p/r9qvLn; no known copyright restrictions, released into the public domain): rows 10 to 265 and columns
96 to 351 of the copy that scikit-image 0.26 ships as `skimage.data.astronaut`, saved as JPEG of quality 95. A look
mirrors, stretches, tints and sizes it; nothing made of it says anything about people.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from painlit.images.reading import read_image

SIZE = 256  # px, side of the cropped portrait


@dataclass(frozen=True)
class Look:
    """How the portrait is changed to stand for a person."""

    mirrored: bool
    stretch: float
    tint: np.ndarray
    """(3,) factors of R, G, B."""
    gamma: float
    zoom: float


def portrait() -> np.ndarray:
    """The face of the portrait, (SIZE, SIZE, 3) uint8 RGB."""
    return read_image(Path(__file__).with_name("portrait.jpg"))


def draw_look(generator: np.random.Generator) -> Look:
    """A random look, for a new person."""
    return Look(
        mirrored=bool(generator.random() < 0.5),
        stretch=generator.uniform(0.9, 1.12),
        tint=generator.uniform(0.82, 1.12, 3),
        gamma=generator.uniform(0.75, 1.3),
        zoom=generator.uniform(0.95, 1.15),
    )


def placed(face: np.ndarray, look: Look, dx: float, dy: float, degrees: float = 0.0) -> np.ndarray:
    """The portrait, or a mask of its size, in a look's shape, turned by some degrees and shifted by (dx, dy) px."""
    if look.mirrored:
        face = face[:, ::-1]
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = turn @ np.diag([look.zoom * look.stretch, look.zoom / look.stretch])
    shift = SIZE / 2 * (1 - linear.sum(axis=1)) + (dx, dy)  # about the middle
    matrix = np.column_stack([linear, shift]).astype(np.float32)
    return cv2.warpAffine(face, matrix, (SIZE, SIZE), borderMode=cv2.BORDER_REPLICATE)


def coloured(face: np.ndarray, look: Look) -> np.ndarray:
    """The portrait in a look's colours, (SIZE, SIZE, 3) float32, 0..255."""
    levels = 255 * np.clip(np.arange(256)[:, None] * look.tint / 255, 0, 1) ** look.gamma  # (256, 3)
    return cv2.LUT(np.clip(face, 0, 255).astype(np.uint8), levels[None].astype(np.float32))


def faces(count: int, side: int, seed: int = 0) -> np.ndarray:
    """Face crops of `count` looks, (count, side, side, 3) uint8 RGB."""
    generator = np.random.default_rng(seed)
    crops = []
    for _ in range(count):
        look = draw_look(generator)
        dx, dy, degrees = generator.uniform(-8, 8, 3)
        face = placed(portrait(), look, dx, dy, degrees)
        tinted = 255 * (face / 255) ** look.gamma * look.tint
        resized = cv2.resize(np.clip(tinted, 0, 255).astype(np.uint8), (side, side), interpolation=cv2.INTER_CUBIC)
        crops.append(resized)
    return np.stack(crops)
