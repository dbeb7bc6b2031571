"""Losses of pretraining."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class UncertaintyWeightedLoss(nn.Module):
    """Sum over tasks of exp(-w)·L + w with learned w, after homoscedastic uncertainty (Kendall et al. 2018).

    A deviation from the paper, on purpose: eq. 12 of Gkikas et al. 2024 as printed is exp(w)·L + w. That has no
    minimum: for losses L >= 0 both terms fall with w, so w -> -inf and training ends at weights of 0. Kendall et al.,
    which it cites, write exp(-w)·L + w, where w is the log of a task's variance (up to their factors of 1/2).

    For a fixed L > 0 the optimum is w = log L: a weight of 1/L, and 1 + log L for the task's term, so the sum can be
    negative. A loss that goes to 0 has no optimum: its weight grows for as long as it falls.

    Two duties of the caller. The optimizer must not apply weight decay to w, since that would pull every weight
    towards 1. And every step must bring the loss of every task: a 0 for an absent one only lowers its w.

    Args:
        tasks: How many.

    Raises:
        ValueError: No tasks.
    """

    def __init__(self, tasks: int):
        super().__init__()
        if tasks < 1:
            raise ValueError(f"tasks must be at least 1, not {tasks}")
        self.w = nn.Parameter(torch.zeros(tasks))

    def forward(self, losses: Tensor) -> Tensor:
        """The combined loss, a scalar.

        Args:
            losses: (tasks,), each at least 0.

        Raises:
            ValueError: Another shape.
        """
        if losses.shape != self.w.shape:
            raise ValueError(f"losses must be {tuple(self.w.shape)}, one per task, not {tuple(losses.shape)}")
        return (torch.exp(-self.w) * losses + self.w).sum()  # eq. 12 with the sign of Kendall et al.

    @property
    def weights(self) -> Tensor:
        """exp(-w), the factors of the losses, (tasks,), without gradient."""
        return torch.exp(-self.w.detach())
