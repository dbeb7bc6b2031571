"""Losses and their means over the items of all processes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor
from torchmetrics import MeanMetric

if TYPE_CHECKING:
    from lightning import Trainer


def mean_cross_entropy(logits: Tensor, labels: Tensor, trainer: Trainer, class_weights: Tensor | None = None) -> Tensor:
    """Cross-entropy such that the mean over processes is the mean over all their items, however they are divided.

    Args:
        logits: (b, classes) of this process; b may be 0.
        labels: (b,).
        trainer: Holds the processes.
        class_weights: (classes,) factor of each class's loss.

    Returns:
        Scalar.
    """
    return mean_over_all(F.cross_entropy(logits.float(), labels, class_weights, reduction="sum"), len(labels), trainer)


def mean_over_all(loss: Tensor, items: int, trainer: Trainer) -> Tensor:
    """A process's share of a mean: its mean over processes is that of all their items, however they are divided.

    Distributed training averages gradients over processes, which is right only if each has equally many items.

    Args:
        loss: Sum over the items of this process.
        items: How many; may be 0.
        trainer: Holds the processes.

    Returns:
        Scalar.
    """
    total = trainer.strategy.reduce(torch.tensor(float(items), device=loss.device), reduce_op="sum").clamp_min(1)
    return loss * trainer.world_size / total


class EpochMean(MeanMetric):
    """Mean of a loss over an epoch, kept in checkpoints: Lightning's own would lose what came before a stop."""

    def __init__(self) -> None:
        super().__init__()
        self.persistent(True)

    def take(self) -> Tensor:
        """The mean, beginning anew."""
        mean = self.compute()
        self.reset()
        return mean
