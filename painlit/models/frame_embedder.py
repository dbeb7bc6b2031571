"""Face crops to frame embeddings: five images a frame through the Spatial-Module."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from painlit.models.normalisation import Normalise
from painlit.models.tiles import frame_images, whole_image


class FrameEmbedder(nn.Module):
    """Face crops to frame embeddings: tiles, normalisation, Spatial-Module.

    Args:
        spatial: The Spatial-Module, or what takes its place: it has `image_size` and `embed_dim`.
        normalise: As in the stage that trained it.
        tiles: Whether tiles are embedded; otherwise their sum is 0.
        chunk: Frames whose activations are in memory at once when gradients are wanted: each chunk is embedded again in
            the backward pass (gradient checkpointing), and only its crops are kept between. None keeps all.
    """

    def __init__(self, spatial: nn.Module, normalise: Normalise, chunk: int | None = None, tiles: bool = True):
        super().__init__()
        self.spatial: Any = spatial
        self.normalise = normalise
        self.chunk, self.tiles = chunk, tiles

    def forward(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        """Embed crops, (n, 3, S, S) uint8 RGB -> d_full (n, D) and d_1 + d_2 + d_3 + d_4 (n, D)."""
        d = self._in_chunks(self._full_and_tiles, crops)  # (n, 2, D)
        return d[:, 0], d[:, 1]

    def full(self, crops: Tensor) -> Tensor:
        """d_full alone, (n, D): a fifth of the work."""
        return self._in_chunks(self._full, crops)

    def embedded(self, crops: Tensor, cut: Callable[[Tensor], Tensor], each: int = 1) -> Tensor:
        """Embed the images that `cut` makes of crops, `each` of one: (n, 3, S, S) -> (n·each, D)."""
        return self.spatial(self.normalise(cut(crops)))

    def _full_and_tiles(self, crops: Tensor) -> Tensor:
        if not self.tiles:
            full = self._full(crops)
            return torch.stack([full, torch.zeros_like(full)], dim=1)
        d = self.embedded(crops, _five, 5).unflatten(0, (-1, 5))  # (n, 5, D)
        return torch.stack([d[:, 0], d[:, 1:].sum(1)], dim=1)

    def _full(self, crops: Tensor) -> Tensor:
        return self.embedded(crops, whole_image)

    def _in_chunks(self, embed: Callable[[Tensor], Tensor], crops: Tensor) -> Tensor:
        if self.chunk is None or not torch.is_grad_enabled():
            return embed(crops)
        return torch.cat([checkpoint(embed, part, use_reentrant=False) for part in crops.split(self.chunk)])


def _five(crops: Tensor) -> Tensor:
    return frame_images(crops).flatten(0, 1)  # (5n, 3, S/2, S/2)
