"""Pixels to what the Spatial-Module reads: one place, whose values travel with the weights' JSON."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

MEAN = (0.6068, 0.4517, 0.3800)
"""RGB mean of VGGFace2's images in 0..1."""
STD = (0.2492, 0.2173, 0.2082)
"""RGB standard deviation of VGGFace2's images in 0..1."""


class Normalise(nn.Module):
    """uint8 images (..., 3, H, W) to floats: (x / 255 - mean) / std.

    Args:
        mean: RGB mean of images in 0..1, (3,).
        std: RGB standard deviation, (3,).
    """

    scale: Tensor
    offset: Tensor

    def __init__(self, mean: Sequence[float] = MEAN, std: Sequence[float] = STD):
        super().__init__()
        self.mean, self.std = list(mean), list(std)
        mean_, std_ = torch.tensor(self.mean).view(3, 1, 1), torch.tensor(self.std).view(3, 1, 1)
        self.register_buffer("scale", 1 / (255 * std_), persistent=False)
        self.register_buffer("offset", mean_ / std_, persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Normalise; the result has the type of the module, float32 as built."""
        return images.to(self.scale.dtype) * self.scale - self.offset
