"""The Perceiver (Jaegle et al. 2021) over 1-D tokens, with its cross-attention folded."""

import math

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from painlit.models.attention import narrow_attention
from painlit.models.read_once import read_once


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


class FoldedCrossAttention(nn.Module):
    """Pre-norm attention from latents to tokens of few features, without ever forming keys and values.

    A key is Wk·t and a value Wv·t, where t = γ·n + β is a token's LayerNorm. Hence, exactly,

        q·(Wk t_j)    = (γ·Wkᵀq)·n_j + (Wkᵀq)·β        where the last term is equal for all j: softmax cancels it
        Σ a_j (Wv t_j) = Wv (γ·Σ a_j n_j + β)            because the weights a_j sum to 1

    so attention runs on the normalised tokens n themselves, 14 features wide for the paper's scalar tokens instead
    of 64 for keys and 64 for values. Parameters are those of the plain form.

    Args:
        latent_dim: Features of a latent.
        token_dim: Features of a token.
        heads: Attention heads.
        head_dim: Width of a head's queries, keys and values.

    Shapes:
        latents (1 or B, M, latent_dim), tokens (B, n, token_dim) -> (B, M, latent_dim). Latents that all samples
        share are given once.
    """

    def __init__(self, latent_dim: int, token_dim: int, heads: int = 1, head_dim: int = 64):
        super().__init__()
        self.heads = heads
        self.head_dim = head_dim
        self.norm = nn.LayerNorm(latent_dim)
        self.norm_tokens = nn.LayerNorm(token_dim)
        self.to_query = nn.Linear(latent_dim, heads * head_dim, bias=False)
        self.to_key_value = nn.Linear(token_dim, 2 * heads * head_dim, bias=False)
        self.to_output = nn.Linear(heads * head_dim, latent_dim)

    def folded_query(self, latents: Tensor) -> Tensor:
        """Queries that meet the normalised tokens directly, scaled: (1 or B, heads, M, token_dim)."""
        query = rearrange(self.to_query(self.norm(latents)), "b m (h d) -> b h m d", h=self.heads)
        key_weight = rearrange(self.to_key_value.weight.chunk(2)[0], "(h d) f -> h d f", h=self.heads)
        return query @ key_weight * (self.norm_tokens.weight * self.head_dim**-0.5)

    def normalised(self, tokens: Tensor) -> Tensor:
        """Tokens after LayerNorm without its scale and shift: (B, 1, n, token_dim)."""
        return F.layer_norm(tokens, self.norm_tokens.normalized_shape, eps=self.norm_tokens.eps).unsqueeze(1)

    def gathered(self, latents: Tensor, tokens: Tensor) -> Tensor:
        """Means of the normalised tokens as each latent weighs them, head after head: (B, M, heads·token_dim)."""
        normalised = self.normalised(tokens).expand(-1, self.heads, -1, -1)  # (B, h, n, f)
        query = self.folded_query(latents).expand(len(tokens), -1, -1, -1)  # (B, h, M, f)
        return rearrange(narrow_attention(query, normalised, normalised, scale=1.0), "b h m f -> b m (h f)")

    def folded_output(self) -> tuple[Tensor, Tensor]:
        """What turns `gathered` into the output: a matrix (latent_dim, heads·token_dim) and an offset (latent_dim,)."""
        value_weight = rearrange(self.to_key_value.weight.chunk(2)[1], "(h d) f -> h d f", h=self.heads)
        output_weight = rearrange(self.to_output.weight, "o (h d) -> h o d", h=self.heads)
        matrix = output_weight @ value_weight  # (h, o, f)
        offset = self.to_output.bias + (matrix @ self.norm_tokens.bias).sum(dim=0)
        return rearrange(matrix * self.norm_tokens.weight, "h o f -> o (h f)"), offset

    def forward(self, latents: Tensor, tokens: Tensor) -> Tensor:
        """Return what the latents gather from the tokens, without the residual."""
        return F.linear(self.gathered(latents, tokens), *self.folded_output())

    def attention(self, latents: Tensor, tokens: Tensor) -> Tensor:
        """Attention weights, (B, heads, M, n), each row summing to 1: for maps, not used by `forward`."""
        return (self.folded_query(latents) @ self.normalised(tokens).transpose(-1, -2)).softmax(dim=-1)


