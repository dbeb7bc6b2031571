"""Training of the Spatial-Module by C++ of our own: forward and backward pass behind the pixel embedding."""

from __future__ import annotations

from collections.abc import Sequence
from ctypes import c_long
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from painlit.models import SpatialModule
from painlit.native.network import Network, address, addresses, sizes_of, weights_of
from painlit.native.parts import Compared, asked_for_by, in_threads, on_cpu_in_float32, summed


class NativeStep:
    """What a Spatial-Module is trained by in the place of torch, as its `behind_pixels`.

    Images are dealt out to threads. The same number of threads gives the same bits. The first image it is given is
    computed by torch too and compared.

    Args:
        spatial: To be trained; without stochastic depth.
        key: Full key of the setting that asked for it, for errors.
    """

    def __init__(self, spatial: SpatialModule, key: str):
        self._spatial, self._key = spatial, key
        self._compared = Compared("an embedding", key)

    def __call__(self, pixels: Tensor) -> Tensor:
        """Embed images.

        Args:
            pixels: (B·p, sub-patches, inner_dim), float32 on the CPU.

        Returns:
            (B, embed_dim), with gradients.

        Raises:
            PainlitError: It runs on the CPU and in float32 alone; it cannot be compiled, or differs from torch.
        """
        on_cpu_in_float32(pixels, self._key)
        if not len(pixels):
            return self._spatial.behind_pixels_by_torch([pixels])
        sizes = sizes_of(self._spatial)
        with asked_for_by(self._key):
            made: Tensor = _BehindPixels.apply(pixels.contiguous(), sizes, *weights_of(self._spatial))
        self._compared(made, lambda: self._spatial.behind_pixels_by_torch([pixels[: sizes[0]]]))
        return made


class _BehindPixels(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, pixels: Tensor, sizes: list[int], *weights: Tensor) -> Tensor:
        network = _network(sizes, weights)
        images = len(pixels) // sizes[0]
        made = pixels.new_empty(images, sizes[5])
        tapes = pixels.new_empty(images, network.library.tape(network.address))

        def embed(part: slice) -> None:
            network.library.forward(
                network.address,
                len(made[part]),
                address(pixels.unflatten(0, (-1, sizes[0]))[part]),
                address(tapes[part]),
                address(made[part]),
            )

        in_threads(embed, images)
        ctx.sizes, ctx.shape = sizes, pixels.shape
        ctx.save_for_backward(tapes, *weights)
        return made

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, back: Tensor) -> tuple[Tensor | None, ...]:
        tapes, *weights = ctx.saved_tensors
        network, back = _network(ctx.sizes, weights), back.contiguous()
        pixels = back.new_empty(ctx.shape)

        def differentiate(part: slice) -> list[Tensor]:
            made = [torch.zeros_like(weight, memory_format=torch.contiguous_format) for weight in weights]
            network.library.backward(
                network.address,
                len(back[part]),
                address(tapes[part]),
                address(back[part]),
                address(pixels.unflatten(0, (-1, ctx.sizes[0]))[part]),
                addresses(made),
            )
            return made

        return pixels, None, *summed(in_threads(differentiate, len(back)))


def _network(sizes: Sequence[int], weights: Sequence[Tensor]) -> Network:
    network = Network("spatial_training.cpp", "fp32", sizes, weights)
    network.library.tape.restype = c_long
    return network
