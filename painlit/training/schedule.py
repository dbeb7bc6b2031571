"""AdamW with linear warm-up and cosine decay (paper, Table 2)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch
from lightning import LightningModule
from torch import nn

from painlit.config import Training
from painlit.errors import PainlitError


def warmup_cosine(step: int, warmup: int, total: int) -> float:
    """Share of the peak learning rate at a step: up in a line over `warmup` steps, down to 0 in half a cosine.

    >>> [round(warmup_cosine(s, 2, 6), 3) for s in range(6)]
    [0.5, 1.0, 1.0, 0.854, 0.5, 0.146]
    """
    if step < warmup:
        return (step + 1) / warmup
    progress = (step - warmup) / max(1, total - warmup)
    return 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))


def adamw_warmup_cosine(module: LightningModule, training: Training, without_decay: nn.Module | None = None) -> Any:
    """Optimizer and step-wise schedule in Lightning's form, over the steps that the module's trainer will do.

    The warm-up is a share of them, `warmup_epochs / epochs` of the settings: a Trainer of as many epochs as the
    settings have warms up for `warmup_epochs`, and one of another length in proportion.

    Args:
        module: All its parameters are trained.
        training: Learning rate, weight decay, and the share of the warm-up.
        without_decay: Part of the module that never decays.

    Raises:
        PainlitError: The trainer has no end, so there is nothing for the learning rate to fall to.
    """
    total = module.trainer.estimated_stepping_batches
    if not 0 < total < math.inf:
        raise PainlitError("the Trainer has no last step", "give it max_epochs or max_steps: the schedule ends there")
    warmup = round(total * training.warmup_epochs / training.epochs)
    exempt = {id(p) for p in _exempt(module, training.decay == "matrices")}
    exempt |= {id(p) for p in without_decay.parameters()} if without_decay is not None else set()
    groups: list[dict[str, Any]] = [
        {"params": [p for p in module.parameters() if id(p) not in exempt]},
        {"params": [p for p in module.parameters() if id(p) in exempt], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW([g for g in groups if g["params"]], training.lr, weight_decay=training.weight_decay)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: warmup_cosine(step, warmup, int(total)))
    return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def _exempt(module: nn.Module, vectors: bool) -> Iterator[nn.Parameter]:
    """Norms and biases, which are vectors, and what networks name in timm's `no_weight_decay`: latents, positions."""
    if not vectors:
        return
    for part in module.modules():
        named = part.no_weight_decay() if hasattr(part, "no_weight_decay") else ()  # type: ignore[operator]
        for name, parameter in part.named_parameters():
            if parameter.ndim <= 1 or name in named:
                yield parameter
