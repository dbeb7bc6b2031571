"""Area resampling of whole frames and of many boxes out of one summed-area table (Crow 1984).

A pixel of the resampled image is the mean of the pixels that it covers, its edges rounded outwards to whole pixels, as
in `torch.nn.functional.interpolate(mode="area")`. From the table each mean costs four look-ups whatever its size, so
the image pyramid and all candidates of all frames come out of one pass over the frames.
"""

from collections.abc import Sequence
from math import prod

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from painlit.signals.video.pixels import Pixels

_KEPT = 2**28  # bytes, from which on no more memory is kept
_rooms: list[np.ndarray] = []  # kept for tables to come: a system clears new memory, which can take as long as they do


class AreaSampler:
    """Resamples frames on a device. `close` leaves its memory to others.

    Args:
        frames: F frames (H, W, 3) uint8 of one size.
        device: Where the table is kept and the results are.
    """

    def __init__(self, frames: Sequence[Pixels], device: torch.device):
        self.frames, (self.height, self.width) = len(frames), frames[0].shape[:2]
        if device.type == "cpu":
            self._room = _room(len(frames) * (self.height + 1) * (self.width + 1) * 3)
            self.table = table_by_opencv(frames, self._room)
        else:
            self.table = table_by_torch(torch.from_numpy(np.stack(frames)).to(device))

    def close(self) -> None:
        """Give the table away; nothing can be sampled any more."""
        if self.table.device.type == "cpu" and sum(room.nbytes for room in _rooms) < _KEPT:
            _rooms.append(self._room)
        del self.table

    def pyramid_level(self, height: int, width: int) -> Tensor:
        """All frames at another size, (F, 3, height, width) in -1..1."""
        device = self.table.device
        top, bottom = pixel_edges(torch.tensor(self.height, device=device), height)
        left, right = pixel_edges(torch.tensor(self.width, device=device), width)
        rows = self.table.index_select(1, bottom).sub_(self.table.index_select(1, top))  # (F, height, W + 1, 3)
        sums = rows.index_select(2, right).sub_(rows.index_select(2, left))
        return _normalize(sums, (bottom - top)[:, None] * (right - left))

    def crops(self, frame: Tensor, corners: Tensor, side: int) -> Tensor:
        """Boxes cut from the frames and brought to one size, (K, 3, side, side) in -1..1.

        Args:
            frame: (K,) index of the frame that each box is in.
            corners: (K, 4) integers x1, y1, x2, y2, of which x2 and y2 are exclusive; inside the frame, not empty.
            side: Size of the crops in px.
        """
        x1, y1, x2, y2 = corners.unbind(1)
        top, bottom = pixel_edges(y2 - y1, side)  # (K, side)
        left, right = pixel_edges(x2 - x1, side)
        area = (bottom - top)[:, :, None] * (right - left)[:, None, :]
        first_row = frame * (self.height + 1) + y1  # of the box, in the tables of all frames one below the other
        top, bottom = ((first_row[:, None] + edge)[:, :, None] * (self.width + 1) for edge in (top, bottom))
        left, right = ((x1[:, None] + edge)[:, None, :] for edge in (left, right))
        sums = self._at(bottom + right).sub_(self._at(bottom + left)).sub_(self._at(top + right))
        return _normalize(sums.add_(self._at(top + left)), area)

    def _at(self, positions: Tensor) -> Tensor:
        """The table's entries (..., 3) at positions (...) counted through all frames."""
        return self.table.view(-1, 3).index_select(0, positions.flatten()).view(*positions.shape, 3)


class FrameCrops:
    """Crops of few boxes, which need no summed-area table; otherwise like `AreaSampler`."""

    def __init__(self, frames: Sequence[Pixels], device: torch.device):
        self.frames, self.device, (self.height, self.width) = frames, device, frames[0].shape[:2]

    def crops(self, frame: Tensor, corners: Tensor, side: int) -> Tensor:
        """As `AreaSampler.crops`, where it covers a pixel in part by that part."""
        places = zip(frame.tolist(), corners.tolist(), strict=True)
        cut = [
            cv2.resize(self.frames[at][y1:y2, x1:x2], (side, side), interpolation=cv2.INTER_AREA)
            for at, (x1, y1, x2, y2) in places
        ]
        return _normalize(torch.from_numpy(np.stack(cut)).to(self.device), torch.ones(1, device=self.device))


def table_by_torch(frames: Tensor) -> Tensor:
    """Sums over all pixels above and to the left, (F, H + 1, W + 1, 3) int32, of frames (F, H, W, 3) on any device.

    They may wrap around in very large frames; differences of wrapped sums are still exact.
    """
    sums = frames.cumsum(2, dtype=torch.int32).cumsum_(1)
    return pad(sums, (0, 0, 1, 0, 1, 0))


def table_by_opencv(frames: Sequence[Pixels], room: np.ndarray) -> Tensor:
    """The same numbers, on a CPU some 15 times faster, at the beginning of `room` (n,) int32."""
    height, width, channels = frames[0].shape
    shape = len(frames), height + 1, width + 1, channels
    tables = room[: prod(shape)].reshape(shape)
    for frame, table in zip(frames, tables, strict=True):
        cv2.integral(np.asarray(frame), table, cv2.CV_32S)
    return torch.from_numpy(tables)


def _room(numbers: int) -> np.ndarray:
    """For so many int32, or more."""
    try:
        room = _rooms.pop()
    except IndexError:
        return np.empty(numbers, np.int32)
    return room if len(room) >= numbers else np.empty(numbers, np.int32)


def pixel_edges(length: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """First and (exclusive) last source pixel of each of `count` resampled pixels, (..., count) for length (...)."""
    steps = torch.arange(count, device=length.device)
    start = steps * length.unsqueeze(-1) // count
    end = ((steps + 1) * length.unsqueeze(-1) + count - 1) // count
    return start, end


def _normalize(sums: Tensor, area: Tensor) -> Tensor:
    pixels = sums / area.unsqueeze(-1)
    return pixels.sub_(127.5).div_(128).permute(0, 3, 1, 2)  # channels last in memory, the faster order on a CPU
