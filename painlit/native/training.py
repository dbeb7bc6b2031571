"""What trains natively: what of a network has C++ of our own."""

from torch import nn

from painlit.config.training import Training
from painlit.models import SpatialModule
from painlit.models.perceiver import Perceiver
from painlit.native.cross_attention import NativeGather
from painlit.native.perceiver import NativeExchange
from painlit.native.spatial_training import NativeStep


def train_on_backend(network: nn.Module, train: Training) -> None:
    """Train the Spatial-Modules and the Perceivers of a network by C++ with backend=native, or else by torch.

    Args:
        network: In eval mode, and where no gradients are wanted, torch computes it.
        train: How it is trained.
    """
    key, native = f"{train.key}.backend", train.backend == "native"
    for module in network.modules():
        if isinstance(module, SpatialModule):
            module.behind_pixels = NativeStep(module, key) if native else None
        if isinstance(module, Perceiver):
            module.gather = NativeGather(key) if native else None
            module.exchange = NativeExchange(module, key) if native and module.self_attentions else None
