"""A training step of the Temporal-Module at the paper's size: time, memory and exactness beside perceiver-pytorch.

13,800 scalar tokens, 256 latents of width 128, batches of 32, forward and backward, the same weights, by torch and as
with `train.backend=native`. Steps alternate in one process, without and with the gradient of the input, which AugmNet
needs. Peak memory is the greatest resident size of a process of its own (Linux), above that before its first step.
"""

import statistics

import torch
from torch import Tensor, nn

from experiments.bench.data import sized
from experiments.bench.models import paired_parameters, plain_perceiver, training_step
from experiments.bench.resident import Cost, in_new_process
from experiments.bench.rows import Row
from experiments.bench.timing import in_turn
from painlit.config import TrainConfig
from painlit.models import TemporalModule
from painlit.native.training import train_on_backend

CLIPS, VALUES = sized(32, 4), 13_800
ROUNDS = sized(9, 1)
PEER = "perceiver-pytorch"
OURS = ("painlit", NATIVE := "painlit, native")


class Plain(nn.Module):
    """perceiver-pytorch's network, with the weights of ours and its input (B, N)."""

    def __init__(self, module: TemporalModule):
        super().__init__()
        self.network = plain_perceiver(module)

    def forward(self, x: Tensor) -> Tensor:
        """Class scores, (B, num_classes)."""
        return self.network(x.unsqueeze(-1))


def as_in_training(module: TemporalModule, native: bool) -> TemporalModule:
    """The module, on the back end that it is to be trained by."""
    train_on_backend(module, TrainConfig(backend="native" if native else "torch"))
    return module


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


def step_cost(name: str, clips: int, values: int) -> Cost:
    """Of a first training step of a network of `main`: to be called in a new process."""
    torch.manual_seed(0)
    module = as_in_training(TemporalModule(), native=name == NATIVE)
    network = Plain(module) if name == PEER else module
    x = torch.randn(clips, values)
    return Cost.of(lambda: training_step(network, x))


def main() -> list[Row]:
    """Print all."""
    torch.manual_seed(0)
    ours = TemporalModule()
    plain, natively = Plain(ours), as_in_training(TemporalModule(), native=True)
    natively.load_state_dict(ours.state_dict())
    fixed, learnt = torch.randn(CLIPS, VALUES), torch.randn(CLIPS, VALUES, requires_grad=True)
    print(f"{CLIPS} clips of {VALUES:,}, {torch.get_num_threads()} threads, torch {torch.__version__}")
    rows = []
    for what, x in (("s a step", fixed), ("s a step with the input's gradient", learnt)):
        networks = {PEER: plain, "painlit": ours, NATIVE: natively}
        times = in_turn({name: lambda n=net: training_step(n, x) for name, net in networks.items()}, ROUNDS)  # type: ignore[misc] # noqa: B023
        ranges = [f"{name} {statistics.median(t):.2f} ({min(t):.2f}-{max(t):.2f})" for name, t in times.items()]
        rows += [Row.of(f"{name}, {what}", t, "s", PEER, times[PEER]) for name, t in times.items()]
        ratios = ", ".join(f"{statistics.median(times[PEER]) / statistics.median(times[name]):.2f}" for name in OURS)
        print(f"{what}, median (range) of {ROUNDS}: {', '.join(ranges)}; ratios {ratios}", flush=True)
    for name, network in ((OURS[0], ours), (NATIVE, natively)):
        outputs, parameters, inputs = greatest_difference(network, plain, fixed)
        print(
            f"{name}: greatest difference of outputs {outputs:.1e}, of parameters' gradients {parameters:.1e}, of the "
            f"input's {inputs:.1e}"
        )
    peaks = {name: in_new_process(step_cost, name, CLIPS, VALUES).megabytes for name in (PEER, *OURS)}
    for name, memory in peaks.items():
        rows.append(Row.of(f"{name}, peak memory", [memory], "MB", PEER, [peaks[PEER]]))
        print(f"{name}: peak memory {memory:.0f} MB, ratio {peaks[PEER] / memory:.2f}")
    return rows
