"""The five images of a frame: the whole crop and its four quadrants."""

from collections.abc import Sequence

import torch
from torch import Tensor

FIVE = range(5)
"""The whole crop and its quadrants."""


def frame_images(crops: Tensor, which: Sequence[int] = FIVE) -> Tensor:
    """Cut face crops into the five images the Spatial-Module sees (paper section 3.2.1), or some of them.

    The first image is the whole crop, halved by area averaging (each pixel is the mean of a 2×2 square); the other
    four are its quadrants at full resolution, in reading order: top left, top right, bottom left, bottom right.

    Args:
        crops: Square face crops, (n, 3, S, S) with even S, uint8 0..255 or floating point.
        which: Of 0 to 4.

    Returns:
        (n, len(which), 3, S/2, S/2) in the crops' type; uint8 means are rounded to the nearest value.

    Raises:
        ValueError: The crops are not (n, 3, S, S) with even S.
    """
    if crops.ndim != 4 or crops.shape[1] != 3 or crops.shape[2] != crops.shape[3] or crops.shape[2] % 2:
        raise ValueError(f"crops must be (n, 3, S, S) with an even S, got {tuple(crops.shape)}")
    half = crops.shape[2] // 2
    images = []
    for number in which:
        row, column = divmod(number - 1, 2)
        top, left = row * half, column * half
        images.append(crops[..., top : top + half, left : left + half] if number else _halved(crops))
    return torch.stack(images, dim=1)


def _halved(crops: Tensor) -> Tensor:
    wide = torch.int16 if crops.dtype == torch.uint8 else crops.dtype  # sums of four need more than 8 bits
    rows = crops[..., ::2, :].to(wide) + crops[..., 1::2, :]  # first, as their numbers lie side by side
    sums = rows[..., ::2] + rows[..., 1::2]
    return ((sums + 2) >> 2).to(torch.uint8) if crops.dtype == torch.uint8 else sums / 4
