"""Face crops from photographs: the same rule as for video frames, with mild changes while training."""

from __future__ import annotations

import cv2
import numpy as np

from painlit.config import ImagesConfig
from painlit.signals.video.crops import crop_face, face_squares

_BRIGHTNESS = 0.4  # of images.light, as a share of white
_ERASED = 0.1, 0.5  # sides of the rectangle painted over, as shares of the crop's


def face_square(box: np.ndarray, shape: tuple[int, ...], margin: float) -> np.ndarray:
    """The square of a face's box as in video frames; a box of NaN means the image as it is, without margin.

    Args:
        box: (4,) x1, y1, x2, y2 in px.
        shape: Height and width of the image in px.
        margin: Share of the side added in all.

    Returns:
        (3,) x, y, side in px.
    """
    if np.isnan(box[0]):
        height, width = shape[:2]
        return face_squares(np.array([[0, 0, width, height]]), 0)[0]
    return face_squares(box[None], margin)[0]


def is_mirrored(config: ImagesConfig, seed: int) -> bool:
    """Whether `augmented_crop` mirrors the image of this seed."""
    return config.flip and _draws(seed)[1][6] < 0.5


def _draws(seed: int) -> tuple[np.random.Generator, np.ndarray]:
    """The generator of a crop's augmentation, and the (9,) numbers in 0..1 that it gives first."""
    generator = np.random.default_rng(seed)
    return generator, generator.random(9)


def augmented_crop(image: np.ndarray, square: np.ndarray, size: int, config: ImagesConfig, seed: int) -> np.ndarray:
    """Cut a square that is shifted, scaled and turned, and change light and colour.

    Args:
        image: (H, W, 3) uint8 RGB.
        square: x, y, side in px, of the unchanged crop.
        size: Side of the result in px.
        config: How large changes are.
        seed: Of all of them.

    Returns:
        (size, size, 3) uint8 RGB.
    """
    generator, draws = _draws(seed)
    shift_x, shift_y, scale, angle, contrast, brightness, _, greyed, erased = draws
    x, y, side = (float(value) for value in square)
    new_side = side * (1 + config.scale * (2 * scale - 1))
    corner = np.array([x, y]) + (side - new_side) / 2 + side * config.shift * (2 * np.array([shift_x, shift_y]) - 1)
    crop = crop_face(image, np.rint([*corner, max(1.0, new_side)]).astype(np.int64), size)
    if config.rotation:
        degrees = config.rotation * (2 * angle - 1)
        turn = cv2.getRotationMatrix2D(((size - 1) / 2, (size - 1) / 2), degrees, 1)
        crop = cv2.warpAffine(crop, turn, (size, size), borderMode=cv2.BORDER_REPLICATE)
    if is_mirrored(config, seed):
        crop = cv2.flip(crop, 1)
    if greyed < config.grey:
        crop = cv2.cvtColor(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    if config.light:
        gain = 1 + config.light * (2 * contrast - 1)
        offset = 255 * _BRIGHTNESS * config.light * (2 * brightness - 1)
        crop = cv2.LUT(crop, np.clip(np.arange(256) * gain + offset, 0, 255).astype(np.uint8))
    if erased < config.erase:
        _paint_rectangle(crop, generator)
    return crop


def _paint_rectangle(crop: np.ndarray, generator: np.random.Generator) -> None:
    """Paint a rectangle that lies within the crop in one random grey."""
    size = len(crop)
    width, height = (size * generator.uniform(*_ERASED, 2)).astype(int)
    left, top = generator.integers(size - width + 1), generator.integers(size - height + 1)
    crop[top : top + height, left : left + width] = generator.integers(256)
