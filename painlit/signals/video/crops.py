"""Square face crops: the part of each frame that the Spatial-Module sees. No alignment, it would undo head movement."""

from collections.abc import Callable
from typing import Literal

import cv2
import numpy as np

from painlit.signals.video.pixels import Pixels

MARGIN = 0.3  # ours: MTCNN's boxes end at brow and chin
Resize = Callable[[np.ndarray, int], np.ndarray]


def face_squares(
    track_boxes: np.ndarray, margin: float = MARGIN, mode: Literal["per_frame", "per_clip"] = "per_frame"
) -> np.ndarray:
    """Squares around the face of each frame.

    The side is `(1 + margin) * max(w, h)` about the box's centre: the longer side, so that no part of the box is lost.
    `per_frame` follows the face, so the position of the head is lost and its turning, nodding and expression remain.
    `per_clip` gives all frames one square, around the union of the boxes with the outermost 5 % of each edge left out:
    the head moves inside it and stays in view, and a single false box cannot enlarge it.

    Args:
        track_boxes: (F, 4) x1, y1, x2, y2 in px.
        margin: Share of the side added in all, half of it at each edge.
        mode: `per_frame` or `per_clip`.

    Returns:
        (F, 3) integers x, y of the upper left corner and side in px; they may reach beyond the frame.

    Raises:
        ValueError: Unknown mode.
    """
    if mode not in ("per_frame", "per_clip"):
        raise ValueError(f"mode is {mode!r}, must be 'per_frame' or 'per_clip'")
    boxes = np.asarray(track_boxes, np.float64)
    if mode == "per_clip":
        first, last = np.percentile(boxes[:, :2], 5, axis=0), np.percentile(boxes[:, 2:], 95, axis=0)
        boxes = np.broadcast_to(np.concatenate([first, last]), boxes.shape)
    size = boxes[:, 2:] - boxes[:, :2]
    side = np.maximum((1 + margin) * size.max(axis=1, keepdims=True), 1).round()
    corner = (boxes[:, :2] + size / 2 - side / 2).round()
    return np.concatenate([corner, side], axis=1).astype(np.int64)


def resized(picture: np.ndarray, size: int) -> np.ndarray:
    """A square picture (S, S, 3) uint8 at another size, (size, size, 3): the mean of areas, or cubic where it grows."""
    area = size < len(picture)
    return cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA if area else cv2.INTER_CUBIC)


def crop_face(frame: Pixels, square: np.ndarray, size: int, resize: Resize = resized) -> np.ndarray:
    """Cut a square from a frame and resize it; where it leaves the frame, the border pixels are repeated.

    Args:
        frame: (H, W, 3) uint8.
        square: x, y, side in px, as from `face_squares`.
        size: Side of the result in px.
        resize: What resizes, as `resized` does.

    Returns:
        (size, size, 3) uint8.
    """
    x, y, side = (int(value) for value in square)
    left, columns, right = _span(x, side, frame.shape[1])
    top, rows, bottom = _span(y, side, frame.shape[0])
    crop = frame[rows, columns]
    if left or right or top or bottom:
        crop = cv2.copyMakeBorder(crop, top, bottom, left, right, cv2.BORDER_REPLICATE)
    return resize(crop, size)


def _span(start: int, side: int, length: int) -> tuple[int, slice, int]:
    """Pixels to repeat before, the part inside 0..length (at least one pixel), and pixels to repeat after."""
    first = min(max(start, 0), length - 1)
    last = max(min(start + side, length), first + 1)
    before = min(max(-start, 0), side - 1)
    return before, slice(first, last), side - before - (last - first)
