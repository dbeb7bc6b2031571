"""The Spatial-Module's forward pass by C++ of our own."""

from __future__ import annotations

from torch import Tensor, nn

from painlit.models import SpatialModule
from painlit.models.spatial import checked
from painlit.native.network import Network, address, pixel_weights_of, sizes_of, weights_of


class NativeSpatial(nn.Module):
    """A Spatial-Module, computed by the thread that calls; threads can call at once.

    Args:
        spatial: With its weights, which are copied.
        precision: Of its matrix products: fp32; bf16; or int8, in which attention is in bf16 where the processor
            multiplies that, and numbers share a factor per patch or sub-patch, weights one per output.

    Attributes:
        together: Images that are embedded side by side, in less time than one by one; embeddings are the same.

    Shapes:
        images (B, 3, image_size, image_size) -> (B, embed_dim), float32, without gradients.

    Raises:
        PainlitError: It cannot be compiled.
        ValueError: From `forward`, when the images have another shape.
    """

    def __init__(self, spatial: SpatialModule, precision: str = "fp32"):
        super().__init__()
        self.image_size, self.patch_size, self.embed_dim = spatial.image_size, spatial.patch_size, spatial.embed_dim
        weights = [*pixel_weights_of(spatial), *weights_of(spatial)]
        self._network = Network("spatial.cpp", precision, sizes_of(spatial), weights)
        self.together: int = self._network.library.together(self._network.address)

    def forward(self, images: Tensor) -> Tensor:
        """Embed images."""
        images = checked(images, self.image_size).detach().contiguous()
        made = images.new_empty(len(images), self.embed_dim)
        self._network.library.embed(self._network.address, len(images), address(images), address(made))
        return made
