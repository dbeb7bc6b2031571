"""Pixels to what the Spatial-Module reads: one place, whose values travel with the weights' JSON."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

MEAN = (0.6068, 0.4517, 0.3800)
"""RGB mean of VGGFace2's images in 0..1."""
STD = (0.2492, 0.2173, 0.2082)
"""RGB standard deviation of VGGFace2's images in 0..1."""


_FLAT = 0.02
"""Variance, in units of std squared, that is added to the local one: what is flat stays flat."""


class Normalise(nn.Module):
    """uint8 images (..., 3, H, W) to floats: (x / 255 - mean) / std, and then, if enabled, local contrast.

    Local contrast (ours) subtracts from each pixel the mean of a square window about it and divides by the standard
    deviation in that window, one for all colours. Skin tone, light and shadow, most of what differs between faces,
    are gone, and small networks find a mouth in far fewer steps.

    Args:
        mean: RGB mean of images in 0..1, (3,).
        std: RGB standard deviation, (3,).
        local_contrast: Side of the window as a share of the image's shorter side; 0 does without.
    """

    scale: Tensor
    offset: Tensor

    def __init__(self, mean: Sequence[float] = MEAN, std: Sequence[float] = STD, local_contrast: float = 0.0):
        super().__init__()
        self.mean, self.std, self.local_contrast = list(mean), list(std), local_contrast
        mean_, std_ = torch.tensor(self.mean).view(3, 1, 1), torch.tensor(self.std).view(3, 1, 1)
        self.register_buffer("scale", 1 / (255 * std_), persistent=False)
        self.register_buffer("offset", mean_ / std_, persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Normalise; the result has the type of the module, float32 as built."""
        x = images.to(self.scale.dtype) * self.scale - self.offset
        return local_contrast(x, self.local_contrast) if self.local_contrast else x


def local_contrast(x: Tensor, share: float) -> Tensor:
    """Each pixel less the mean of the window about it, over the standard deviation there, (..., C, H, W)."""
    images = x.reshape(-1, *x.shape[-3:])
    half = int(share * min(x.shape[-2:]) / 2)
    detail = images - _window_means(images, half)
    variance = _window_means(detail.square().mean(1, keepdim=True), half)
    return (detail / (variance + _FLAT).sqrt()).reshape(x.shape)


def _window_means(images: Tensor, half: int) -> Tensor:
    """Means over squares of 2 * half + 1 px, first down and then across; the border is mirrored."""
    side = 2 * half + 1
    padded = F.pad(images, (half, half, half, half), mode="reflect")
    return F.avg_pool2d(F.avg_pool2d(padded, (side, 1), 1), (1, side), 1)
