"""What a map explains: one score of each item, out of a model's class scores."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Target = int | Tensor | Callable[[Tensor], Tensor] | None
"""A class, a class for each item (B,), a function of what the model gives to a score of each item, (B,), or None: the
class that the model predicts."""


def fixed_target(target: Target, given: Tensor) -> Target:
    """A target that stays the same while inputs are changed: None becomes the predicted class of each item, (B,).

    Args:
        target: What to explain.
        given: What the model gives, (B, classes).

    Raises:
        ValueError: No such class.
    """
    if target is None:
        return given.argmax(-1)
    if isinstance(target, (int, Tensor)):
        wanted = torch.as_tensor(target, device=given.device)
        if given.ndim != 2 or wanted.ndim > 1 or (wanted.ndim == 1 and len(wanted) != len(given)):
            raise ValueError(f"a target of shape {tuple(wanted.shape)} for scores of shape {tuple(given.shape)}")
        if ((wanted < 0) | (wanted >= given.shape[1])).any():
            raise ValueError(f"there is no class {target}: the model has {given.shape[1]}")
    return target


def score(target: Target, given: Tensor) -> Tensor:
    """The score of each item, (B,): a class's logit less the mean of all logits, which softmax does not see.

    Args:
        target: As of `fixed_target`.
        given: What the model gives, (B, classes).
    """
    if callable(target):
        return target(given)
    wanted = torch.as_tensor(target, device=given.device).expand(len(given))
    return given.gather(1, wanted[:, None])[:, 0] - given.mean(1)


def to_unit(maps: Tensor) -> Tensor:
    """The positive part, over its maximum: (B, …) in 0..1, or all 0 where no value is positive."""
    positive = maps.detach().clamp_min(0)
    greatest = positive.flatten(1).amax(1).clamp_min(torch.finfo(maps.dtype).tiny)
    return positive / greatest.view(-1, *[1] * (maps.ndim - 1))
