"""From decoded pictures to upright RGB frames with square pixels."""

from __future__ import annotations

from fractions import Fraction
from math import cos, radians, sin
from typing import Any

import numpy as np
from av.sidedata.sidedata import Type
from av.video.frame import VideoFrame

from painlit.signals.video.rgb import RgbConverter

_HDR = {16: "PQ", 18: "HLG"}  # AVColorTransferCharacteristic
_ODD_ASPECT = 4  # pixels this many times longer than wide are a damaged header's


class UprightRgb:
    """Converts pictures as libswscale does by default, by the colour matrix and range that the file names.

    Turns and flips of the display matrix are applied. Pixels that are not square are made so by resampling the width.
    Pictures of another size than the first are resampled to it.

    Args:
        name: Of the video, for errors.

    Attributes:
        notes: What was done to the pictures, and what is remarkable about them.
    """

    def __init__(self, name: object):
        self.name = name
        self.notes: dict[str, None] = {}
        self._size: tuple[int, int] | None = None
        self._stored: tuple[int, int] | None = None
        self._convert = RgbConverter(name)

    def __call__(self, picture: VideoFrame, aspect: Fraction | None) -> np.ndarray:
        """(H, W, 3) uint8 RGB, memory of its own.

        Args:
            picture: As decoded.
            aspect: Width of a pixel over its height; None or 0 if the file does not say.

        Raises:
            ClipError: libswscale does not know the pixel format or colour space.
        """
        return np.asarray(self.kept(picture, aspect))

    def kept(self, picture: VideoFrame, aspect: Fraction | None) -> UprightPicture:
        """The same, converted where it is read, when it is read."""
        size, matrix = self._displayed(picture, aspect), display_matrix(picture)
        if matrix is not None:
            self.notes[f"turned upright as its display matrix says ({rotation(picture)}°)"] = None
        return UprightPicture(self._convert, picture, size, matrix)

    def _displayed(self, picture: VideoFrame, aspect: Fraction | None) -> tuple[int, int]:
        """Width and height before turning."""
        stored = picture.width, picture.height
        if self._size is None:
            self._stored, self._size = stored, (self._square(picture, aspect), picture.height)
            if picture.interlaced_frame:
                self.notes["interlaced; its fields are not separated"] = None
            if hdr := _HDR.get(int(picture.color_trc or 0)):
                self.notes[f"high dynamic range ({hdr}), not mapped to the standard one"] = None
        elif stored != self._stored:
            self.notes[f"its pictures change size, such as to {stored[0]} x {stored[1]}; all are given the first's"] = (
                None
            )
        return self._size

    def _square(self, picture: VideoFrame, aspect: Fraction | None) -> int:
        if not aspect or aspect == 1:
            return picture.width
        if not 1 / _ODD_ASPECT <= aspect <= _ODD_ASPECT:
            self.notes[f"a pixel aspect ratio of {aspect} cannot be true and is ignored"] = None
            return picture.width
        width = max(round(picture.width * aspect), 1)
        self.notes[f"pixels are not square ({aspect}), width resampled from {picture.width} to {width} px"] = None
        return width


class UprightPicture:
    """A decoded picture that reads like an array (H, W, 3) uint8 of upright RGB.

    It takes the memory of the picture as decoded, mostly half of the array's. `picture[rows, columns]` converts little
    more than these, `np.asarray(picture)` all; each time anew. Any number of threads may read it.

    Args:
        convert: To RGB.
        picture: As decoded.
        size: Width and height before turning.
        matrix: As of `display_matrix`.

    Attributes:
        shape, ndim, dtype: Of the array.

    Raises:
        ClipError: When it is read, as of `UprightRgb`.
    """

    ndim, dtype = 3, np.dtype(np.uint8)

    def __init__(
        self,
        convert: RgbConverter,
        picture: VideoFrame,
        size: tuple[int, int],
        matrix: tuple[int, int, int, int] | None,
    ):
        self._convert, self._picture, self._size, self._matrix = convert, picture, size, matrix
        a, b, c, d = matrix or (1, 0, 0, 1)
        self._turned = abs(a) + abs(d) < abs(b) + abs(c)  # x' = c y, y' = b x
        self._flipped = (b < 0, c < 0) if self._turned else (d < 0, a < 0)  # rows, columns
        width, height = size[::-1] if self._turned else size
        self.shape = height, width, 3

    def __array__(self, dtype: object = None, copy: bool | None = None) -> np.ndarray:
        return self._upright(self._convert.whole(self._picture, *self._size))

    def __getitem__(self, part: tuple[slice, slice]) -> np.ndarray:
        """The part of two slices, of rows and columns, without steps."""
        if self._size != (self._picture.width, self._picture.height):  # resampled
            return np.asarray(self)[part]
        rows, columns = map(_stored, part, self.shape, self._flipped)
        if self._turned:
            rows, columns = columns, rows
        return self._upright(self._convert.part(self._picture, rows, columns))

    def _upright(self, stored: np.ndarray) -> np.ndarray:
        if self._matrix is None:
            return stored
        turned = stored.transpose(1, 0, 2) if self._turned else stored
        down, across = (-1 if flipped else 1 for flipped in self._flipped)
        return np.ascontiguousarray(turned[::down, ::across])


def _stored(part: slice, length: int, flipped: bool) -> range:
    """Where the part of a side is before flipping."""
    first, end, _ = part.indices(length)
    return range(length - end, length - first) if flipped else range(first, end)


Pixels = np.ndarray | UprightPicture
"""What reads like an array (H, W, 3) uint8 of upright RGB."""


def display_matrix(picture: VideoFrame) -> tuple[int, int, int, int] | None:
    """The part a, b, c, d of the display matrix that turns and flips (x' = a x + c y, y' = b x + d y), if it does."""
    try:
        matrix: Any = picture.side_data[Type.DISPLAYMATRIX]  # type: ignore[typeddict-item]
    except KeyError:
        return None
    except ValueError:  # PyAV does not know the type of some other side data, such as Exif
        turn = radians(picture.rotation)
        a, b, c, d = round(cos(turn)), -round(sin(turn)), round(sin(turn)), round(cos(turn))
    else:
        a, b, _, c, d = (int(value) for value in np.frombuffer(bytes(matrix), np.int32)[:5])
    return None if b == c == 0 and a > 0 and d > 0 else (a, b, c, d)


def rotation(picture: VideoFrame) -> int:
    """Degrees counterclockwise by which the picture is turned for display, 0 to 359."""
    return int(picture.rotation) % 360
