"""AugmNet, the learned augmentation in latent space."""

from torch import Tensor, nn


class AugmNet(nn.Module):
    """Encoder and decoder of two fully connected layers each (paper section 3.2.3, eq. 10).

    It learns an offset to an embedding; the caller adds it (eq. 11), in training only. The paper gives the layers and
    ELU but no widths: ours are chosen so that the default has its 1.02 M parameters (1,016,816).

    Args:
        size: Values of the embedding, N.
        hidden: Width of the layer on each side of the code.
        code: Width of the code.

    Shapes:
        (B, size) -> (B, size); (B, 13800) by default.

    Raises:
        ValueError: From `forward`, when the input is not (B, size).
    """

    def __init__(self, size: int = 13800, hidden: int = 36, code: int = 128):
        super().__init__()
        self.size = size
        self.encoder = nn.Sequential(nn.Linear(size, hidden), nn.ELU(), nn.Linear(hidden, code), nn.ELU())
        self.decoder = nn.Sequential(nn.Linear(code, hidden), nn.ELU(), nn.Linear(hidden, size), nn.ELU())

    def forward(self, x: Tensor) -> Tensor:
        """Return the offset AugmNet(x), (B, size)."""
        if x.ndim != 2 or x.shape[1] != self.size:
            raise ValueError(f"AugmNet was built for embeddings (B, {self.size}), got {tuple(x.shape)}")
        return self.decoder(self.encoder(x))
