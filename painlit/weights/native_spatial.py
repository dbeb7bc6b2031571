"""The Spatial-Module's forward pass by C++ of our own, compiled for the processor at hand."""

from __future__ import annotations

from collections.abc import Iterator
from ctypes import CDLL, c_int, c_void_p
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from painlit.models import SpatialModule
from painlit.system.compiled import compiled

_SOURCE = Path(__file__).with_name("native_spatial.cpp")


class NativeSpatial(nn.Module):
    """A Spatial-Module, computed an image at a time by the thread that calls; threads can call at once.

    Args:
        spatial: With its weights; those behind the pixel embedding are copied.

    Shapes:
        images (B, 3, image_size, image_size) -> (B, embed_dim), float32, without gradients.

    Raises:
        PainlitError: It cannot be compiled.
    """

    def __init__(self, spatial: SpatialModule):
        super().__init__()
        self.image_size, self.patch_size, self.embed_dim = spatial.image_size, spatial.patch_size, spatial.embed_dim
        self.spatial = spatial
        self._network = _Network(spatial)

    def forward(self, images: Tensor) -> Tensor:
        """Embed images."""
        pixels = self.spatial.pixels(self.spatial.patches(images)).detach().contiguous()  # (B·p, sub-patches, d)
        made = torch.empty(len(images), self.embed_dim)
        self._network.embed(pixels, made)
        return made


class _Network:
    """What C++ made of the weights, given back with this object."""

    def __init__(self, spatial: SpatialModule):
        self._library: CDLL = compiled(_SOURCE)
        self._library.network.restype = c_void_p
        block = cast(Any, spatial.tnt.blocks)[0]
        inner, outer = block.attn_in, block.attn_out
        sizes = (
            (spatial.image_size // spatial.patch_size) ** 2,
            spatial.tnt.pixel_pos[0, 0].numel(),
            inner.proj.out_features,
            inner.num_heads,
            block.mlp_in.fc1.out_features,
            outer.proj.out_features,
            outer.num_heads,
            block.mlp.fc1.out_features,
            len(spatial.tnt.blocks),
        )
        self._weights = [weight.detach().float().clone().contiguous() for weight in _weights(spatial)]
        addresses = (c_void_p * len(self._weights))(*(weight.data_ptr() for weight in self._weights))
        self._made = c_void_p(self._library.network((c_int * len(sizes))(*sizes), addresses))

    def embed(self, pixels: Tensor, made: Tensor) -> None:
        """Fill `made` (B, embed_dim) from pixels (B·p, sub-patches, inner_dim), both float32 and contiguous."""
        self._library.embed(self._made, len(made), c_void_p(pixels.data_ptr()), c_void_p(made.data_ptr()))

    def __del__(self):
        if hasattr(self, "_made"):
            self._library.release(self._made)


def _weights(spatial: SpatialModule) -> Iterator[Tensor]:
    """All weights behind the pixel embedding, in the order in which C++ reads them."""
    tnt = cast(Any, spatial.tnt)
    yield from (*_of(tnt.norm1_proj, tnt.proj, tnt.norm2_proj), tnt.cls_token, tnt.patch_pos, *_of(tnt.norm))
    for block in tnt.blocks:
        yield from _layer(block.norm_in, block.attn_in, block.norm_mlp_in, block.mlp_in)
        yield from _of(block.norm1_proj, block.proj, block.norm2_proj)
        yield from _layer(block.norm_out, block.attn_out, block.norm_mlp, block.mlp)


def _layer(before: nn.Module, attention: Any, before_mlp: nn.Module, mlp: Any) -> Iterator[Tensor]:
    return _of(before, attention.qk, attention.v, attention.proj, before_mlp, mlp.fc1, mlp.fc2)


def _of(*modules: nn.Module) -> Iterator[Tensor]:
    """Weight and bias, where there is one, of each."""
    for module in modules:
        yield from module.parameters(recurse=False)
