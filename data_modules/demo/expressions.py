"""Expressions drawn on the demo's portrait: smooth displacements of the face, and darker skin where it folds.

They are drawn so that a small network can classify them. They are caricatures of one portrait, no measurement of how
anybody shows a feeling.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import cv2
import numpy as np

from data_modules.demo.portrait import SIZE

# x, y in shares of the portrait; left and right as seen in it
_CORNERS, _MOUTH, _CHIN = ((0.42, 0.513), (0.577, 0.515)), (0.499, 0.531), (0.5, 0.62)
_BROWS, _BETWEEN_BROWS = ((0.414, 0.313), (0.6, 0.325)), (0.507, 0.322)
_EYES, _NOSE = ((0.417, 0.355), (0.596, 0.366)), (0.505, 0.465)

COMPONENTS = (
    "mouth_open",
    "corners_up",
    "corner_up",
    "mouth_wide",
    "brows_up",
    "inner_up",
    "frown",
    "eyes_wide",
    "nose",
)
"""What moves; corner_up is one corner of the mouth, inner_up the inner ends of the brows. Strengths are about -1..1."""

BASIC: dict[str, dict[str, float]] = {
    "neutral": {"corners_up": -0.3, "mouth_wide": -0.4},
    "happiness": {"corners_up": 0.9, "mouth_wide": 0.8, "eyes_wide": -0.6},
    "sadness": {"corners_up": -1.2, "mouth_wide": -0.4, "inner_up": 1.0, "eyes_wide": -0.4},
    "surprise": {"mouth_open": 1.0, "mouth_wide": -0.8, "brows_up": 1.0, "eyes_wide": 0.9},
    "fear": {"mouth_open": 0.5, "mouth_wide": 1.0, "corners_up": -0.6, "brows_up": 0.6, "frown": 0.7, "eyes_wide": 1.0},
    "disgust": {"nose": 1.1, "corners_up": -0.5, "eyes_wide": -0.7},
    "anger": {"frown": 1.0, "brows_up": -0.8, "mouth_open": -0.8, "corners_up": -0.4},
    "contempt": {"corner_up": 1.2, "mouth_wide": -0.4, "corners_up": -0.3},
}
"""Strengths of the components in each expression, upon the portrait's smile."""

PAIN_LIKE = {"frown": 0.9, "brows_up": -0.7, "eyes_wide": -0.9, "nose": 0.8, "mouth_open": 0.7, "mouth_wide": 0.5}
"""What the demo's clips of the pain classes show: brows lowered, eyes narrowed, nose wrinkled, mouth open.

These are the parts that Prkachin and Solomon (2008, Pain 139:267) score; the mix and its strengths are ours, and it is
no pain.
"""


def strengths(*basic: str) -> np.ndarray:
    """Strength of each component, (9,), in a basic expression or in a compound of several: of two, 0.7 of each."""
    return np.sum([vector(BASIC[name]) for name in basic], axis=0) / np.sqrt(len(basic))


def vector(mix: Mapping[str, float]) -> np.ndarray:
    """Strength of each component, (9,), those that a mix does not name being 0."""
    return np.array([mix.get(component, 0.0) for component in COMPONENTS])


def expressed(base: np.ndarray, strength: np.ndarray, warp: np.ndarray | float = 0.0) -> np.ndarray:
    """The portrait with an expression, (SIZE, SIZE, 3) float32.

    Args:
        base: The portrait, or a mask of its size, in which case nothing gets darker.
        strength: Of each component, (9,).
        warp: A further displacement in px, (SIZE, SIZE, 2).
    """
    displacement, darker, places = _fields()
    strength = np.asarray(strength, np.float32)
    at = (places - np.einsum("c,cyxd->yxd", strength, displacement) - warp).astype(np.float32, copy=False)
    moved = cv2.remap(base, at[..., 0], at[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    if base.ndim == 2:
        return moved.astype(np.float32)
    shade = 1 - np.einsum("c,cyx->yx", np.clip(strength, 0, None), darker)
    return moved.astype(np.float32) * np.clip(shade, 0.2, 1)[..., None]


@lru_cache(maxsize=1)
def _fields() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """How far each component at strength 1 moves the skin, (9, SIZE, SIZE, 2) in px, how dark it makes it, and x, y."""
    y, x = np.mgrid[0:SIZE, 0:SIZE] / SIZE

    def bump(at: tuple[float, float], width: float, height: float) -> np.ndarray:
        return np.exp(-(((x - at[0]) / width) ** 2 + ((y - at[1]) / height) ** 2))

    still = np.zeros((SIZE, SIZE))
    mouth, corners = bump(_MOUTH, 0.11, 0.06), [bump(at, 0.045, 0.045) for at in _CORNERS]
    brows, between = [bump(at, 0.07, 0.035) for at in _BROWS], bump(_BETWEEN_BROWS, 0.085, 0.035)
    eyes = [bump(at, 0.05, 0.03) for at in _EYES]
    moves = {
        "mouth_open": (still, 0.5 * (y - _MOUTH[1]) * mouth + 0.03 * bump(_CHIN, 0.1, 0.06)),
        "corners_up": (still, -0.03 * sum(corners)),
        "corner_up": (-0.015 * corners[0], -0.035 * corners[0]),
        "mouth_wide": (0.3 * (x - _MOUTH[0]) * mouth, still),
        "brows_up": (still, -0.025 * sum(brows)),
        "inner_up": (still, -0.025 * bump(_BETWEEN_BROWS, 0.06, 0.035) + 0.01 * sum(brows)),
        "frown": (-0.4 * (x - _BETWEEN_BROWS[0]) * between, 0.012 * between),
        "eyes_wide": (still, sum(0.5 * (y - at[1]) * eye for at, eye in zip(_EYES, eyes, strict=True))),
        "nose": (still, -0.03 * bump(_NOSE, 0.06, 0.06)),
    }
    folds = {
        "mouth_open": 0.7 * bump((_MOUTH[0], _MOUTH[1] + 0.005), 0.045, 0.022),
        "frown": 0.4 * bump(_BETWEEN_BROWS, 0.012, 0.025),
        "nose": 0.3 * bump((_NOSE[0], 0.4), 0.035, 0.02),
    }
    displacement = SIZE * np.stack([np.stack(moves[component], axis=-1) for component in COMPONENTS])
    darker, places = np.stack([folds.get(component, still) for component in COMPONENTS]), np.stack([x, y], axis=-1)
    return displacement.astype(np.float32), darker.astype(np.float32), (SIZE * places).astype(np.float32)
