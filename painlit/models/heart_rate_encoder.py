"""Heart Rate Encoder: heart rates to an embedding."""

from torch import Tensor, nn

from painlit.models.perceiver import Perceiver


class HeartRateEncoder(nn.Module):
    """Perceiver with a cross-attention and no self-attention (paper section 3.2.2): 4,402,972 parameters.

    Each scalar is a token. Any number of scalars is accepted, so that single ECG beats can pretrain it.

    Args:
        size: Length of the embedding, h in the paper.
        num_latents: Latents.
        latent_dim: Features of a latent.
        head_dim: Width of the cross-attention's one head.

    Shapes:
        (B, n) -> (B, size); (B, 2048) by default. Scalars should be of order one: `PainModel` scales bpm.

    Raises:
        ValueError: From `forward`, when the input is not (B, n) with n >= 1.
    """

    def __init__(self, size: int = 2048, *, num_latents: int = 256, latent_dim: int = 512, head_dim: int = 64):
        super().__init__()
        self.size = size
        self.perceiver = Perceiver(
            token_size=1, num_latents=num_latents, latent_dim=latent_dim, blocks=0, head_dim=head_dim
        )
        self.head = nn.Linear(latent_dim, size)

    def forward(self, scalars: Tensor) -> Tensor:
        """Return the embedding, (B, size)."""
        if scalars.ndim != 2 or scalars.shape[1] == 0:
            raise ValueError(f"the Heart Rate Encoder reads scalars (B, n), got {tuple(scalars.shape)}")
        return self.head(self.perceiver(scalars.unsqueeze(-1)))
