"""The Spatial-Module alone: timm's TNT, ours and each back end, every one at its best batch size, in one run.

They take turns, so that what else runs on the machine meets all of them. Beside: a training step, and the floor, which
is the network's arithmetic over what all cores do in multiply-adds of numbers that are in their registers, in each
precision.
"""

import platform
import statistics
from collections.abc import Callable, Mapping
from ctypes import c_float, c_long
from functools import partial
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from experiments.bench.data import sized
from experiments.bench.rows import Row
from experiments.bench.timing import in_turn
from painlit.config.pain import BACKENDS, PRECISIONS
from painlit.errors import PainlitError
from painlit.models import SpatialModule
from painlit.models.frame_embedder import FrameEmbedder
from painlit.models.normalisation import Normalise
from painlit.native.library import compiled
from painlit.native.spatial_training import NativeStep
from painlit.system.threads import dealt_out
from painlit.weights.backends import on_backend

IMAGES = sized(20, 5)
"""Of a round, cut into batches."""
BATCHES = sized((1, 3, 5, 20), (5,))
TRAINING = sized((4, 10, 20), (5,))
ROUNDS = sized(3, 1)
PEAK_ROUNDS = 10_000_000

Works = dict[str, Callable[[], object]]
Network = Callable[[Tensor], Tensor]


def print_best(seconds: Mapping[str, list[float]], images: int) -> dict[str, list[float]]:
    """Print ms an image of each network at its best batch size, and return them, of each round."""
    best: dict[str, tuple[float, str, list[float]]] = {}
    for name, times in seconds.items():
        network, _, batch = name.rpartition(" ")
        best[network] = min(best.get(network, (np.inf, "", [])), (statistics.median(times), batch, times))
    made = {}
    for network, (_, batch, times) in best.items():
        made[network] = ms = [1e3 * time / images for time in times]
        print(f"  {network:24} {statistics.median(ms):7.1f} ({min(ms):.1f} to {max(ms):.1f}), batches of {batch}")
    return made


def _rows(what: str, made: Mapping[str, list[float]]) -> list[Row]:
    return [Row.of(f"{what}, {name}", ms, "ms an image", "timm", made["timm"]) for name, ms in made.items()]


def arithmetic(spatial: SpatialModule) -> float:
    """Floating-point operations of an image's matrix products, those of the attention with them."""
    counted = FlopCounterMode(display=False)
    with counted, torch.no_grad():
        spatial.tnt(torch.zeros(1, 3, spatial.image_size, spatial.image_size))
    return float(counted.get_total_flops())


def rate(precision: str) -> float:
    """Operations in a second of all threads: a multiply-add is two."""
    library = compiled(Path(__file__).with_name("peak.cpp"), f"-DPRECISION={precision.capitalize()}")
    library.multiply_adds.restype = c_float
    threads = torch.get_num_threads()

    def all_cores() -> None:
        list(dealt_out(library.multiply_adds, [c_long(PEAK_ROUNDS)] * threads))

    seconds = in_turn({"multiply-adds": all_cores}, 10)["multiply-adds"]
    return float(2 * library.of_a_round() * PEAK_ROUNDS * threads / min(seconds))


def back_ends(spatial: SpatialModule) -> dict[str, Network]:
    """What each back end makes of the network, as far as it runs here; torch's bf16 is for GPUs."""
    embedder = FrameEmbedder(spatial, Normalise()).eval()
    made: dict[str, Network] = {}
    for backend in BACKENDS:
        for precision in PRECISIONS if backend != "torch" else PRECISIONS[:1]:
            try:
                found = on_backend(embedder, backend, precision, torch.device("cpu"), "embed")
            except PainlitError as error:
                print(f"  {backend} {precision}: {error}".partition("\n")[0])
                continue
            alone = backend == "openvino"  # it shares images out itself
            made[f"{backend} {precision}"] = found.spatial if alone else partial(_in_threads, found.spatial)
    return made


def _in_threads(network: nn.Module, images: Tensor) -> Tensor:
    """As `make embed` and assessments deal images out to threads."""

    def alone(image: Tensor) -> Tensor:
        with torch.inference_mode():
            return cast(Tensor, network(image))

    return torch.cat(list(dealt_out(alone, images.split(1))))


def inference(spatial: SpatialModule) -> list[Row]:
    """Print ms an image, and how far each is from timm."""
    images = torch.randn(IMAGES, 3, spatial.image_size, spatial.image_size)
    print(f" inference, ms an image (range of {ROUNDS} rounds):")
    networks: dict[str, Network] = {"timm": spatial.tnt, "ours": spatial, **back_ends(spatial)}
    with torch.inference_mode():
        works: Works = {
            f"{name} {batch}": partial(_in_batches, network, images.split(batch))
            for name, network in networks.items()
            for batch in BATCHES
        }
        made = print_best(in_turn(works, ROUNDS), IMAGES)
        expected = spatial.tnt(images)
        rows = _rows("inference", made)
        for row, network in zip(rows, networks.values(), strict=True):
            difference = network(images) - expected
            print(
                f"  {row.what}: {row.times_the_peers:.2f} times timm's speed; difference at most "
                f"{difference.abs().max():.1e}, root mean square {difference.square().mean().sqrt():.1e}"
            )
    operations = arithmetic(spatial)
    for precision in PRECISIONS:
        speed = rate(precision)
        floor = 1e3 * operations / speed
        what = f"the floor in {precision}"
        print(f"  {what}: {operations / 1e9:.2f} GFLOP over {speed / 1e9:.0f} GFLOP/s are {floor:.1f} ms an image")
        rows.append(Row.of(f"inference, {what}", [floor], "ms an image", "timm", made["timm"]))
    return rows


def training(spatial: SpatialModule) -> list[Row]:
    """Print ms an image of a training step, forward and backward."""
    images = torch.randn(IMAGES, 3, spatial.image_size, spatial.image_size)
    native = SpatialModule()
    native.load_state_dict(spatial.state_dict())
    native.behind_pixels = NativeStep(native, "backend")
    networks: dict[str, nn.Module] = {"timm": spatial.tnt, "ours": spatial, "native": native}
    works: Works = {
        f"{name} {batch}": partial(_steps, network, images.split(batch))
        for name, network in networks.items()
        for batch in TRAINING
    }
    _steps(native, images[:1].split(1))  # compiles it
    print(f" training step, ms an image (range of {ROUNDS} rounds):")
    rows = _rows("training step", print_best(in_turn(works, ROUNDS), IMAGES))
    for row in rows[1:]:
        print(f"  {row.what}: {row.times_the_peers:.2f} times timm's speed")
    differences = {
        name: float((weight.grad - peer.grad).abs().max() / peer.grad.abs().max())
        for (name, weight), peer in zip(native.named_parameters(), spatial.parameters(), strict=True)
        if weight.grad is not None and peer.grad is not None
    }
    name = max(differences, key=differences.__getitem__)
    print(f"  gradients of native and ours differ by {differences[name]:.1e} of the largest at most ({name})")
    return rows


def _in_batches(network: Network, batches: tuple[Tensor, ...]) -> None:
    for batch in batches:
        network(batch)


def _steps(network: nn.Module, batches: tuple[Tensor, ...]) -> None:
    for batch in batches:
        network.zero_grad()
        network(batch).square().mean().backward()


def main() -> list[Row]:
    """Print all of it."""
    torch.manual_seed(0)
    print(
        f" {platform.processor() or platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}"
    )
    spatial = SpatialModule().eval()
    return [*inference(spatial), *training(spatial.train())]
