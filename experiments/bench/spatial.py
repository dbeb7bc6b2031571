"""The Spatial-Module alone: timm's TNT, ours and each back end, every one at its best batch size, in one run.

They take turns, so that what else runs on the machine meets all of them. Beside: a training step, and the floor, which
is the network's arithmetic over the rate of a large matrix product on this machine.
"""

import platform
import statistics
from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from experiments.bench.timing import in_turn
from painlit.errors import PainlitError
from painlit.models import SpatialModule
from painlit.models.frame_embedder import FrameEmbedder
from painlit.models.normalisation import Normalise
from painlit.weights.backends import on_backend

IMAGES = 20
"""Of a round, cut into batches."""
BATCHES = (1, 5, 20)
TRAINING = (4, 10, 20)
ROUNDS = 3
SIDE = 1536
"""Of the matrices whose product is the machine's rate."""

Works = dict[str, Callable[[], object]]


def told(seconds: Mapping[str, list[float]], images: int) -> dict[str, float]:
    """Print ms an image of each network at its best batch size, its spread over rounds, and return the medians."""
    best: dict[str, tuple[float, str, list[float]]] = {}
    for name, times in seconds.items():
        network, _, batch = name.rpartition(" ")
        best[network] = min(best.get(network, (np.inf, "", [])), (statistics.median(times), batch, times))
    made = {}
    for network, (median, batch, times) in best.items():
        made[network] = 1e3 * median / images
        spread = f"{1e3 * min(times) / images:.1f} to {1e3 * max(times) / images:.1f}"
        print(f"  {network:24} {made[network]:7.1f} ({spread}), batches of {batch}")
    return made


def arithmetic(spatial: SpatialModule) -> float:
    """Floating-point operations of an image's matrix products, those of the attention with them."""
    counted = FlopCounterMode(display=False)
    with counted, torch.no_grad():
        spatial.tnt(torch.zeros(1, 3, spatial.image_size, spatial.image_size))
    return float(counted.get_total_flops())


def rate() -> float:
    """Floating-point operations in a second of a large matrix product in float32."""
    one, other = torch.randn(2, SIDE, SIDE)
    seconds = in_turn({"product": partial(torch.mm, one, other)}, 10)["product"]
    return 2 * SIDE**3 / min(seconds)


def back_ends(embedder: FrameEmbedder) -> dict[str, nn.Module]:
    """What each back end makes of the network, as far as it runs here; torch's bf16 is for GPUs."""
    made: dict[str, nn.Module] = {}
    for backend, precision in (("torch", "fp32"), ("openvino", "fp32"), ("openvino", "bf16")):
        name = f"{backend} {precision}"
        try:
            found = on_backend(embedder, backend, precision, torch.device("cpu"), "embed")
        except PainlitError as error:
            print(f"  {name}: {error}".partition("\n")[0])
            continue
        made[name] = found.spatial
    return made


def inference(spatial: SpatialModule) -> None:
    """Print ms an image, and how far each is from timm."""
    images = torch.randn(IMAGES, 3, spatial.image_size, spatial.image_size)
    print(f" inference, ms an image (range of {ROUNDS} rounds):")
    networks: dict[str, nn.Module] = {"timm": spatial.tnt, "ours": spatial}
    networks |= back_ends(FrameEmbedder(spatial, Normalise()).eval())
    with torch.inference_mode():
        works: Works = {
            f"{name} {batch}": partial(_in_batches, network, images.split(batch))
            for name, network in networks.items()
            for batch in BATCHES
        }
        made = told(in_turn(works, ROUNDS), IMAGES)
        expected = spatial.tnt(images)
        for name, network in networks.items():
            difference = float((network(images) - expected).abs().max())
            print(f"  {name}: {made['timm'] / made[name]:.2f} times timm's speed; greatest difference {difference:.1e}")
    operations, speed = arithmetic(spatial), rate()
    floor = 1e3 * operations / speed
    print(f"  the floor: {operations / 1e9:.2f} GFLOP over {speed / 1e9:.0f} GFLOP/s are {floor:.1f} ms an image")


def training(spatial: SpatialModule) -> None:
    """Print ms an image of a training step, forward and backward."""
    images = torch.randn(IMAGES, 3, spatial.image_size, spatial.image_size)
    works: Works = {
        f"{name} {batch}": partial(_steps, network, images.split(batch))
        for name, network in (("timm", spatial.tnt), ("ours", spatial))
        for batch in TRAINING
    }
    print(f" training step, ms an image (range of {ROUNDS} rounds):")
    made = told(in_turn(works, ROUNDS), IMAGES)
    print(f"  ours is {made['timm'] / made['ours']:.2f} times as fast as timm's")


def _in_batches(network: nn.Module, batches: tuple[Tensor, ...]) -> None:
    for batch in batches:
        network(batch)


def _steps(network: nn.Module, batches: tuple[Tensor, ...]) -> None:
    for batch in batches:
        network.zero_grad()
        network(batch).square().mean().backward()


def main() -> None:
    """Print all of it."""
    torch.manual_seed(0)
    print(
        f" {platform.processor() or platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}"
    )
    spatial = SpatialModule().eval()
    inference(spatial)
    training(spatial.train())
