"""Speed of the networks beside the plain forms they replace, same weights, measured in alternation in one process."""

import statistics
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from experiments.bench.timing import in_turn
from painlit.errors import PainlitError
from painlit.models import HeartRateEncoder, SpatialModule, TemporalModule

IMAGES = 5  # one frame: the whole crop and its tiles
CLIPS, BEATS = 8, 32
ROUNDS = 5


def plain_perceiver(module: TemporalModule | HeartRateEncoder) -> nn.Module:
    """Build perceiver-pytorch's Perceiver of the same size and with the same weights.

    It takes tokens, (B, n, token_size), and gives what the module gives for their values.

    Raises:
        PainlitError: perceiver-pytorch is not installed.
    """
    try:
        from perceiver_pytorch import Perceiver
    except ImportError as error:
        raise PainlitError(
            "perceiver-pytorch, the plain form to compare with, is not installed",
            "pip install perceiver-pytorch==0.11.0",
        ) from error
    ours = module.perceiver
    blocks = list(ours.self_attentions)
    plain = Perceiver(
        num_freq_bands=ours.bands,
        max_freq=ours.max_frequency,
        depth=1,
        input_channels=ours.cross_attention.to_key_value.in_features - 2 * ours.bands - 1,
        input_axis=1,
        num_latents=ours.latents.shape[0],
        latent_dim=ours.latents.shape[1],
        cross_heads=ours.cross_attention.heads,
        cross_dim_head=ours.cross_attention.head_dim,
        latent_heads=blocks[0].heads if blocks else 1,
        latent_dim_head=blocks[0].head_dim if blocks else 1,
        self_per_cross_attn=len(blocks),
        num_classes=module.head.out_features,
    )
    for source, target in paired_parameters(module, plain):
        target.data.copy_(source.data)
    return plain.train(module.training)


def paired_parameters(module: TemporalModule | HeartRateEncoder, plain: nn.Module) -> list[tuple[Tensor, Tensor]]:
    """Parameters of ours and of perceiver-pytorch's that correspond."""
    ours = module.perceiver
    parts: list[nn.Module] = [ours.cross_attention, ours.feed_forwards[0]]
    for attention, feed_forward in zip(ours.self_attentions, ours.feed_forwards[1:], strict=True):
        parts += [attention, feed_forward]
    parts += [ours.norm, module.head]  # now in perceiver-pytorch's order
    pairs: list[tuple[Tensor, Tensor]] = [(ours.latents, plain.get_parameter("latents"))]
    for kind in (nn.Linear, nn.LayerNorm):
        mine = [layer for part in parts for layer in part.modules() if isinstance(layer, kind)]
        theirs = [layer for layer in plain.modules() if isinstance(layer, kind)]
        for one, other in zip(mine, theirs, strict=True):
            pairs += zip(one.parameters(), other.parameters(), strict=True)
    return pairs


def alternate(plain: Callable[[], object], ours: Callable[[], object]) -> tuple[float, float]:
    """Median seconds of two functions that take turns."""
    times = in_turn({"plain": plain, "ours": ours}, ROUNDS)
    return statistics.median(times["plain"]), statistics.median(times["ours"])


def spatial_inference() -> tuple[float, float]:
    """Milliseconds an image: timm's own order of computation, and the inner stream first."""
    module = SpatialModule().eval()
    images = torch.randn(IMAGES, 3, module.image_size, module.image_size)
    with torch.inference_mode():
        plain, ours = alternate(lambda: module.tnt(images), lambda: module(images))
    return 1000 * plain / IMAGES, 1000 * ours / IMAGES


def training_step(network: nn.Module, x: Tensor) -> None:
    """Forward and backward."""
    network.zero_grad()
    F.cross_entropy(network(x), torch.zeros(len(x), dtype=torch.long)).backward()


def perceiver_training(module: TemporalModule | HeartRateEncoder, size: int, samples: int) -> tuple[float, float]:
    """Seconds a training step on clips or beats of `size` values: perceiver-pytorch, and ours."""
    plain = plain_perceiver(module)
    x = torch.randn(samples, size)
    return alternate(lambda: training_step(plain, x.unsqueeze(-1)), lambda: training_step(module, x))


def main() -> None:
    """Print the table."""
    torch.manual_seed(0)
    rows = [(f"Spatial-Module, inference, {IMAGES} images", "timm TNT", "ms/image", spatial_inference())]
    for what, module, size, samples in (
        (f"Temporal-Module, training, {CLIPS} clips of 13,800", TemporalModule(), 13800, CLIPS),
        (f"Heart Rate Encoder, training, {CLIPS} clips of 5", HeartRateEncoder(), 5, CLIPS),
        (f"Heart Rate Encoder, training, {BEATS} beats of 187", HeartRateEncoder(), 187, BEATS),
    ):
        rows.append((what, "perceiver-pytorch", "s/step", perceiver_training(module, size, samples)))
    print(f"median of {ROUNDS} alternations, {torch.get_num_threads()} threads, torch {torch.__version__}")
    print(f"{'what':46} {'plain form':18} {'unit':9} {'plain':>8} {'painlit':>8} {'ratio':>6}")
    for what, name, unit, (plain, ours) in rows:
        print(f"{what:46} {name:18} {unit:9} {plain:8.3f} {ours:8.3f} {plain / ours:6.2f}")
