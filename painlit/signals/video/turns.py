"""How a decoded picture is turned or flipped for display."""

from __future__ import annotations

from math import cos, radians, sin
from typing import Any, NamedTuple

import numpy as np
from av.sidedata.sidedata import Type
from av.video.frame import VideoFrame


class Turn(NamedTuple):
    """A turn by quarters, with or without a flip."""

    transposed: bool
    """Rows are the stored columns."""
    flipped: tuple[bool, bool]
    """Whether then the order of rows and that of columns is reversed."""

    @classmethod
    def of(cls, picture: VideoFrame) -> Turn:
        """As its display matrix says."""
        a, b, c, d = _display_matrix(picture)
        if abs(a) + abs(d) < abs(b) + abs(c):  # x' = c y, y' = b x
            return cls(True, (b < 0, c < 0))
        return cls(False, (d < 0, a < 0))

    def upright(self, stored: np.ndarray) -> np.ndarray:
        """A stored picture or part (H, W, 3) as it is displayed; if it is turned, a copy."""
        if self == UPRIGHT:
            return stored
        down, across = (-1 if flipped else 1 for flipped in self.flipped)
        return np.ascontiguousarray((stored.transpose(1, 0, 2) if self.transposed else stored)[::down, ::across])

    def stored(self, rows: range, columns: range, height: int, width: int) -> tuple[range, range]:
        """Where rows and columns of the displayed picture, of this height and width, are stored."""
        first, second = (
            range(length - part.stop, length - part.start) if flipped else part
            for part, length, flipped in zip((rows, columns), (height, width), self.flipped, strict=True)
        )
        return (second, first) if self.transposed else (first, second)


UPRIGHT = Turn(False, (False, False))


def _display_matrix(picture: VideoFrame) -> tuple[int, int, int, int]:
    """The part a, b, c, d of the display matrix that turns and flips: x' = a x + c y, y' = b x + d y."""
    try:
        matrix: Any = picture.side_data[Type.DISPLAYMATRIX]  # type: ignore[typeddict-item]
    except KeyError:
        return 1, 0, 0, 1
    except ValueError:  # PyAV does not know the type of some other side data, such as Exif
        turn = radians(picture.rotation)
        return round(cos(turn)), -round(sin(turn)), round(sin(turn)), round(cos(turn))
    a, b, _, c, d = (int(value) for value in np.frombuffer(bytes(matrix), np.int32)[:5])
    return a, b, c, d


def rotation(picture: VideoFrame) -> int:
    """Degrees counterclockwise by which the picture is turned for display, 0 to 359."""
    return int(picture.rotation) % 360
