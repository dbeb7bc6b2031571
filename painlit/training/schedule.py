"""AdamW with linear warm-up and cosine decay (paper, Table 2)."""

from __future__ import annotations

import math
from typing import Any

import torch

from painlit.config import Training


def warmup_cosine(step: int, warmup: int, total: int) -> float:
    """Share of the peak learning rate at a step: up in a line over `warmup` steps, down to 0 in half a cosine.

    >>> [round(warmup_cosine(s, 2, 6), 3) for s in range(6)]
    [0.5, 1.0, 1.0, 0.854, 0.5, 0.146]
    """
    if step < warmup:
        return (step + 1) / warmup
    progress = (step - warmup) / max(1, total - warmup)
    return 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))


def adamw_warmup_cosine(parameters: Any, config: Training, steps_per_epoch: int) -> Any:
    """Optimizer and step-wise schedule in Lightning's form, for parameters or groups of them."""
    optimizer = torch.optim.AdamW(parameters, lr=config.lr, weight_decay=config.weight_decay)
    warmup, total = config.warmup_epochs * steps_per_epoch, config.epochs * steps_per_epoch
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: warmup_cosine(step, warmup, total))
    return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}
