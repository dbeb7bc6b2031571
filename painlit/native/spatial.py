"""The Spatial-Module's forward pass by C++ of our own."""

from __future__ import annotations

from torch import Tensor, nn

from painlit.models import SpatialModule
from painlit.native.network import Network, address, sizes_of, weights_of


class NativeSpatial(nn.Module):
    """A Spatial-Module, computed an image at a time by the thread that calls; threads can call at once.

    Args:
        spatial: With its weights; those behind the pixel embedding are copied.

    Shapes:
        images (B, 3, image_size, image_size) -> (B, embed_dim), float32, without gradients.

    Raises:
        PainlitError: It cannot be compiled.
        ValueError: From `forward`, when the images have another shape.
    """

    def __init__(self, spatial: SpatialModule):
        super().__init__()
        self.image_size, self.patch_size, self.embed_dim = spatial.image_size, spatial.patch_size, spatial.embed_dim
        self.spatial = spatial
        self._network = Network("spatial.cpp", sizes_of(spatial), weights_of(spatial))

    def forward(self, images: Tensor) -> Tensor:
        """Embed images."""
        pixels = self.spatial.pixels(self.spatial.patches(images)).detach().contiguous()  # (B·p, sub-patches, d)
        made = pixels.new_empty(len(images), self.embed_dim)
        self._network.library.embed(self._network.address, len(images), address(pixels), address(made))
        return made
