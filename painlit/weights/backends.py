"""Back ends of the Spatial-Module: what computes its forward pass in inference, from the same weights.

`torch` always works; on a CPU each thread gets images of its own. Two are for CPUs, do the same, and are compared with
torch before they are used: `openvino` (extra `openvino`), which lays weights out once and joins operations; and
`native`, C++ of our own, which needs a compiler, is faster still, and computes in int8 too.

Measured and left out (docs/speed.md): onnxruntime is at best 1.2 times as fast as torch; int8 by OpenVINO, calibrated
beforehand, changes embeddings of order one by 0.12, and native's by 0.09, whose factors are of each row of numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import ceil
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from painlit.errors import PainlitError
from painlit.models import SpatialModule
from painlit.models.frame_embedder import FrameEmbedder
from painlit.native.spatial import NativeSpatial
from painlit.system.threads import dealt_out
from painlit.weights.landmarks import LandmarkDistances
from painlit.weights.openvino_spatial import OpenVinoSpatial

TOLERANCE = {"fp32": 1e-4, "bf16": 0.1, "int8": 0.3}
"""Largest difference from torch in fp32, in units of the embeddings' root mean square."""
_PROBES = 3
"""Images that are compared."""
_PATCHES = 196
"""Of the images that a thread takes at once: one image of the paper's size. Starting the operations of a smaller one
alone takes longer than they do."""


def on_backend(embedder: FrameEmbedder, backend: str, precision: str, device: torch.device, key: str) -> FrameEmbedder:
    """The embedder with its Spatial-Module on a back end, for inference alone; the one that is given stays as it is.

    Args:
        embedder: With its weights.
        backend: torch, openvino or native.
        precision: Of the matrix products, fp32, bf16 or int8; embeddings are float32.
        device: Where it will run.
        key: Group of the settings `backend` and `precision`, for errors.

    Raises:
        PainlitError: The back end does not run there; or, in bf16 or int8, it has no such precision, is not installed,
            fails, or changes embeddings by more than `TOLERANCE`. In fp32 torch is used instead then, with a message.
    """
    spatial: Any
    if isinstance(embedder.spatial, LandmarkDistances):
        if (backend, precision) == ("torch", "fp32"):
            return embedder.eval()
        return _instead(embedder, backend, precision, key, "spatial.network=landmarks has no Spatial-Module")
    if precision == "int8" and backend != "native":
        return _instead(embedder, backend, precision, key, "it computes in fp32 and bf16, native in int8 too")
    if backend == "torch" and precision == "fp32":
        made = _InThreads if device.type == "cpu" else FrameEmbedder
        return made(embedder.spatial, embedder.normalise).eval()
    if backend == "torch":
        spatial = _Autocast(embedder.spatial)
    else:
        if device.type != "cpu":
            raise PainlitError(
                f"{key}.backend={backend} runs on the CPU, and {key}.device is {device}",
                f"set {key}.device=cpu, or {key}.backend=torch",
            )
        try:
            spatial = (OpenVinoSpatial if backend == "openvino" else NativeSpatial)(embedder.spatial, precision)
        except PainlitError as error:
            return _instead(embedder, backend, precision, key, error.one_line)
        except ImportError as error:
            return _instead(embedder, backend, precision, key, f"{error}: pip install 'painlit[openvino]'")
        except Exception as error:  # OpenVINO's have no common base
            return _instead(embedder, backend, precision, key, f"{backend} fails: {error}")
    difference = _difference(spatial, embedder.spatial, device)
    if difference <= TOLERANCE[precision]:
        made = _InThreads if backend == "native" else FrameEmbedder
        return made(spatial, embedder.normalise).eval()
    why = f"embeddings differ from torch's by {difference:.2g} of their size, and {TOLERANCE[precision]:g} is tolerated"
    return _instead(embedder, backend, precision, key, why)


def _difference(made: nn.Module, spatial: SpatialModule, device: torch.device) -> float:
    """Largest difference of embeddings of made-up images, over the root mean square of torch's in fp32."""
    coarse = torch.randn(_PROBES, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    images = F.interpolate(coarse, size=(spatial.image_size, spatial.image_size), mode="bicubic").to(device)
    with torch.inference_mode():
        expected, found = spatial(images), made(images).to(device)
    return float((found - expected).abs().max() / expected.square().mean().sqrt())


def _instead(embedder: FrameEmbedder, backend: str, precision: str, key: str, why: str) -> FrameEmbedder:
    """Torch in fp32, whose embeddings are those of the back end; those of a reduced precision would be others."""
    if precision != "fp32":
        raise PainlitError(f"{key}.backend={backend} {key}.precision={precision}: {why}", f"set {key}.precision=fp32")
    print(f"{key}.backend={backend} is not used, torch is: {why}")
    return on_backend(embedder, "torch", precision, torch.device("cpu"), key)


class _InThreads(FrameEmbedder):
    """A frame embedder whose images are dealt out to threads of a CPU, see `dealt_out`.

    The thread that embeds an image cuts and normalises it too: its numbers stay in a core's cache, and no operation
    before is divided among threads, which would wait for each other.
    """

    def embedded(self, crops: Tensor, which: Sequence[int]) -> Tensor:
        most = _PATCHES // (self.spatial.image_size // self.spatial.patch_size) ** 2
        most = max(1, most, getattr(self.spatial, "together", 1))
        if len(crops) * len(which) <= most:
            return super().embedded(crops, which)
        images = [which] if len(which) <= most else [[number] for number in which]
        count, threads = len(crops) * len(images[0]), torch.get_num_threads()
        parts = crops.tensor_split(min(threads * ceil(count / (threads * most)), len(crops)))
        made = iter(dealt_out(self._alone, product(parts, images)))
        return torch.cat([torch.cat([next(made) for _ in images], dim=1) for _ in parts])

    def _alone(self, part: tuple[Tensor, Sequence[int]]) -> Tensor:
        with torch.inference_mode():
            return super().embedded(*part)


class _Autocast(nn.Module):
    """A Spatial-Module whose matrix products are in bfloat16; what they are added to, and embeddings, stay float32."""

    def __init__(self, spatial: SpatialModule):
        super().__init__()
        self.spatial, self.embed_dim = spatial, spatial.embed_dim

    def forward(self, images: Tensor) -> Tensor:
        with torch.autocast(images.device.type, torch.bfloat16):
            return self.spatial(images)
