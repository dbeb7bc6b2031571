"""Temporal-Module: an embedding of the whole clip to class scores."""

from einops import rearrange
from torch import Tensor, nn

from painlit.models.perceiver import Perceiver


class TemporalModule(nn.Module):
    """Perceiver with a cross-attention and three self-attention blocks (paper section 3.2.4).

    1,631,518 parameters with two classes.

    Args:
        num_classes: Class scores: 2 (NP against P4) or 5 (NP, P1 .. P4) in the paper.
        token_size: Values in a token. 1 is the paper's: each of the 13,800 values is a token. 100 makes each frame's
            embedding one token, which is ours: 138 tokens, about half the arithmetic and far less memory.
        num_latents: Latents.
        latent_dim: Features of a latent.
        blocks: Self-attention blocks.
        cross_heads: Heads of the cross-attention.
        self_heads: Heads of each self-attention.
        head_dim: Width of every head.

    Shapes:
        (B, N) -> (B, num_classes) for any N divisible by token_size; N = 13,800 in the paper.

    Raises:
        ValueError: From `forward`, when the input is not (B, N) or N is not divisible by token_size.
    """

    def __init__(
        self,
        num_classes: int = 2,
        *,
        token_size: int = 1,
        num_latents: int = 256,
        latent_dim: int = 128,
        blocks: int = 3,
        cross_heads: int = 1,
        self_heads: int = 8,
        head_dim: int = 64,
    ):
        super().__init__()
        self.token_size = token_size
        self.perceiver = Perceiver(
            token_size=token_size,
            num_latents=num_latents,
            latent_dim=latent_dim,
            blocks=blocks,
            cross_heads=cross_heads,
            self_heads=self_heads,
            head_dim=head_dim,
        )
        self.head = nn.Linear(latent_dim, num_classes)

    def tokens(self, x: Tensor) -> Tensor:
        """Cut (B, N) into tokens, (B, N/token_size, token_size)."""
        if x.ndim != 2 or x.shape[1] == 0 or x.shape[1] % self.token_size:
            raise ValueError(
                f"the Temporal-Module reads (B, N) with N a multiple of its token_size {self.token_size}, "
                f"got {tuple(x.shape)}"
            )
        return rearrange(x, "b (n size) -> b n size", size=self.token_size)

    def forward(self, x: Tensor) -> Tensor:
        """Return class scores (logits), (B, num_classes)."""
        return self.head(self.embed(x))

    def embed(self, x: Tensor) -> Tensor:
        """What the class scores are a linear map of, (B, latent_dim)."""
        return self.perceiver(self.tokens(x))

    def attention(self, x: Tensor) -> Tensor:
        """Weights with which the latents read the input's tokens, (B, cross_heads, num_latents, N/token_size)."""
        return self.perceiver.attention(self.tokens(x))
