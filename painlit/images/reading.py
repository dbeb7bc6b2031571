"""Reading photographs: colour, on white where they are transparent, and no half-decoded ones."""

from __future__ import annotations

import io
import re
import warnings
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageOps

JPEG_START, JPEG_SCAN, JPEG_END = b"\xff\xd8", b"\xff\xda", b"\xff\xd9"
MOST_PIXELS = 2**27
"""Decoding takes 6 bytes a pixel, so 0.8 GB; the largest cameras' photographs have 100 million."""
_REDUCED = {2: cv2.IMREAD_REDUCED_COLOR_2, 4: cv2.IMREAD_REDUCED_COLOR_4, 8: cv2.IMREAD_REDUCED_COLOR_8}
_NO_MARKER = re.compile(rb"\xff[\x01-\xbf]")  # what no encoder writes within a scan
_UNDECODED = 128  # what libjpeg leaves where the data end before the picture does
_MORE_DATA = bytes(range(1, 250)) * 2
_HEIF_KINDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1")
HEIC_PACKAGE = "pillow-heif"
"""Reads HEIC, which neither OpenCV nor Pillow does."""


class UnreadableImageError(Exception):
    """An image file is empty, cut short, damaged or no image; names the file and the reason."""


def read_bytes(path: Path) -> bytes:
    """The content of an image file.

    Raises:
        UnreadableImageError: As `check_bytes`, or the file is missing.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UnreadableImageError(f"{path}: {error.strerror}") from error
    return check_bytes(data, path)


def check_bytes(data: bytes, path: Path) -> bytes:
    """The content of an image file, if it is whole as far as can be checked without decoding it.

    Raises:
        UnreadableImageError: It is empty, or a JPEG cut short or overwritten, which OpenCV would fill with grey.
    """
    if not data:
        raise UnreadableImageError(f"{path} is empty")
    if data.startswith(JPEG_START):
        scan = data.rfind(JPEG_SCAN)
        if data.rfind(JPEG_END) < scan:  # an end before the last scan is a thumbnail's
            raise UnreadableImageError(f"{path} is a JPEG cut short")
        if _NO_MARKER.search(data, scan + 2, data.find(JPEG_END, scan)):
            raise UnreadableImageError(f"{path} is a JPEG with damaged data")
    return data


def decode(data: bytes, path: Path, reduction: int = 1, upright: bool = False) -> np.ndarray:
    """Decode an image, (H, W, 3) uint8 RGB.

    Grey images get three equal channels, 16 bits are rounded to 8, and transparent pixels lie on white. Of several
    frames it is the first.

    Args:
        data: The file's content.
        path: Its name, for errors.
        reduction: 1, 2, 4 or 8: a JPEG is decoded at that fraction of its size, which is faster and keeps the mean of
            the pixels left out.
        upright: As it is displayed, by the orientation that cameras note in the file. Otherwise as it is stored, to
            which the face boxes of data sets refer.

    Raises:
        UnreadableImageError: It is no image that OpenCV or Pillow reads, has more than `MOST_PIXELS`, or is a JPEG
            whose data end before its picture does.
    """
    with warnings.catch_warnings(action="ignore"):
        header = _header(data, path)
        if header is not None and (header.has_transparency_data or header.format in ("AVIF", "HEIF")):
            return _by_pillow(header, path, upright)
    flags = _REDUCED.get(reduction, cv2.IMREAD_COLOR) | (0 if upright else cv2.IMREAD_IGNORE_ORIENTATION)
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:  # a damaged header may claim billions of pixels
        raise UnreadableImageError(f"{path} cannot be decoded: {error.err}") from error
    if image is None:
        hint = f": HEIC is read with the package {HEIC_PACKAGE}" if _is_heif(data) else ""
        raise UnreadableImageError(f"{path} is no image that can be decoded{hint}")
    if data.startswith(JPEG_START) and _ends_early(data, image, reduction):
        raise UnreadableImageError(f"{path} is a JPEG with damaged data: part of it is undecoded grey")
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def _header(data: bytes, path: Path) -> Image.Image | None:
    """An image's header; no pixel is decoded. None where Pillow cannot read it, and OpenCV decides."""
    if _is_heif(data):
        heif_is_readable()
    try:
        image = Image.open(io.BytesIO(data))
        too_large = image.width * image.height > MOST_PIXELS
    except Image.DecompressionBombError:  # Pillow's own limit, which is higher
        too_large = True
    except Exception:  # no format of Pillow's, or damaged; OpenCV has a limit of 2**30
        return None
    if too_large:
        raise UnreadableImageError(f"{path} has more than {MOST_PIXELS:,} pixels, and is not decoded")
    return image


def _by_pillow(image: Image.Image, path: Path, upright: bool) -> np.ndarray:
    """What OpenCV reads without regard to transparency or to the orientation."""
    try:
        if upright:
            image = ImageOps.exif_transpose(image)
        if image.has_transparency_data:
            image = image.convert("RGBA")
            image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
        return np.array(image.convert("RGB"))
    except Exception as error:  # damaged; its readers raise what they meet
        raise UnreadableImageError(f"{path} cannot be decoded: {error}") from error


def _is_heif(data: bytes) -> bool:
    return data[4:8] == b"ftyp" and data[8:12] in _HEIF_KINDS


def heif_is_readable() -> bool:
    """Whether the package that reads HEIC is installed; from then on Pillow reads it."""
    try:
        from pillow_heif import register_heif_opener
    except ImportError:
        return False
    register_heif_opener()
    return True


def _ends_early(data: bytes, image: np.ndarray, reduction: int) -> bool:
    """Whether the data of a JPEG end before its picture does: with more data, more would be decoded.

    Only pictures with a corner of the grey of undecoded blocks are decoded again, by Pillow, whose libjpeg is silent.
    """
    side = slice(0, max(1, 8 // reduction)), slice(-max(1, 8 // reduction), None)
    if not any((image[rows, columns] == _UNDECODED).all() for rows in side for columns in side):
        return False
    end = data.rfind(JPEG_END)
    try:
        pictures = [
            np.asarray(Image.open(io.BytesIO(content))) for content in (data, data[:end] + _MORE_DATA + data[end:])
        ]
    except Exception:  # Pillow gives up where OpenCV fills in; its readers raise what they meet
        return True
    return not np.array_equal(pictures[0], pictures[1])


def read_image(path: Path) -> np.ndarray:
    """Read an image file in full size as it is stored, (H, W, 3) uint8 RGB.

    Raises:
        UnreadableImageError: As `read_bytes` and `decode`.
    """
    return decode(read_bytes(path), path)
