"""What C++ makes of a Spatial-Module's weights."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ctypes import Array, c_int, c_void_p
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from painlit.models import SpatialModule
from painlit.native.library import compiled


class Network:
    """A Spatial-Module, or what of it is behind its pixel embedding, in memory of C++, which goes with this object.

    Args:
        source: C++ file beside this one, with the functions `network` and `release`.
        precision: Of its products of matrices, one of `PRECISIONS`.
        sizes: Of the module, as of `sizes_of`.
        weights: As of `weights_of`, behind those of `pixel_weights_of` if it reads images. They are copied.

    Raises:
        PainlitError: It cannot be compiled.
    """

    def __init__(self, source: str, precision: str, sizes: Sequence[int], weights: Sequence[Tensor]):
        self.library = compiled(Path(__file__).with_name(source), f"-DPRECISION={precision.capitalize()}")
        self.library.network.restype = c_void_p
        self._kept = [
            weight.detach().to("cpu", torch.float32, copy=True).contiguous() for weight in weights
        ]  # norms read it
        self.address = c_void_p(self.library.network((c_int * len(sizes))(*sizes), addresses(self._kept)))

    def __del__(self):
        if hasattr(self, "address"):
            self.library.release(self.address)


def address(tensor: Tensor) -> c_void_p:
    """Where its numbers lie; it must live as long as C++ reads it.

    Raises:
        ValueError: C++ would read something else: it is not float32, on the CPU and contiguous.
    """
    if tensor.dtype != torch.float32 or tensor.device.type != "cpu" or not tensor.is_contiguous():
        raise ValueError(f"C++ reads contiguous float32 on the CPU, not {tensor.dtype} on {tensor.device}")
    return c_void_p(tensor.data_ptr())


def addresses(tensors: Sequence[Tensor]) -> Array[c_void_p]:
    """The same of several."""
    return (c_void_p * len(tensors))(*(address(tensor).value for tensor in tensors))


def aligned(tensor: Tensor) -> Tensor:
    """The same or, where it must be, a copy whose numbers lie as C++ reads whole vectors: at a multiple of 64 bytes."""
    tensor = tensor.contiguous()
    return tensor.clone() if tensor.data_ptr() % 64 else tensor


def sizes_of(spatial: SpatialModule) -> list[int]:
    """As `Sizes` in network.h."""
    block, made = cast(Any, spatial.tnt.blocks)[0], []
    for attention, mlp in ((block.attn_in, block.mlp_in), (block.attn_out, block.mlp)):
        made += [attention.proj.out_features, attention.num_heads, mlp.fc1.out_features]
    patches = (spatial.image_size // spatial.patch_size) ** 2
    made += [len(cast(Any, spatial.tnt.blocks)), spatial.patch_size]
    convolution = cast(Any, spatial.tnt).pixel_embed.proj
    made += [convolution.kernel_size[0], convolution.stride[0], convolution.padding[0]]
    return [patches, cast(Tensor, spatial.tnt.pixel_pos)[0, 0].numel(), *made]


def pixel_weights_of(spatial: SpatialModule) -> list[Tensor]:
    """Those of the pixel embedding, in the order in which C++ reads them."""
    tnt = cast(Any, spatial.tnt)
    return [*_of(tnt.pixel_embed.proj), tnt.pixel_pos]


def weights_of(spatial: SpatialModule) -> list[Tensor]:
    """All behind the pixel embedding, in the order in which C++ reads them."""
    tnt = cast(Any, spatial.tnt)
    made = [*_of(tnt.norm1_proj, tnt.proj, tnt.norm2_proj), tnt.cls_token, tnt.patch_pos, *_of(tnt.norm)]
    for block in tnt.blocks:
        made += _layer(block.norm_in, block.attn_in, block.norm_mlp_in, block.mlp_in)
        made += _of(block.norm1_proj, block.proj, block.norm2_proj)
        made += _layer(block.norm_out, block.attn_out, block.norm_mlp, block.mlp)
    return made


def _layer(before: nn.Module, attention: Any, before_mlp: nn.Module, mlp: Any) -> Iterator[Tensor]:
    return _of(before, attention.qk, attention.v, attention.proj, before_mlp, mlp.fc1, mlp.fc2)


def _of(*modules: nn.Module) -> Iterator[Tensor]:
    """Weight and bias, where there is one, of each."""
    for module in modules:
        yield from module.parameters(recurse=False)
