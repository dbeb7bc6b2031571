"""The attention and feed-forward blocks of the networks, and the kernels they run on."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from einops import rearrange
from timm.models.tnt import Attention
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint


def narrow_attention(query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
    """`scaled_dot_product_attention` on heads padded with zeros to a multiple of 8 features, where kernels are fast.

    Zero features change neither a dot product nor the other features of a mean, so the result is the same.

    Args:
        query: (B, heads, m, features).
        key: (B, heads, n, features).
        value: (B, heads, n, features).
        scale: Factor of the dot products.

    Returns:
        (B, heads, m, features).
    """
    features = query.shape[-1]
    padding = (0, -features % 8)
    same = value is key
    query, key = F.pad(query, padding), F.pad(key, padding)
    value = key if same else F.pad(value, padding)
    return F.scaled_dot_product_attention(query, key, value, scale=scale)[..., :features]


def short_attention(query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
    """The same for very many, very short sequences, such as the 16 sub-patches of a patch: as two matrix products.

    Fused kernels work in blocks of 32 and more queries and lose here.
    """
    features = value.shape[-1]
    weights = (query @ key.transpose(-1, -2) * scale).softmax(dim=-1)
    return (weights @ F.pad(value, (0, -features % 8)))[..., :features]


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
        query = self.folded_query(latents).expand(tokens.shape[0], -1, -1, -1)  # (B, h, M, f)
        normalised = self.normalised(tokens).expand(-1, self.heads, -1, -1)  # (B, h, n, f)
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
        return self.output(self.gathered(latents, tokens))

    def output(self, gathered: Tensor) -> Tensor:
        """What the latents get for what they have `gathered`."""
        return F.linear(gathered, *self.folded_output())

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

        The output layer is linear, so the mean of what it gives is what it gives for the mean. On a CPU hidden values
        are formed again in the backward pass: three quarters of the memory for as much time, within what runs differ
        by. A GPU keeps them: with bf16 a step of 32 clips takes 13 ms on an H100, and 22 with the gate formed again.
        """
        again = x.device.type == "cpu" and torch.is_grad_enabled() and not torch.compiler.is_exporting()
        if again:
            return self.to_output(checkpoint(self._gated, x, average, use_reentrant=False, preserve_rng_state=False))
        return self.to_output(self._gated(x, average))

    def _gated(self, x: Tensor, average: bool) -> Tensor:
        """Hidden values times their gate, (B, M, ratio·dim), or their mean over latents, (B, ratio·dim)."""
        hidden, gate = self.to_hidden(self.norm(x)).chunk(2, dim=-1)
        gated = hidden * F.gelu(gate)
        return gated.mean(dim=1) if average else gated


def attend(attention: Attention, x: Tensor, kernel: Callable[..., Tensor]) -> Tensor:
    """Multi-head self-attention with the weights of one of TNT's, (b, n, d) -> (b, n, d)."""
    query, key = rearrange(attention.qk(x), "b n (two h d) -> two b h n d", two=2, h=attention.num_heads)
    value = rearrange(attention.v(x), "b n (h d) -> b h n d", h=attention.num_heads)
    gathered = kernel(query, key, value, attention.scale)
    return attention.proj(rearrange(gathered, "b h n d -> b n (h d)"))
