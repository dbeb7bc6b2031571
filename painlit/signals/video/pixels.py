"""From decoded pictures to upright RGB frames with square pixels."""

from fractions import Fraction
from math import cos, radians, sin
from typing import Any

import av
import numpy as np
from av.sidedata.sidedata import Type
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter

from painlit.errors import ClipError

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
        self._scaler = VideoReformatter()

    def __call__(self, picture: VideoFrame, aspect: Fraction | None) -> np.ndarray:
        """(H, W, 3) uint8 RGB, memory of its own.

        Args:
            picture: As decoded.
            aspect: Width of a pixel over its height; None or 0 if the file does not say.

        Raises:
            ClipError: libswscale does not know the pixel format or colour space.
        """
        width, height = self._displayed(picture, aspect)
        try:
            rgb = self._scaler.reformat(
                picture, width, height, "rgb24", interpolation=Interpolation.BICUBIC, threads=1
            ).to_ndarray()
        except (av.error.FFmpegError, ValueError) as error:
            what = f"{self.name}: pixels of the format {picture.format.name} cannot be converted ({error})"
            raise ClipError(what, "convert the video to the pixel format yuv420p") from error
        return np.ascontiguousarray(self._upright(rgb, picture))

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

    def _upright(self, rgb: np.ndarray, picture: VideoFrame) -> np.ndarray:
        matrix = display_matrix(picture)
        if matrix is None:
            return rgb
        a, b, c, d = matrix
        turned = rgb
        if abs(a) + abs(d) < abs(b) + abs(c):  # x' = c y, y' = b x
            turned, a, d = turned.transpose(1, 0, 2), c, b
        self.notes[f"turned upright as its display matrix says ({rotation(picture)}°)"] = None
        return turned[:: -1 if d < 0 else 1, :: -1 if a < 0 else 1]


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
