"""Heads on embeddings: classification by softmax and by ArcFace, and regression of a teacher's outputs."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class SoftmaxHead(nn.Module):
    """A linear layer, for cross-entropy.

    Args:
        embed_dim: Size of an embedding, D.
        classes: How many, C.
    """

    def __init__(self, embed_dim: int, classes: int):
        super().__init__()
        self.linear = nn.Linear(embed_dim, classes)

    def forward(self, embeddings: Tensor, labels: Tensor | None = None) -> Tensor:
        """Logits, (B, C), of embeddings, (B, D). `labels` make no difference; they are ArcFace's."""
        return self.linear(embeddings)


class ArcFaceHead(nn.Module):
    """Scaled cosines to one learned direction per class, with an angular margin (Deng et al. 2019), for cross-entropy.

    The true class's cos θ becomes cos(θ + m). Where θ + m > π, where that would rise again, it becomes
    cos θ - m·sin m, as in the authors' code with `easy_margin` off: a line with the slope of cos θ that starts below
    -1, so the logit falls with θ all the way to π.

    Cosines, margin and logits are computed in float32 (or float64) also under autocast: half precision cannot
    resolve small angles.

    Args:
        embed_dim: Size of an embedding, D.
        classes: How many, C.
        scale: Factor of the cosines.
        margin: m, rad, 0 to π/2.

    Raises:
        ValueError: A scale or margin out of range.
    """

    def __init__(self, embed_dim: int, classes: int, scale: float = 64.0, margin: float = 0.5):
        super().__init__()
        if scale <= 0:
            raise ValueError(f"scale must be positive, not {scale}")
        if not 0 <= margin < math.pi / 2:
            raise ValueError(f"margin must be in [0, π/2) rad, not {margin}")
        self.scale = scale
        self.margin = margin
        self.weight = nn.Parameter(torch.empty(classes, embed_dim).normal_(std=0.01))

    def forward(self, embeddings: Tensor, labels: Tensor | None = None) -> Tensor:
        """Logits, (B, C); with the margin while the true classes are given, as in training, and plain without.

        Args:
            embeddings: (B, D), of any length but 0.
            labels: (B,) true classes.
        """
        with torch.autocast(embeddings.device.type, enabled=False):
            precision = torch.promote_types(self.weight.dtype, torch.float32)
            directions = F.normalize(self.weight.to(precision))
            units = F.normalize(embeddings.to(precision))
            logits = F.linear(self.scale * units, directions)  # (B, C)
            if labels is not None:
                # At 9,131 classes (B, C) is the size that counts: no one-hot, the change is in place, and the true
                # class's cosine is a product of its own, as autograd would keep what it is gathered from.
                cosine = (units * directions[labels]).sum(1, keepdim=True)  # (B, 1)
                logits.scatter_(1, labels[:, None], self.scale * self._with_margin(cosine))
            return logits

    def _with_margin(self, cosine: Tensor) -> Tensor:
        """cos(θ + m) by the addition theorem: acos has infinite slope at ±1. So has the root, hence its least value."""
        squared = (1 - cosine) * (1 + cosine)
        sine = squared.clamp(min=torch.finfo(cosine.dtype).eps ** 2).sqrt()
        moved = cosine * math.cos(self.margin) - sine * math.sin(self.margin)
        beyond = cosine - self.margin * math.sin(self.margin)
        return torch.where(cosine > -math.cos(self.margin), moved, beyond)  # θ < π - m


class TeacherHead(nn.Module):
    """A linear layer to a teacher's whitened outputs, for the mean squared error.

    Args:
        embed_dim: Size of an embedding, D.
        components: How many values the teacher gives, K; each has a variance of 1, so predicting their mean
            has an error of 1.
    """

    def __init__(self, embed_dim: int, components: int):
        super().__init__()
        self.linear = nn.Linear(embed_dim, components)

    def forward(self, embeddings: Tensor, targets: Tensor) -> Tensor:
        """The squared error of each image, its mean over the components: (B,)."""
        return (self.linear(embeddings).float() - targets).square().mean(1)
