"""`make loso ARGS=--dry-run`: which folds there are, and how long they would take, from a handful of timed steps."""

from __future__ import annotations

import io
import math
import tempfile
import time
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from lightning import Callback, LightningModule, Trainer
from torch.utils.flop_counter import FlopCounterMode

from painlit.config import Config, LogConfig
from painlit.loso.data import FoldData
from painlit.loso.engines.local import fold_slots, gpu_count
from painlit.loso.finished import is_finished
from painlit.loso.fold import fold_parts
from painlit.loso.progress import read_epoch
from painlit.loso.protocols import Fold, with_selection
from painlit.native.training import train_on_backend
from painlit.system.processes import cores
from painlit.training.checkpoints import ResumePoint
from painlit.training.trainer import Run, fit, quiet_lightning

WARM_UP, TIMED = 3, 10
"""Steps not counted, and steps counted."""
WORKERS = (1, 8, 64)
"""Numbers of workers to estimate hours for, beside the one configured."""


@dataclass(frozen=True)
class Estimate:
    """What the pending folds of a run would take."""

    state: dict[str, str]
    """Fold -> finished, epoch k of n, or not begun."""
    steps: int
    """Optimizer steps of the pending folds."""
    step_seconds: float
    """Median seconds of a step here, one fold alone on this machine's share of cores or on one GPU."""
    start_seconds: float
    """Seconds from a fold's start to its first step, without imports."""
    step_flops: int
    """Floating-point operations of a step: matrix products, forward and backward, as torch runs them here."""
    workers: int
    """Folds at once as configured."""
    device: str
    """What the steps were timed on."""

    @property
    def pending(self) -> int:
        """Folds that are not finished."""
        return sum(state != "finished" for state in self.state.values())

    def hours(self, workers: int) -> float:
        """Wall time in h with so many workers like the one timed; the last folds may run on fewer."""
        if not self.pending:
            return 0.0
        rounds = math.ceil(self.pending / workers)
        return rounds * (self.steps / self.pending * self.step_seconds + self.start_seconds) / 3600


def estimate(config: Config, data: FoldData, folds: Sequence[Fold], place: Path) -> Estimate:
    """Check the folds, and time a few steps of the first pending one in a folder that is deleted again.

    Args:
        config: The run's configuration.
        data: All usable clips, and what models start from.
        folds: The chosen ones.
        place: folds/ of the run.
    """
    state, epochs_left = {}, {}
    for fold in folds:
        saved = (place / fold.name / "checkpoints" / "last.ckpt").is_file()
        epoch = read_epoch(place / fold.name) if saved else 0
        state[fold.name] = f"epoch {epoch} of {config.train.epochs}" if epoch else "not begun"
        behind = epoch % config.train.checkpoint_every if epoch < config.train.epochs else 0  # it goes on from there
        epochs_left[fold.name] = config.train.epochs - epoch + behind
        if is_finished(place / fold.name):
            state[fold.name], epochs_left[fold.name] = "finished", 0
    pending = [fold for fold in folds if epochs_left[fold.name]]
    workers = fold_slots(config, gpu_count(config), len(folds))
    if not pending:
        return Estimate(state, 0, 0.0, 0.0, 0, workers, "nothing")
    threads = 1 if config.loso.engine == "ray" else max(1, cores() // workers)
    timed = _timed_steps(config, data, pending[0], config.loso.threads or threads)
    per_epoch = {f.name: math.ceil(len(data.clips.of_subjects(f.train)) / config.train.batch_size) for f in pending}
    steps = sum(epochs_left[name] * count for name, count in per_epoch.items())
    return Estimate(state, steps, workers=workers, **timed)


def print_estimate(config: Config, found: Estimate) -> None:
    """Print the folds and the hours."""
    for name, state in found.state.items():
        print(f"  {name}: {state}")
    print(f"{len(found.state)} folds, {found.pending} to run, {found.workers} at once on this machine")
    if config.loso.engine == "ray" and config.loso.workers is None:
        print("  a Ray cluster runs as many at once as it has room for: find its number of workers below")
    if not found.pending:
        return
    print(
        f"{found.steps:,} steps of {found.step_seconds:.4g} s on {found.device}, {found.step_flops / 1e9:.4g} GFLOP; "
        f"{found.step_flops * found.steps:.3g} FLOP in all; {found.start_seconds:.1f} s to start a fold"
    )
    for workers in sorted({found.workers, *WORKERS}):
        print(f"  {workers} worker{'s' * (workers > 1)} like this one: {found.hours(workers):.4g} h")
    print("  folds cannot be divided: beyond as many workers as folds nothing gets faster")
    if config.loso.folds_per_gpu > 1:
        print("  one fold alone was timed; folds that share a GPU slow each other, which is not counted")


class _StepTimes(Callback):
    """Seconds of each step, the device's work included, and that device: after training the module leaves it."""

    def __init__(self) -> None:
        self.device = torch.device("cpu")
        self.first = 0.0
        self.seconds: list[float] = []
        self._before = 0.0

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, *_: Any) -> None:
        self.device = pl_module.device
        self.first = self.first or time.monotonic()
        self._before = time.monotonic()

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *_: Any) -> None:
        if pl_module.device.type == "cuda":
            torch.cuda.synchronize(pl_module.device)
        self.seconds.append(time.monotonic() - self._before)


def _timed_steps(config: Config, data: FoldData, fold: Fold, threads: int) -> dict[str, Any]:
    quiet_lightning()
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    started = time.monotonic()
    silent = replace(config, log=LogConfig(wandb="disabled"))
    times = _StepTimes()
    try:
        with tempfile.TemporaryDirectory() as folder, redirect_stdout(io.StringIO()):
            fold = with_selection(fold, config.loso.selection, config.loso.inner_share, config.seed)
            module, divided = fold_parts(silent, fold, data)
            run = Run(Path(folder), group="dry run", name=fold.name, kind="dry run", config=silent)
            never = ResumePoint(Path(folder) / "last.ckpt", epochs=config.train.epochs + 1)
            steps = WARM_UP + TIMED
            fit(module, divided, silent.train, run, resume=never, callbacks=[times], devices=1, max_steps=steps)
        one = {key: values[:1].to(module.device) for key, values in next(iter(divided.train_dataloader())).items()}
        train_on_backend(module, replace(config.train, backend="torch"))  # the counter does not see C++
        with FlopCounterMode(display=False) as counter:
            module.train()(one).sum().backward()
    finally:
        torch.set_num_threads(before)
    counted = sorted(times.seconds[WARM_UP:] or times.seconds)
    device = torch.cuda.get_device_name() if times.device.type == "cuda" else f"{threads} CPU threads"
    return {
        "step_seconds": counted[len(counted) // 2],
        "start_seconds": times.first - started,
        "step_flops": config.train.batch_size * counter.get_total_flops(),
        "device": device,
    }
