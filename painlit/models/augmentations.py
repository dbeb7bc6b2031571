"""Fixed augmentations of embedding vectors; they act in training mode only."""

import torch
from torch import Tensor, nn


class Basic(nn.Module):
    """Polarity inversion plus Gaussian noise (paper section 3.3, "Basic").

    The paper names the two operations and gives no amounts; both defaults are ours. Randomness comes from torch's
    generator of the input's device.

    Args:
        inversion: Probability with which a sample's vector is multiplied by -1.
        noise: Standard deviation of the noise, as a fraction of the sample's own standard deviation.

    Shapes:
        (B, N) -> (B, N).

    Raises:
        ValueError: `inversion` is not a probability or `noise` is negative.
    """

    def __init__(self, inversion: float = 0.5, noise: float = 0.1):
        super().__init__()
        if not 0 <= inversion <= 1 or noise < 0:
            raise ValueError(f"inversion must be within 0..1 and noise at least 0, got {inversion} and {noise}")
        self.inversion = inversion
        self.noise = noise

    def forward(self, x: Tensor) -> Tensor:
        """Return x changed in training mode, x itself otherwise."""
        if not self.training:
            return x
        inverted = torch.rand(len(x), 1, device=x.device) < self.inversion  # (B, 1)
        spread = x.detach().std(dim=1, keepdim=True, correction=0)  # (B, 1)
        return torch.where(inverted, -x, x) + self.noise * spread * torch.randn_like(x)


class Masking(nn.Module):
    """Zeroes one contiguous run of each vector (paper section 3.3, "Masking": 10–20 % at a random position).

    Run length and position are drawn for each sample, uniformly, from torch's generator of the input's device.

    Args:
        shortest: Smallest share of the vector that is zeroed.
        longest: Largest share.

    Shapes:
        (B, N) -> (B, N).

    Raises:
        ValueError: Not 0 <= shortest <= longest <= 1.
    """

    def __init__(self, shortest: float = 0.1, longest: float = 0.2):
        super().__init__()
        if not 0 <= shortest <= longest <= 1:
            raise ValueError(f"need 0 <= shortest <= longest <= 1, got {shortest} and {longest}")
        self.shortest = shortest
        self.longest = longest

    def forward(self, x: Tensor) -> Tensor:
        """Return x with its runs zeroed in training mode, x itself otherwise."""
        if not self.training:
            return x
        batch, size = x.shape
        share, place = torch.rand(2, batch, 1, device=x.device)  # float32 whatever the type of x
        length = (size * (self.shortest + (self.longest - self.shortest) * share)).round()  # (B, 1)
        start = (place * (size - length + 1)).floor()  # (B, 1), 0 .. size - length
        position = torch.arange(size, device=x.device)  # (N,)
        return x.masked_fill((position >= start) & (position < start + length), 0)
