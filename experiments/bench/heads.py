"""The head over all 9,131 identities of VGGFace2: its memory, and its share of a training step of stage 1."""

import statistics
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from experiments.bench.timing import in_turn
from painlit.config import load
from painlit.models.heads import ArcFaceHead, SoftmaxHead
from painlit.weights.networks import build_spatial_module

IDENTITIES, BATCH, ROUNDS = 9_131, 256, 7
TRUNK_BATCH = 8  # images; a CPU needs many seconds for a whole batch, in proportion


def step_seconds(loss: Callable[[], Tensor]) -> float:
    """Median time of a step forward and back."""
    return statistics.median(in_turn({"step": lambda: loss().backward()}, ROUNDS)["step"])


def main() -> None:
    """Print memory and time of both heads beside the Spatial-Module's."""
    torch.set_num_threads(1)
    config = load()
    dim, size = config.spatial.embed_dim, config.spatial.image_size
    spatial = build_spatial_module(config.spatial)
    images = torch.randn(TRUNK_BATCH, 3, size, size)
    trunk = step_seconds(lambda: spatial(images).square().mean()) / TRUNK_BATCH * BATCH
    print(f"Spatial-Module, {BATCH} images of {size} px, forward and back on one thread: {trunk:.1f} s")
    embeddings, labels = torch.randn(BATCH, dim, requires_grad=True), torch.randint(IDENTITIES, (BATCH,))
    heads: dict[str, nn.Module] = {
        "softmax": SoftmaxHead(dim, IDENTITIES),
        "arcface": ArcFaceHead(dim, IDENTITIES, config.stage1.arcface_scale, config.stage1.arcface_margin),
    }
    for name, head in heads.items():
        weights = sum(parameter.numel() for parameter in head.parameters())
        took = step_seconds(lambda head=head: F.cross_entropy(head(embeddings, labels), labels))  # type: ignore[misc]
        mebibytes = [4 * values / 2**20 for values in (4 * weights, BATCH * IDENTITIES)]
        print(
            f"{name}: {weights:,} weights, {mebibytes[0]:.0f} MiB with gradients and AdamW's state, "
            f"{mebibytes[1]:.0f} MiB of scores a batch; {1e3 * took:.0f} ms, {100 * took / trunk:.2f} % of the module's"
        )
