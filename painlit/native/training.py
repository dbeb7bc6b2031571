"""What trains natively: what of a network has C++ of our own."""

from torch import nn

from painlit.config.training import Training
from painlit.models import SpatialModule
from painlit.models.attention import FoldedCrossAttention
from painlit.native.cross_attention import NativeGather
from painlit.native.spatial_training import NativeStep


def train_on_backend(network: nn.Module, train: Training) -> None:
    """With backend=native, train the Spatial-Modules and the cross-attentions of a network by C++.

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
