"""Parameters and multiply–accumulates, counted as the paper's Table 7 does."""

from typing import Any

import torch
from torch import Tensor, nn


def parameters(module: nn.Module) -> int:
    """Number of parameters of a module."""
    return sum(parameter.numel() for parameter in module.parameters())


def macs(module: nn.Module, *inputs: Tensor | None) -> int:
    """Multiply–accumulates of the linear and convolution layers in one forward pass.

    This is how the "FLOPS" of the paper's Table 7 were counted: products of queries with keys and of attention
    weights with values are not in it. Layers count themselves as they are called. A module that computes its linear
    layers in another form states by a method `linear_macs(*inputs)` what the plain form would need, and its children
    are then not counted: the figure describes the model, not the way it is run.

    Args:
        module: Any module; it runs once, in evaluation mode and without gradients.
        *inputs: What its `forward` takes.

    Returns:
        The count for the whole batch; give a batch of one for the figure of one clip or image.
    """
    total = 0

    def count(layer: Any, args: tuple[Any, ...], output: Any) -> None:
        nonlocal total
        if isinstance(layer, nn.Linear):
            total += output.numel() * layer.in_features
        elif isinstance(layer, nn.Conv1d | nn.Conv2d):
            total += output.numel() * layer.weight[0].numel()
        else:
            total += layer.linear_macs(*args)

    handles = [layer.register_forward_hook(count) for layer in _counted(module)]
    training = {part: part.training for part in module.modules()}
    try:
        module.eval()
        with torch.no_grad():
            module(*inputs)
    finally:
        for handle in handles:
            handle.remove()
        for part, mode in training.items():
            part.training = mode
    return total


def _counted(module: nn.Module) -> list[nn.Module]:
    """Layers that count, without those inside a module that counts for them."""
    if isinstance(module, nn.Linear | nn.Conv1d | nn.Conv2d) or hasattr(module, "linear_macs"):
        return [module]
    return [layer for child in module.children() for layer in _counted(child)]
