"""How long fine-tuning waits for data: share of the training loop's time in which it fetches a batch.

The real loop on an embedding cache of the paper's size, 138 frames of 100 values, batches of 32, with Lightning's own
profiler; once with the cache in memory and once with its file dropped from memory before each epoch (Linux), as after a
start of the machine. Beside it ms a batch, from which the share follows for any device. Other `key=value` arguments
reach the configuration.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from lightning.pytorch.profilers import SimpleProfiler

from experiments.bench.data import RUNS, given, sized
from experiments.bench.paper_scale import random_data
from experiments.bench.rows import Row
from painlit.config import Config, load
from painlit.loso.data import FoldData
from painlit.loso.fold import fold_parts
from painlit.loso.protocols import Fold
from painlit.training.checkpoints import ResumePoint
from painlit.training.trainer import Run, fit, quiet_lightning

PLACE = RUNS / "waiting"
SUBJECTS, CLIPS_PER_CLASS = sized(8, 2), 20
ROUNDS = sized(3, 1)
SETTINGS = (f"runs={PLACE}", "model.temporal.weights=untrained", "model.heart_rate_encoder.weights=untrained",
            "train.epochs=1", "train.warmup_epochs=0", "log.wandb=disabled")  # fmt: skip
WAITING, ALL = "[_TrainingEpochLoop].train_dataloader_next", "run_training_epoch"
"""As Lightning's profiler calls them."""


def epoch(config: Config, data: FoldData) -> tuple[float, list[float]]:
    """Seconds of an epoch, and those in which it waited for each batch."""
    module, data = fold_parts(config, Fold("all", tuple(data.clips.subject_names), ()), data)
    shutil.rmtree(PLACE / "run", ignore_errors=True)
    run, profiler = Run(PLACE / "run", "waiting", "waiting", "fold", config), SimpleProfiler()
    resume = ResumePoint(run.folder / "last.ckpt", config.train.checkpoint_every)
    fit(module, data, config.train, run, resume=resume, devices=1, profiler=profiler)
    return sum(profiler.recorded_durations[ALL]), profiler.recorded_durations[WAITING]


def drop_from_memory(folder: Path) -> None:
    """Let the system forget what it has read of the files."""
    for path in folder.iterdir():
        with open(path, "rb") as handle:
            os.fsync(handle.fileno())
            os.posix_fadvise(handle.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def main() -> list[Row]:
    """Print the shares."""
    quiet_lightning()
    shutil.rmtree(PLACE, ignore_errors=True)
    config = load([*SETTINGS, *given()])
    data = random_data(config, SUBJECTS, CLIPS_PER_CLASS)
    data.setup()
    found: dict[str, list[tuple[float, list[float]]]] = {"in memory": [], "on the disk": []}
    for _ in range(ROUNDS):
        for where, taken in found.items():
            if where == "on the disk" and data.sources.embeddings:
                drop_from_memory(data.sources.embeddings.folder)
            taken.append(epoch(config, data))
    shutil.rmtree(PLACE)
    rows = []
    for where, taken in found.items():
        shares = [100 * sum(waited) / whole for whole, waited in taken]
        batches = [1e3 * seconds for _, waited in taken for seconds in waited]
        rows += [
            Row.of(f"waiting for data, cache {where}", shares, "% of the loop"),
            Row.of(f"a batch, cache {where}", batches, "ms"),
        ]
        print(
            f"  cache {where}: waits {rows[-2].median:.2f} % ({min(shares):.2f} to {max(shares):.2f}) of "
            f"{taken[0][0]:.1f} s, {rows[-1].median:.1f} ms a batch (most {max(batches):.1f})"
        )
    return rows
