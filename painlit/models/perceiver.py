"""The Perceiver (Jaegle et al. 2021) over 1-D tokens, with its cross-attention folded."""

import math
from collections.abc import Callable

import torch
from einops import rearrange
from torch import Tensor, nn

from painlit.models.attention import FeedForward, FoldedCrossAttention, SelfAttention
from painlit.models.read_once import read_once

CHUNK = 2**18
"""Values of latents that go through at once on a CPU, where small memory that is used again is faster than new."""


def fourier_positions(
    length: int,
    bands: int,
    max_frequency: float,
    *,
    device: torch.device | None = None,
    dtype: torch.dtype | None = None,
) -> Tensor:
    """Fourier features of `length` positions spread evenly over -1..1.

    Returns:
        (length, 2·bands + 1): the sines, the cosines, and the position itself. Frequencies run linearly from 1 to
        half of `max_frequency`, in half cycles per unit of position.
    """
    position = torch.linspace(-1, 1, length, device=device, dtype=dtype).unsqueeze(-1)  # (n, 1)
    angle = position * torch.linspace(1, max_frequency / 2, bands, device=device, dtype=dtype) * math.pi  # (n, bands)
    return torch.cat([angle.sin(), angle.cos(), position], dim=-1)


class Perceiver(nn.Module):
    """Latents that read tokens once, exchange what they read, and are averaged (paper section 3.2.2 and 3.2.4).

    Equal to `perceiver_pytorch.Perceiver` with depth 1 up to its last linear layer.

    Args:
        token_size: Values in a token, to which `2·bands + 1` Fourier features of its position are appended.
        num_latents: Latents.
        latent_dim: Features of a latent.
        blocks: Self-attention blocks after the cross-attention; 0 for none.
        cross_heads: Heads of the cross-attention.
        self_heads: Heads of each self-attention.
        head_dim: Width of every head.
        bands: Fourier bands.
        max_frequency: Maximum frequency of the Fourier features.

    Shapes:
        tokens (B, n, token_size) -> (B, latent_dim).
    """

    def __init__(
        self,
        *,
        token_size: int,
        num_latents: int,
        latent_dim: int,
        blocks: int,
        cross_heads: int = 1,
        self_heads: int = 8,
        head_dim: int = 64,
        bands: int = 6,
        max_frequency: float = 10.0,
    ):
        super().__init__()
        self.bands = bands
        self.max_frequency = max_frequency
        self.latents = nn.Parameter(torch.randn(num_latents, latent_dim))
        self.cross_attention = FoldedCrossAttention(latent_dim, token_size + 2 * bands + 1, cross_heads, head_dim)
        self.self_attentions = nn.ModuleList(SelfAttention(latent_dim, self_heads, head_dim) for _ in range(blocks))
        self.feed_forwards = nn.ModuleList(FeedForward(latent_dim) for _ in range(1 + blocks))
        self.norm = nn.LayerNorm(latent_dim)
        self.gather: Callable[[Tensor, Tensor, Tensor], Tensor] | None = None
        """What gathers tokens (B, n, token_size) with their positions' features (n, p), normalised, for queries
        (1, cross_heads, M, token_size + p) in training, in torch's place (`painlit.native`)."""
        self.exchange: Callable[[Tensor], Tensor] | None = None
        """What makes of latents that have read, (B, M, latent_dim), their mean after all blocks, (B, latent_dim), in
        training, in torch's place (`painlit.native`)."""

    def no_weight_decay(self) -> set[str]:
        """Parameters that timm's convention spares from weight decay."""
        return {"latents"}

    def with_positions(self, tokens: Tensor) -> Tensor:
        """Append the Fourier features of each token's position: (B, n, token_size + 2·bands + 1)."""
        dtype = torch.promote_types(tokens.dtype, self.latents.dtype)
        return torch.cat([tokens.to(dtype), self._positions(tokens).to(dtype).expand(tokens.shape[0], -1, -1)], dim=-1)

    def _positions(self, tokens: Tensor) -> Tensor:
        # In float32, and rounded last if at all: float16 has 3,791 numbers for 13,800 positions, bfloat16 475.
        wide = torch.promote_types(tokens.dtype, torch.float32)
        return fourier_positions(tokens.shape[1], self.bands, self.max_frequency, device=tokens.device, dtype=wide)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return the normalised mean of the latents, (B, latent_dim)."""
        if not self.self_attentions:
            (feed_forward,) = self.feed_forwards
            assert isinstance(feed_forward, FeedForward)
            return self.norm(read_once(self.latents, self.cross_attention, feed_forward, self._gathered(tokens)))
        if tokens.device.type != "cpu" or torch.compiler.is_exporting():  # a graph has no loop over the batch
            return self.norm(self.exchanged_by_torch(self._read(tokens)))
        if self.exchange is not None and self._learns_from(tokens):
            return self.norm(self.exchange(self._read(tokens)))
        parts = tokens.split(max(1, CHUNK // self.latents.numel()))
        return self.norm(torch.cat([self.exchanged_by_torch(self._read(part)) for part in parts]))

    def _learns_from(self, tokens: Tensor) -> bool:
        return self.training and torch.is_grad_enabled() and len(tokens) > 0

    def _read(self, tokens: Tensor) -> Tensor:
        """Latents after they have read, (B, M, D)."""
        return self.latents + self.cross_attention.output(self._gathered(tokens))

    def _gathered(self, tokens: Tensor) -> Tensor:
        """As `FoldedCrossAttention.gathered`."""
        latents = self.latents.unsqueeze(0)  # (1, M, D): the same for all samples until they have read
        if self.gather is None or not self._learns_from(tokens):
            return self.cross_attention.gathered(latents, self.with_positions(tokens))
        gathered = self.gather(self.cross_attention.folded_query(latents), tokens, self._positions(tokens))
        return rearrange(gathered, "b h m f -> b m (h f)")

    def exchanged_by_torch(self, x: Tensor) -> Tensor:
        """Mean of latents (B, M, D) after they have exchanged what they read: (B, D)."""
        for feed_forward, attention in zip(self.feed_forwards[:-1], self.self_attentions, strict=True):
            x = x + feed_forward(x)
            x = x + attention(x)
        return x.mean(dim=1) + self.feed_forwards[-1](x, average=True)

    def attention(self, tokens: Tensor) -> Tensor:
        """Weights with which the latents read the tokens, (B, cross_heads, num_latents, n)."""
        return self.cross_attention.attention(self.latents.unsqueeze(0), self.with_positions(tokens))

    def linear_macs(self, tokens: Tensor) -> int:
        """Multiply–accumulates that the plain form's linear layers would need: see `painlit.models.macs`."""
        samples, count = tokens.shape[:2]
        token_weights = self.cross_attention.to_key_value.weight.numel()
        weights = sum(layer.weight.numel() for layer in self.modules() if isinstance(layer, nn.Linear))
        return samples * (count * token_weights + len(self.latents) * (weights - token_weights))
