"""A training step of the Temporal-Module at the paper's size: time, memory and exactness beside perceiver-pytorch.

13,800 scalar tokens, 256 latents of width 128, batches of 32, forward and backward, the same weights. Steps alternate
in one process, without and with the gradient of the input, which AugmNet needs. Peak memory is the greatest resident
size of a process of its own (Linux), above that before its first step.
"""

import statistics

import torch
from torch import Tensor, nn

from experiments.bench.data import sized
from experiments.bench.models import paired_parameters, plain_perceiver, training_step
from experiments.bench.resident import Cost, in_new_process
from experiments.bench.rows import Row
from experiments.bench.timing import in_turn
from painlit.models import TemporalModule

CLIPS, VALUES = sized(32, 4), 13_800
ROUNDS = sized(5, 1)
PEER = "perceiver-pytorch"


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


def step_cost(plain: bool, clips: int, values: int) -> Cost:
    """Of a first training step: to be called in a new process."""
    torch.manual_seed(0)
    module = TemporalModule()
    network = Plain(module) if plain else module
    x = torch.randn(clips, values)
    return Cost.of(lambda: training_step(network, x))


def main() -> list[Row]:
    """Print all."""
    torch.manual_seed(0)
    ours = TemporalModule()
    plain = Plain(ours)
    fixed, learnt = torch.randn(CLIPS, VALUES), torch.randn(CLIPS, VALUES, requires_grad=True)
    print(f"{CLIPS} clips of {VALUES:,}, {torch.get_num_threads()} threads, torch {torch.__version__}")
    rows = []
    for what, x in (("s a step", fixed), ("s a step with the input's gradient", learnt)):
        networks = {PEER: plain, "painlit": ours}
        times = in_turn({name: lambda n=net: training_step(n, x) for name, net in networks.items()}, ROUNDS)  # type: ignore[misc] # noqa: B023
        ranges = [f"{name} {statistics.median(t):.2f} ({min(t):.2f}-{max(t):.2f})" for name, t in times.items()]
        rows += [Row.of(f"{name}, {what}", t, "s", PEER, times[PEER]) for name, t in times.items()]
        print(
            f"{what}, median (range) of {ROUNDS}: {', '.join(ranges)}; ratio {rows[-1].times_the_peers:.2f}", flush=True
        )
    outputs, parameters, inputs = greatest_difference(ours, plain, fixed)
    print(
        f"greatest difference: outputs {outputs:.1e}, gradients of parameters {parameters:.1e}, of inputs {inputs:.1e}"
    )
    peaks = [in_new_process(step_cost, kind, CLIPS, VALUES).megabytes for kind in (True, False)]
    print(f"peak memory, MB: perceiver-pytorch {peaks[0]:.0f}, painlit {peaks[1]:.0f}; ratio {peaks[0] / peaks[1]:.2f}")
    for name, memory in zip((PEER, "painlit"), peaks, strict=True):
        rows.append(Row.of(f"{name}, peak memory", [memory], "MB", PEER, peaks[:1]))
    return rows