class SelfAttention(nn.Module):
    """Pre-norm multi-head self-attention, (B, M, dim) -> (B, M, dim), without the residual."""

    def __init__(self, dim: int, heads: int = 8, head_dim: int = 64):
        super().__init__()
        self.heads = heads
        self.head_dim = head_dim
        self.norm = nn.LayerNorm(dim)
        self.to_query = nn.Linear(dim, heads * head_dim, bias=False)
        self.to_key_value = nn.Linear(dim, 2 * heads * head_dim, bias=False)
        self.to_output = nn.Linear(heads * head_dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        """Return what each latent gathers from all, without the residual."""
        x = self.norm(x)
        query = rearrange(self.to_query(x), "b m (h d) -> b h m d", h=self.heads)
        key, value = rearrange(self.to_key_value(x), "b m (two h d) -> two b h m d", two=2, h=self.heads)
        gathered = F.scaled_dot_product_attention(query, key, value)
        return self.to_output(rearrange(gathered, "b h m d -> b m (h d)"))


class FeedForward(nn.Module):
    """Pre-norm feed-forward with a GELU gate (GEGLU), without the residual.

    Shapes:
        (B, M, dim) -> (B, M, dim), or (B, dim) when averaged.
    """

    def __init__(self, dim: int, ratio: int = 4):
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.to_hidden = nn.Linear(dim, 2 * ratio * dim)
        self.to_output = nn.Linear(ratio * dim, dim)

    def forward(self, x: Tensor, average: bool = False) -> Tensor:
        """Return the change of each latent, or its mean over latents at half the cost.

        The output layer is linear, so the mean of what it gives is what it gives for the mean.
        """
        hidden, gate = self.to_hidden(self.norm(x)).chunk(2, dim=-1)
        hidden = hidden * F.gelu(gate)
        return self.to_output(hidden.mean(dim=1) if average else hidden)


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
        cross_heads: int,
        self_heads: int,
        head_dim: int,
        bands: int,
        max_frequency: float,
    ):
        super().__init__()
        self.bands = bands
        self.max_frequency = max_frequency
        self.latents = nn.Parameter(torch.randn(num_latents, latent_dim))
        self.cross_attention = FoldedCrossAttention(latent_dim, token_size + 2 * bands + 1, cross_heads, head_dim)
        self.self_attentions = nn.ModuleList(SelfAttention(latent_dim, self_heads, head_dim) for _ in range(blocks))
        self.feed_forwards = nn.ModuleList(FeedForward(latent_dim) for _ in range(1 + blocks))
        self.norm = nn.LayerNorm(latent_dim)

    def with_positions(self, tokens: Tensor) -> Tensor:
        """Append the Fourier features of each token's position: (B, n, token_size + 2·bands + 1)."""
        position = fourier_positions(
            tokens.shape[1], self.bands, self.max_frequency, device=tokens.device, dtype=tokens.dtype
        )
        return torch.cat([tokens, position.expand(len(tokens), -1, -1)], dim=-1)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return the normalised mean of the latents, (B, latent_dim)."""
        tokens = self.with_positions(tokens)
        if not self.self_attentions:
            (feed_forward,) = self.feed_forwards
            assert isinstance(feed_forward, FeedForward)
            return self.norm(read_once(self.latents, self.cross_attention, feed_forward, tokens))
        latents = self.latents.unsqueeze(0)  # (1, M, D): the same for all samples until they have read
        x = latents + self.cross_attention(latents, tokens)  # (B, M, D)
        for feed_forward, attention in zip(self.feed_forwards[:-1], self.self_attentions, strict=True):
            x = x + feed_forward(x)
            x = x + attention(x)
        return self.norm(x.mean(dim=1) + self.feed_forwards[-1](x, average=True))

    def attention(self, tokens: Tensor) -> Tensor:
        """Weights with which the latents read the tokens, (B, cross_heads, num_latents, n)."""
        return self.cross_attention.attention(self.latents.unsqueeze(0), self.with_positions(tokens))

    def linear_macs(self, tokens: Tensor) -> int:
        """Multiply–accumulates that the plain form's linear layers would need: see `painlit.models.macs`."""
        samples, count = tokens.shape[:2]
        token_weights = self.cross_attention.to_key_value.weight.numel()
        weights = sum(layer.weight.numel() for layer in self.modules() if isinstance(layer, nn.Linear))
        return samples * (count * token_weights + len(self.latents) * (weights - token_weights))
