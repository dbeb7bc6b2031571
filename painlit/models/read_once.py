"""A Perceiver without self-attention, such as the Heart Rate Encoder, at a fraction of its arithmetic."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from painlit.models.attention import FeedForward, FoldedCrossAttention

CHUNK = {"cpu": 2**20}
"""Hidden values formed at once, by type of device: what a CPU's cache holds."""
CHUNK_ELSEWHERE = 2**26


def read_once(latents: Tensor, attention: FoldedCrossAttention, feed_forward: FeedForward, gathered: Tensor) -> Tensor:
    """Mean over latents of x + FF(x), where x = latents + attention(latents, tokens), without forming x.

    What latent l gathers from a sample is a vector m of few features (14 for scalar tokens), so x = L_l + A·m, where L
    and A follow from the weights alone. With the means over features taken off L and A, exactly,

        LayerNorm(x) = γ·(L_l + A·m)/σ + β          where σ² = (|L_l|² + 2 L_l·A·m + mᵀAᵀA·m)/D + ε
        W·LayerNorm(x) + b = (W·γ·L_l)/σ + (W·γ·A)·m/σ + (W·β + b)

    so each sample meets a matrix of 15 rows for each latent instead of one of D rows (512): for the paper's size 0.02 G
    multiply-accumulates instead of 0.54 G. What is left, the GELU gate, goes through the cache in chunks of latents,
    and is formed again in the backward pass instead of being kept.

    Args:
        latents: (M, D).
        attention: The latents' attention to tokens.
        feed_forward: The feed-forward after it.
        gathered: (B, M, heads·token_dim), what they gather by it.

    Returns:
        (B, D).
    """
    with torch.autocast(gathered.device.type, enabled=False):  # as LayerNorm does: σ² is a sum of large terms
        mixing, offset = attention.folded_output()
        wide = torch.promote_types(mixing.dtype, torch.float32)
        gathered, mixing, base = gathered.to(wide), mixing.to(wide), (latents + offset).to(wide)  # base (M, D)
        mean = base.mean(dim=0) + gathered.mean(dim=1) @ mixing.T  # (B, D), of x over latents
        rows, base, mixing = _for_hidden(gathered, base, mixing, feed_forward)
    weight, bias = feed_forward.to_hidden.weight, feed_forward.to_hidden.bias
    rows, base, mixing, mean = (x.to(weight.dtype) for x in (rows, base, mixing, mean))
    scaled = weight * feed_forward.norm.weight
    hidden_base, hidden_mixing = base @ scaled.T, (scaled @ mixing).T  # (M, 2H), (f, 2H)
    hidden_offset = weight @ feed_forward.norm.bias + bias  # (2H,)
    hidden = rows.new_zeros(())
    count = len(rows)
    if not torch.compiler.is_exporting():  # a graph has no loop that depends on the batch
        count = max(1, CHUNK.get(rows.device.type, CHUNK_ELSEWHERE) // max(1, rows.shape[1] * len(hidden_offset)))
    for first in range(0, len(rows), count):
        part = rows[first : first + count], hidden_base[first : first + count], hidden_mixing, hidden_offset
        hidden = hidden + (checkpoint(_gated, *part, use_reentrant=False) if torch.is_grad_enabled() else _gated(*part))
    return mean + feed_forward.to_output(hidden / len(rows))


def _for_hidden(
    gathered: Tensor, base: Tensor, mixing: Tensor, feed_forward: FeedForward
) -> tuple[Tensor, Tensor, Tensor]:
    """Rows (m/σ, 1/σ) of each latent and sample, (M, B, f + 1), and L and A without their means over features."""
    base = base - base.mean(dim=-1, keepdim=True)
    mixing = mixing - mixing.mean(dim=0)
    squares = base.square().sum(dim=-1)  # (M,)
    crossed = (gathered * (base @ mixing)).sum(dim=-1)  # (B, M)
    quadratic = (gathered @ (mixing.T @ mixing) * gathered).sum(dim=-1)  # (B, M)
    variance = (squares + 2 * crossed + quadratic) / base.shape[-1]
    scale = (variance.clamp_min(0) + feed_forward.norm.eps).rsqrt().unsqueeze(-1)  # (B, M, 1)
    return torch.cat([gathered * scale, scale], dim=-1).transpose(0, 1).contiguous(), base, mixing


def _gated(rows: Tensor, base: Tensor, mixing: Tensor, offset: Tensor) -> Tensor:
    """Sum over latents of the gated hidden values: rows (m, B, f + 1), base (m, 2H) -> (B, H)."""
    weight = torch.cat([mixing.expand(len(rows), -1, -1), base.unsqueeze(1)], dim=1)  # (m, f + 1, 2H)
    half = len(offset) // 2
    hidden = torch.baddbmm(offset[:half], rows, weight[..., :half])
    gate = torch.baddbmm(offset[half:], rows, weight[..., half:])
    return (hidden * F.gelu(gate)).sum(dim=0)
