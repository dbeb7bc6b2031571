"""Memory of joint training: what a frame's five images leave for the backward pass, with and without checkpointing.

Counted at the paper's size as the bytes of all tensors that autograd saves, which is the same on every device, for one
frame; and scaled to a step of the paper's batch, 32 clips of 138 frames.
"""

import time

import torch
from torch import Tensor

from painlit.config import Config
from painlit.models import SpatialModule
from painlit.models.frame_embedder import FrameEmbedder
from painlit.models.normalisation import Normalise


def saved_bytes(embedder: FrameEmbedder, crops: Tensor) -> tuple[int, float]:
    """Bytes saved in the forward pass, each storage once, and seconds of forward and backward."""
    storages: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        storages[storage.data_ptr()] = storage.nbytes()
        return tensor

    owned = {p.untyped_storage().data_ptr() for p in embedder.parameters()}
    started = time.monotonic()
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        full, tiles = embedder(crops)
    forward = {place: size for place, size in storages.items() if place not in owned}
    (full.sum() + tiles.sum()).backward()
    return sum(forward.values()), time.monotonic() - started


def main() -> None:
    """Print both."""
    config = Config()
    torch.manual_seed(0)
    spatial = SpatialModule()
    frames = 4
    crops = torch.randint(0, 256, (frames, 3, *[2 * spatial.image_size] * 2), dtype=torch.uint8)
    step = config.train.batch_size * config.clip.used_frames
    for chunk, what in ((None, "all activations kept"), (1, "checkpoints, one frame at a time")):
        embedder = FrameEmbedder(spatial, Normalise(), chunk)
        saved_bytes(embedder, crops)  # warm
        size, seconds = saved_bytes(embedder, crops)
        print(
            f"{what}: {size / frames / 2**20:.2f} MiB a frame, {size / frames * step / 2**30:,.1f} GiB a step of "
            f"{step:,} frames; {seconds / frames:.2f} s a frame, forward and backward"
        )
