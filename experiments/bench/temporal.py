"""A training step of the Temporal-Module at the paper's size: time, memory and exactness beside perceiver-pytorch.

13,800 scalar tokens, 256 latents of width 128, batches of 32, forward and backward, the same weights. Steps alternate
in one process, without and with the gradient of the input, which AugmNet needs. Peak memory is the greatest resident
size of a process of its own (Linux), above that before its first step; for longer clips of ours too.
"""

import multiprocessing
import statistics
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import torch
from torch import Tensor, nn

from experiments.bench.models import paired_parameters, plain_perceiver, training_step
from experiments.bench.timing import in_turn, seconds
from painlit.models import TemporalModule

CLIPS, VALUES = 32, 13_800
LONGER = (13_800, 27_600, 55_200, 150_528)
ROUNDS = 5


class Plain(nn.Module):
    """perceiver-pytorch's network, with the weights of ours and its input (B, N)."""

    def __init__(self, module: TemporalModule):
        super().__init__()
        self.network = plain_perceiver(module)

    def forward(self, x: Tensor) -> Tensor:
        """Class scores, (B, num_classes)."""
        return self.network(x.unsqueeze(-1))


def greatest_difference(ours: TemporalModule, plain: Plain, x: Tensor) -> tuple[float, float, float]:
    """Of the outputs, of a parameter's gradient and of the input's, each as a share of the greatest magnitude."""
    pairs = paired_parameters(ours, plain.network)
    found = []
    for network in (ours, plain):
        x = x.detach().requires_grad_()
        training_step(network, x)
        with torch.no_grad():
            found.append((network(x), x.grad))
    shares = [_share(mine, other) for mine, other in zip(*found, strict=True)]
    return shares[0], max(_share(mine.grad, other.grad) for mine, other in pairs), shares[1]


def _share(mine: Tensor | None, other: Tensor | None) -> float:
    assert mine is not None
    assert other is not None
    return ((mine - other).abs().max() / other.abs().max()).item()


def peak(plain: bool, clips: int, values: int) -> tuple[float, float]:
    """Seconds of a step, and the greatest resident size above that before it, MB: to be called in a new process."""
    torch.manual_seed(0)
    module = TemporalModule()
    network = Plain(module) if plain else module
    x = torch.randn(clips, values)
    before = _resident("VmRSS")
    took = seconds(lambda: training_step(network, x))
    return took, _resident("VmHWM") - before


def _resident(which: str) -> float:
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(which)) / 1024


def in_new_process(plain: bool, clips: int, values: int) -> tuple[float, float]:
    """What `peak` returns."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(peak, plain, clips, values).result()


def main() -> None:
    """Print all."""
    torch.manual_seed(0)
    ours = TemporalModule()
    plain = Plain(ours)
    fixed, learnt = torch.randn(CLIPS, VALUES), torch.randn(CLIPS, VALUES, requires_grad=True)
    print(f"{CLIPS} clips of {VALUES:,}, {torch.get_num_threads()} threads, torch {torch.__version__}")
    for what, x in (("s a step", fixed), ("s a step with the input's gradient", learnt)):
        networks = {"perceiver-pytorch": plain, "painlit": ours}
        times = in_turn({name: lambda n=net: training_step(n, x) for name, net in networks.items()}, ROUNDS)  # type: ignore[misc] # noqa: B023
        told = [f"{name} {statistics.median(t):.2f} ({min(t):.2f}-{max(t):.2f})" for name, t in times.items()]
        ratio = statistics.median(times["perceiver-pytorch"]) / statistics.median(times["painlit"])
        print(f"{what}, median (range) of {ROUNDS}: {', '.join(told)}; ratio {ratio:.2f}", flush=True)
    outputs, parameters, inputs = greatest_difference(ours, plain, fixed)
    print(
        f"greatest difference: outputs {outputs:.1e}, gradients of parameters {parameters:.1e}, of inputs {inputs:.1e}"
    )
    peaks = [in_new_process(kind, CLIPS, VALUES)[1] for kind in (True, False)]
    print(f"peak memory, MB: perceiver-pytorch {peaks[0]:.0f}, painlit {peaks[1]:.0f}; ratio {peaks[0] / peaks[1]:.2f}")
    print("one clip of painlit's, in new processes:")
    for values in LONGER:
        took, memory = in_new_process(False, 1, values)
        print(f"  {values:7,} tokens: {took:.2f} s a step, {memory:.0f} MB", flush=True)
