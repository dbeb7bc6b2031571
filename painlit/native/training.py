"""What trains natively: what of a network has C++ of our own."""

from torch import nn

from painlit.config.training import Training
from painlit.models import SpatialModule
from painlit.models.attention import FoldedCrossAttention
from painlit.models.perceiver import Perceiver
from painlit.native.cross_attention import NativeGather
from painlit.native.perceiver import NativeExchange
from painlit.native.spatial_training import NativeStep


def train_on_backend(network: nn.Module, train: Training) -> None:
    """With backend=native, train the Spatial-Modules and the Perceivers of a network by C++.

    Args:
        network: It computes as before where no gradients are wanted.
        train: How it is trained.
    """
    key = f"{train.key}.backend"
    for module in network.modules() if train.backend == "native" else ():
        if isinstance(module, SpatialModule):
            module.behind_pixels = NativeStep(module, key)
        if isinstance(module, FoldedCrossAttention):
            module.gather = NativeGather(key)
        if isinstance(module, Perceiver) and module.self_attentions:
            module.exchange = NativeExchange(module, key)
