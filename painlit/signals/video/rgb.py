"""RGB of decoded pictures or of parts of them, by libswscale."""

from functools import cache
from threading import Lock

import av
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter

from painlit.errors import ClipError

_CUT = ("yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "gray")  # FFmpeg's names; what takes less memory than RGB
_ROWS, _COLUMNS = 2, 16  # px; libswscale converts so many at a time; a part begins at a multiple
_TRIED = 64  # px; whether a picture can be cut is tried on the width of it and some of its height


class RgbConverter:
    """Converts pictures by the colour matrix and range that they name; any number of threads may share one.

    Args:
        name: Of the video, for errors.
    """

    def __init__(self, name: object):
        self.name = name
        self._scaler, self._lock = VideoReformatter(), Lock()

    def whole(self, picture: VideoFrame, width: int, height: int) -> np.ndarray:
        """(height, width, 3) uint8, whose rows need not follow each other in memory.

        Raises:
            ClipError: libswscale does not know the pixel format or colour space.
        """
        with self._lock:  # a scaler works for one thread, and while it does the picture's own attributes are changed
            try:
                return self._scaler.reformat(
                    picture, width, height, "rgb24", interpolation=Interpolation.BICUBIC, threads=1
                ).to_ndarray()
            except (av.error.FFmpegError, ValueError) as error:
                what = f"{self.name}: pixels of the format {picture.format.name} cannot be converted ({error})"
                raise ClipError(what, "convert the video to the pixel format yuv420p") from error

    def part(self, picture: VideoFrame, rows: range, columns: range) -> np.ndarray:
        """These rows and columns of a picture that `can_be_cut`, (h, w, 3) uint8 as in the whole.

        Raises:
            ClipError: As `whole` does.
        """
        if not rows or not columns:
            return np.empty((len(rows), len(columns), 3), np.uint8)
        top, bottom = _rounded(rows, _ROWS, picture.height)
        left, right = _rounded(columns, _COLUMNS, picture.width)
        part = VideoFrame(right - left, bottom - top, picture.format.name)
        part.colorspace, part.color_range = picture.colorspace, picture.color_range
        for old, new in zip(_planes(picture), _planes(part), strict=True):
            down, across = (1 if len(old) == picture.height else 2), (1 if old.shape[1] == picture.width else 2)
            new[:] = old[top // down : -(-bottom // down), left // across : -(-right // across)]
        rgb = self.whole(part, part.width, part.height)
        return rgb[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]


def can_be_cut(picture: VideoFrame) -> bool:
    """Whether parts of the picture have the numbers of the whole at its own size."""
    if (
        picture.format.name not in _CUT
        or picture.interlaced_frame
        or min(plane.line_size for plane in picture.planes) <= 0
    ):
        return False
    height = picture.height if picture.height < 2 * _TRIED else _TRIED + picture.height % _TRIED
    return _exact(picture.format.name, picture.width, height, picture.colorspace, picture.color_range)


def _rounded(part: range, step: int, length: int) -> tuple[int, int]:
    """First and (exclusive) last pixel of a part rounded outwards to steps, inside 0..length."""
    return part.start // step * step, min(-(-part.stop // step) * step, length)


def _planes(picture: VideoFrame) -> list[np.ndarray]:
    """Each plane's (rows, columns) uint8 in the picture's own memory."""
    return [
        np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[: plane.height, : plane.width]
        for plane in picture.planes
    ]


@cache
def _exact(kind: str, width: int, height: int, colorspace: int, color_range: int) -> bool:
    """Whether parts that make up a picture of noise have the numbers of the whole.

    libswscale has ways of its own for some sizes and processors; not all of them work row by row.
    """
    noise, convert, numbers = VideoFrame(width, height, kind), RgbConverter("noise"), np.random.default_rng(0)
    noise.colorspace, noise.color_range = colorspace, color_range
    for plane in _planes(noise):
        plane[:] = numbers.integers(256, size=plane.shape, dtype=np.uint8)
    try:
        whole = convert.whole(noise, width, height)
    except ClipError:  # refused as a whole, by the name of the video
        return False
    rows, columns = ([range(n // 3 | 1), range(n // 3 | 1, n)] for n in (height, width))
    return all(
        np.array_equal(convert.part(noise, down, across), whole[down.start : down.stop, across.start : across.stop])
        for down in rows
        for across in columns
    )
