"""One pretraining run: train with what the pretraining stages share, then leave weights and metrics."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from lightning import Callback, LightningDataModule, LightningModule, Trainer
from torch import nn

from painlit.config import Config
from painlit.config.training import PretrainingTraining
from painlit.system.files import write_json
from painlit.training.callbacks import StepProgress
from painlit.training.checkpoints import ResumePoint
from painlit.training.trainer import Run, end_logging, fit, quiet_lightning
from painlit.weights.files import save_weights


def is_first_process() -> bool:
    """Whether this process is the one that leaves files; Lightning and torchrun start the others with a rank."""
    return int(os.environ.get("RANK", os.environ.get("LOCAL_RANK", "0"))) == 0


def pretrain(
    module: LightningModule,
    data: LightningDataModule,
    training: PretrainingTraining,
    run: Run,
    callbacks: Sequence[Callback] = (),
) -> tuple[Trainer, dict[str, float]]:
    """Train to the last epoch, on one process or many, going on where an earlier run was stopped.

    Args:
        module: What to train.
        data: What it learns from.
        training: Epochs, batches, processes.
        run: Its folder and names.
        callbacks: Of this stage alone.

    Returns:
        The trainer, and the last epoch's metrics.
    """
    quiet_lightning()
    devices = "auto" if training.devices == "auto" else int(training.devices)
    on_cpu = training.accelerator == "cpu" or torch.accelerator.current_accelerator(check_available=True) is None
    if devices == "auto" and on_cpu:
        devices = 1
    trainer = fit(
        module,
        data,
        training,
        run,
        resume=ResumePoint(run.folder / "checkpoints" / "last.ckpt", steps=training.checkpoint_steps),
        callbacks=[StepProgress(run.kind), *callbacks],
        devices=devices,
        strategy="auto" if devices == 1 else "ddp",
        use_distributed_sampler=False,  # MixedBatches and Passes divide batches themselves
        gradient_clip_val=training.clip_gradient or None,
    )
    end_logging(trainer)
    return trainer, {key: float(value) for key, value in sorted(trainer.callback_metrics.items())}


def leave_results(
    config: Config,
    run: Run,
    networks: Mapping[str, nn.Module],
    metrics: Mapping[str, float],
    about: Mapping[str, Any],
    started: float,
) -> None:
    """Write weights/<network>.safetensors with their JSON, then metrics.json, which says that the run is finished.

    Args:
        config: The run's.
        run: Its folder and kind.
        networks: Name of the file -> network.
        metrics: Of the last epoch.
        about: What the JSON tells besides: data, sizes, normalisation, the weights it started from.
        started: time.monotonic() when the run began.
    """
    record = {"stage": run.kind, **about, "metrics": finite(metrics), "config": config.to_dict()}
    for name, network in networks.items():
        save_weights(run.folder / "weights" / f"{name}.safetensors", network, record)
    seconds = round(time.monotonic() - started, 1)
    write_json(run.folder / "metrics.json", {**finite(metrics), "seconds": seconds})


def finite(metrics: Mapping[str, float]) -> dict[str, float | None]:
    """Metrics as JSON knows them: null where a value is not a number."""
    return {key: value if math.isfinite(value) else None for key, value in metrics.items()}
