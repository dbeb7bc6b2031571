"""The five images of a frame: the whole crop and its four quadrants."""

import torch
from einops import rearrange
from torch import Tensor


def frame_images(crops: Tensor) -> Tensor:
    """Cut face crops into the five images the Spatial-Module sees (paper section 3.2.1).

    The first image is the whole crop, halved by area averaging (each pixel is the mean of a 2×2 square); the other
    four are its quadrants at full resolution, in reading order: top left, top right, bottom left, bottom right.

    Args:
        crops: Square face crops, (n, 3, S, S) with even S, uint8 0..255 or floating point.

    Returns:
        (n, 5, 3, S/2, S/2) in the crops' type; uint8 means are rounded to the nearest value.

    Raises:
        ValueError: The crops are not (n, 3, S, S) with even S.
    """
    whole = whole_image(crops)
    quadrants = rearrange(crops, "n c (row h) (column w) -> n (row column) c h w", row=2, column=2)
    return torch.cat([whole.unsqueeze(1), quadrants], dim=1)


def whole_image(crops: Tensor) -> Tensor:
    """The first of `frame_images` alone, (n, 3, S/2, S/2)."""
    if crops.ndim != 4 or crops.shape[1] != 3 or crops.shape[2] != crops.shape[3] or crops.shape[2] % 2:
        raise ValueError(f"crops must be (n, 3, S, S) with an even S, got {tuple(crops.shape)}")
    wide = torch.int16 if crops.dtype == torch.uint8 else crops.dtype  # sums of four need more than 8 bits
    rows = crops[..., ::2, :].to(wide) + crops[..., 1::2, :]  # first, as their numbers lie side by side
    sums = rows[..., ::2] + rows[..., 1::2]
    return ((sums + 2) >> 2).to(torch.uint8) if crops.dtype == torch.uint8 else sums / 4
