"""The one runner of stages: lock, fingerprint, configuration, "already finished", training, weights, metrics last."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lightning import Callback, LightningDataModule, LightningModule
from torch import nn

from painlit.config import Config
from painlit.config.training import PretrainingTraining
from painlit.runs.artefact import read_artefact, write_artefact
from painlit.runs.folder import check_fingerprint, fingerprint, run_lock
from painlit.runs.provenance import save_config
from painlit.runs.tracking import end_logging, log_weights, sync_command
from painlit.system.processes import process_rank
from painlit.training.callbacks import StepProgress
from painlit.training.checkpoints import ResumePoint
from painlit.training.cluster import trainer_options
from painlit.training.trainer import Run, fit, quiet_lightning
from painlit.weights.files import save_weights


@dataclass(frozen=True)
class StageResult:
    """What a stage left."""

    folder: Path
    weights: Path
    metrics: dict[str, Any]


@dataclass(frozen=True)
class Trained:
    """What the work of a stage gives the runner to write."""

    networks: Mapping[str, nn.Module]
    """Name of the weights file -> network."""
    metrics: Mapping[str, Any]
    about: Mapping[str, Any] = field(default_factory=dict)
    """Further content of the weights' JSON: data, sizes, normalisation, the weights it started from."""


def run_stage(
    stage: str,
    config: Config,
    results: Sequence[str],
    made_from: Mapping[str, Any],
    weights: str,
    work: Callable[[Run], Trained],
) -> StageResult:
    """Do the work of a stage in its run folder, unless it is finished.

    In several processes all do the work, and the first one writes.

    Args:
        stage: Such as pretrain-stage1.
        config: The configuration.
        results: What the stage makes, as `painlit.config.affects` names it.
        made_from: Digests of data and of weights it starts from.
        weights: Name of the weights file that later stages look for.
        work: Trains; a stopped training goes on where it was.

    Raises:
        PainlitError: Another process works there, or the folder holds work of another configuration or data.
    """
    started = time.monotonic()
    folder = config.folder(stage)
    result, finished = folder / "weights" / f"{weights}.safetensors", folder / "metrics.json"
    first = process_rank() == 0
    with run_lock(folder) if first else nullcontext():
        now = fingerprint(config, made_from, *results)
        if first:
            check_fingerprint(folder, now)
        if finished.is_file():
            metrics = read_artefact(finished, f"delete {folder} and run `make {stage}` again", now)
            print(f"{folder} is finished; give name=… for another run")
            return StageResult(folder, result, metrics)
        if first:
            save_config(config, folder)
        trained = work(Run(folder, group=stage, name=folder.name, kind=stage, config=config, made_from=now))
        metrics = {**finite(trained.metrics), "seconds": round(time.monotonic() - started, 1)}
        if first:
            about = {"stage": stage, **trained.about, "metrics": finite(trained.metrics), "config": config.to_dict()}
            paths = [result.with_name(f"{name}.safetensors") for name in trained.networks]
            for path, network in zip(paths, trained.networks.values(), strict=True):
                save_weights(path, network, about)
            log_weights(config.log, folder, paths)
            end_logging(config.log)
            write_artefact(finished, metrics, now)  # last: it marks the run as finished
            print(f"weights: {result}")
            if config.log.wandb == "offline":
                print(f"to send what was logged: {sync_command(folder)}")
    return StageResult(folder, result, metrics)


def pretrain(
    module: LightningModule,
    data: LightningDataModule,
    training: PretrainingTraining,
    run: Run,
    callbacks: Sequence[Callback] = (),
) -> dict[str, float]:
    """Train to the last epoch, in one process or many, going on where an earlier run was stopped.

    Args:
        module: What to train.
        data: What it learns from.
        training: Epochs, batches, processes.
        run: Its folder and names.
        callbacks: Of this stage alone.

    Returns:
        The last epoch's metrics.
    """
    quiet_lightning()
    trainer = fit(
        module,
        data,
        training,
        run,
        resume=ResumePoint(run.folder / "checkpoints" / "last.ckpt", steps=training.checkpoint_steps),
        callbacks=[StepProgress(run.kind), *callbacks],
        gradient_clip_val=training.clip_gradient or None,
        accumulate_grad_batches=training.passes,
        **trainer_options(training),
    )
    return {key: float(value) for key, value in sorted(trainer.callback_metrics.items())}


def finite(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Metrics as JSON: null where a value is not a number."""
    return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in metrics.items()}
