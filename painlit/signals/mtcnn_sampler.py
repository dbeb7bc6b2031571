"""Area resampling of whole frames and of many boxes out of one summed-area table (Crow 1984).

A pixel of the resampled image is the mean of the pixels that it covers, its edges rounded outwards to whole pixels, as
in `torch.nn.functional.interpolate(mode="area")`. From the table each mean costs four look-ups whatever its size, so
the image pyramid and all candidates of all frames come out of one pass over the frames.
"""

import torch
from torch import Tensor


class AreaSampler:
    """Resamples frames of one size, (F, H, W, 3) uint8, on the device they are on."""

    def __init__(self, frames: Tensor):
        count, self.height, self.width, _ = frames.shape
        # int32 may wrap around in very large frames; differences of wrapped sums are still exact.
        self.table = frames.new_zeros(count, self.height + 1, self.width + 1, 3, dtype=torch.int32)
        inner = self.table[:, 1:, 1:]
        inner.copy_(frames.cumsum(2, dtype=torch.int32).cumsum_(1))

    def pyramid_level(self, height: int, width: int) -> Tensor:
        """All frames at another size, (F, 3, height, width) in -1..1."""
        device = self.table.device
        top, bottom = pixel_edges(torch.tensor(self.height, device=device), height)
        left, right = pixel_edges(torch.tensor(self.width, device=device), width)
        rows = self.table[:, bottom] - self.table[:, top]  # (F, height, W + 1, 3)
        sums = rows[:, :, right] - rows[:, :, left]
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
        rows = self.table.shape[1] * frame + y1
        top, bottom = ((rows[:, None] + edge)[:, :, None] * self.table.shape[2] for edge in (top, bottom))
        left, right = ((x1[:, None] + edge)[:, None, :] for edge in (left, right))
        flat = self.table.view(-1, 3)
        sums = flat[bottom + right] - flat[bottom + left] - flat[top + right] + flat[top + left]  # (K, side, side, 3)
        return _normalize(sums, area)


def pixel_edges(length: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """First and (exclusive) last source pixel of each of `count` resampled pixels, (..., count) for length (...)."""
    steps = torch.arange(count, device=length.device)
    start = steps * length.unsqueeze(-1) // count
    end = ((steps + 1) * length.unsqueeze(-1) + count - 1) // count
    return start, end


def _normalize(sums: Tensor, area: Tensor) -> Tensor:
    return ((sums / area.unsqueeze(-1) - 127.5) / 128).permute(0, 3, 1, 2)  # channels last in memory
