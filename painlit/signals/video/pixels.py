"""From decoded pictures to upright RGB frames with square pixels."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from av.video.frame import VideoFrame

from painlit.signals.video.rgb import RgbConverter, can_be_cut
from painlit.signals.video.turns import UPRIGHT, Turn, rotation

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
        rgb = self._convert.whole(picture, *self._displayed(picture, aspect))
        return np.ascontiguousarray(self._turn(picture).upright(rgb))

    def kept(self, picture: VideoFrame, aspect: Fraction | None) -> Pixels:
        """What reads the same, to be kept: the picture as decoded, if its parts can be converted alone."""
        if self._displayed(picture, aspect) == (picture.width, picture.height) and can_be_cut(picture):
            return UprightPicture(picture, self._convert, self._turn(picture))
        return self(picture, aspect)

    def _turn(self, picture: VideoFrame) -> Turn:
        turn = Turn.of(picture)
        if turn != UPRIGHT:
            self.notes[f"turned upright as its display matrix says ({rotation(picture)}°)"] = None
        return turn

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
    """A decoded picture that `can_be_cut`, which reads like an array (H, W, 3) uint8 of upright RGB.

    It takes the memory of the picture as decoded, half of the array's at 4:2:0. `picture[rows, columns]` converts
    little more than these, `np.asarray(picture)` all; each time anew. Any number of threads may read it.

    Args:
        picture: As decoded.
        convert: To RGB.
        turn: How it is displayed.

    Attributes:
        shape, ndim, dtype: Of the array.
    """

    ndim, dtype = 3, np.dtype(np.uint8)

    def __init__(self, picture: VideoFrame, convert: RgbConverter, turn: Turn):
        self._picture, self._convert, self._turn = picture, convert, turn
        height, width = picture.height, picture.width
        self.shape = (width, height, 3) if self._turn.transposed else (height, width, 3)

    def __array__(self, dtype: object = None, copy: bool | None = None) -> np.ndarray:
        return self._turn.upright(self._convert.whole(self._picture, self._picture.width, self._picture.height))

    def __getitem__(self, part: tuple[slice, slice]) -> np.ndarray:
        """The part of two slices, of rows and columns, without steps; IndexError of anything else."""
        if len(part) != 2 or any(each.step not in (None, 1) for each in part):
            raise IndexError(f"{part}: a picture is read by a slice of rows and one of columns, without steps")
        height, width, _ = self.shape
        rows, columns = self._turn.stored(range(height)[part[0]], range(width)[part[1]], height, width)
        return self._turn.upright(self._convert.part(self._picture, rows, columns))


Pixels = np.ndarray | UprightPicture
"""What reads like an array (H, W, 3) uint8 of upright RGB."""
