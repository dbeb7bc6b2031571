"""Face crops to frame embeddings: five images a frame through the Spatial-Module."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from painlit.models.normalisation import Normalise
from painlit.models.tiles import FIVE, frame_images


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

    def embedded(self, crops: Tensor, which: Sequence[int]) -> Tensor:
        """Embed some of the images of crops, see `frame_images`: (n, 3, S, S) -> (n, len(which), D)."""
        images = frame_images(crops, which)
        return self.spatial(self.normalise(images.flatten(0, 1))).unflatten(0, images.shape[:2])

    def _full_and_tiles(self, crops: Tensor) -> Tensor:
        if not self.tiles:
            full = self._full(crops)
            return torch.stack([full, torch.zeros_like(full)], dim=1)
        d = self.embedded(crops, FIVE)
        return torch.stack([d[:, 0], d[:, 1:].sum(1)], dim=1)

    def _full(self, crops: Tensor) -> Tensor:
        return self.embedded(crops, FIVE[:1])[:, 0]

    def _in_chunks(self, embed: Callable[[Tensor], Tensor], crops: Tensor) -> Tensor:
        if self.chunk is None or not torch.is_grad_enabled():
            return embed(crops)
        return torch.cat([checkpoint(embed, part, use_reentrant=False) for part in crops.split(self.chunk)])
