"""Photographs of the demo: a person made of the portrait, in a pose, a place and a light, with the face's box."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from data_modules.demo.expressions import expressed, strengths
from data_modules.demo.portrait import SIZE, Look, coloured, draw_look, placed
from painlit.errors import PainlitError
from painlit.system.files import atomic_path

STRANGER_WARP = 2.0
"""px of the portrait by which faces are warped where expressions are learnt: less than where identities are."""
_SIDE, _ALIGNED_SIDE = 128, 112  # px
_FACE_MIDDLE, _FACE_HALF = (0.5, 0.42), (0.176, 0.22)  # an ellipse from hairline to chin, in shares of the portrait
_ALIGNED_ZOOM = 1.45
_QUALITY = 90
_GRID = 5  # points a side of the random displacements that make an identity's face


@dataclass(frozen=True)
class Face:
    """A person of the demo."""

    look: Look
    warp: np.ndarray
    """(SIZE, SIZE, 2) displacement in px."""


def draw_face(generator: np.random.Generator, warp: float) -> Face:
    """A new person, whose face is warped by about so many px of the portrait."""
    coarse = generator.normal(0, warp, (_GRID, _GRID, 2)).astype(np.float32)
    return Face(draw_look(generator), cv2.resize(coarse, (SIZE, SIZE), interpolation=cv2.INTER_CUBIC))


def posed(generator: np.random.Generator, *basic: str) -> np.ndarray:
    """An expression as a person shows it once: stronger or weaker, and not exactly."""
    strength = strengths(*basic)
    return strength * generator.uniform(0.8, 1.15) + generator.normal(0, 0.06, len(strength))


def photograph(
    base: np.ndarray, face: Face, strength: np.ndarray, generator: np.random.Generator, aligned: bool = False
) -> tuple[np.ndarray, Callable[[], tuple[int, int, int, int]]]:
    """One picture of a person: (side, side, 3) uint8 RGB, and what finds the face's box: x, y, width, height in px."""
    look, side, sway = face.look, _SIDE, 12.0
    if aligned:
        look, side, sway = replace(look, zoom=look.zoom * _ALIGNED_ZOOM), _ALIGNED_SIDE, 4.0
    dx, dy = generator.uniform(-sway, sway, 2)
    if aligned:
        dy += (0.5 - _FACE_MIDDLE[1]) * SIZE * look.zoom / look.stretch
    degrees = generator.normal(0, 1.0 if aligned else 4.0)
    picture = coloured(placed(expressed(base, strength, face.warp), look, dx, dy, degrees), look)
    pixels = cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA) * _light(side, generator)
    pixels += generator.normal(0, 4, pixels.shape)

    def box() -> tuple[int, int, int, int]:
        mask = cv2.ellipse(
            np.zeros((SIZE, SIZE), np.uint8),
            tuple(round(share * SIZE) for share in _FACE_MIDDLE),
            tuple(round(share * SIZE) for share in _FACE_HALF),
            *(0, 0, 360, 255, cv2.FILLED),
        )
        covered = placed(expressed(mask, strength, face.warp), look, dx, dy, degrees)
        rows, columns = (np.flatnonzero((covered > 127).any(axis)) * side / SIZE for axis in (1, 0))
        x, y = int(columns[0]), int(rows[0])
        return x, y, round(columns[-1]) - x + 1, round(rows[-1]) - y + 1

    return np.clip(pixels, 0, 255).astype(np.uint8), box


def _light(side: int, generator: np.random.Generator) -> np.ndarray:
    """Brighter or darker, and from one side: (side, side, 1) factors."""
    slope_x, slope_y = generator.uniform(-0.25, 0.25, 2)
    along = (np.arange(side, dtype=np.float32) + 0.5) / side - 0.5
    return (generator.uniform(0.8, 1.15) * (1 + slope_x * along + slope_y * along[:, None]))[..., None]


def write_jpeg(path: Path, pixels: np.ndarray) -> None:
    """Write (H, W, 3) uint8 RGB, atomically.

    Raises:
        PainlitError: This OpenCV has no JPEG.
    """
    done, data = cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    if not done:
        raise PainlitError(f"{path}: OpenCV cannot write JPEG images", "install opencv-python from its wheel")
    with atomic_path(path) as temporary:
        temporary.write_bytes(data.tobytes())
