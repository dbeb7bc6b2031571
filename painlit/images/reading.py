"""Reading photographs: colour, upright as stored, and no half-decoded ones."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

JPEG_START, JPEG_SCAN, JPEG_END = b"\xff\xd8", b"\xff\xda", b"\xff\xd9"
MOST_PIXELS = 2**27
"""Decoding takes 6 bytes a pixel, so 0.8 GB; the largest cameras' photographs have 100 million."""
_REDUCED = {2: cv2.IMREAD_REDUCED_COLOR_2, 4: cv2.IMREAD_REDUCED_COLOR_4, 8: cv2.IMREAD_REDUCED_COLOR_8}


class UnreadableImageError(Exception):
    """An image file is empty, cut short or no image; says which file and why."""


def read_bytes(path: Path) -> bytes:
    """The content of an image file that is whole as far as its end tells.

    Raises:
        UnreadableImageError: The file is missing, empty, or a JPEG cut short, which OpenCV would fill with grey.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UnreadableImageError(f"{path}: {error.strerror}") from error
    if not data:
        raise UnreadableImageError(f"{path} is empty")
    if data.startswith(JPEG_START) and data.rfind(JPEG_END) < data.rfind(JPEG_SCAN):
        raise UnreadableImageError(f"{path} is a JPEG cut short")  # an end before the last scan is a thumbnail's
    return data


def decode(data: bytes, path: Path, reduction: int = 1) -> np.ndarray:
    """Decode an image, (H, W, 3) uint8 RGB; grey ones get three equal channels.

    Args:
        data: The file's content.
        path: Its name, for errors.
        reduction: 1, 2, 4 or 8: a JPEG is decoded at that fraction of its size, which is faster and keeps the mean of
            the pixels left out.

    Raises:
        UnreadableImageError: It is no image that OpenCV knows, or has more than `MOST_PIXELS`.
    """
    if _is_too_large(data):
        raise UnreadableImageError(f"{path} has more than {MOST_PIXELS:,} pixels, and is not decoded")
    # Orientation is ignored: the boxes of the data sets refer to the pixels as they are stored.
    flags = _REDUCED.get(reduction, cv2.IMREAD_COLOR) | cv2.IMREAD_IGNORE_ORIENTATION
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:  # a damaged header may claim billions of pixels
        raise UnreadableImageError(f"{path} cannot be decoded: {error.err}") from error
    if image is None:
        raise UnreadableImageError(f"{path} is no image that can be decoded")
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def _is_too_large(data: bytes) -> bool:
    """Whether an image's header claims more than `MOST_PIXELS`; no pixel is decoded."""
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(io.BytesIO(data)) as image:
            return image.width * image.height > MOST_PIXELS
    except Image.DecompressionBombError:  # Pillow's own limit, which is higher
        return True
    except Exception:  # no format of Pillow's, or damaged: OpenCV decides, and has a limit of 2**30
        return False


def read_image(path: Path) -> np.ndarray:
    """Read an image file in full size, (H, W, 3) uint8 RGB.

    Raises:
        UnreadableImageError: The file is missing, cut short or no image.
    """
    return decode(read_bytes(path), path)
