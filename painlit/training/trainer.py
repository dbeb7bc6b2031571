"""Lightning's Trainer as every stage here uses it: atomic checkpoints, exact resume, one line an epoch, W&B."""

from __future__ import annotations

import signal
import sys
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from lightning import Callback, LightningModule, Trainer
from lightning.fabric.plugins.environments import LightningEnvironment

from painlit.config import Config, Training
from painlit.errors import TerminatedError
from painlit.runs.tracking import check_credentials, run_settings
from painlit.system.devices import check_accelerator
from painlit.training.callbacks import CommandsSigterm, EpochLines
from painlit.training.checkpoints import BestEpoch, EndOnDivergence, ResumePoint, SealedCheckpointIO
from painlit.training.run_logger import RunLogger, Tracking

_KNOWN_WARNINGS = (
    ".*does not have many workers.*",  # gathering rows of a mapped array needs no worker processes
    ".*smaller than the logging interval.*",  # small sets have few steps
    ".*Checkpoint directory .* exists and is not empty.*",
    "Total length of `list` across ranks is zero.*",  # a run without selection has no validation clips
    ".*isinstance.treespec, LeafSpec.*",  # internal to Lightning and torch
    ".*your dataloader is not resumable.*",  # the data module is: it keeps in the checkpoint how much was drawn
)


@dataclass(frozen=True)
class Run:
    """Where a training belongs: its folder, and its names in Weights & Biases."""

    folder: Path
    """Gets checkpoints/."""
    group: str
    name: str
    kind: str
    """Job type: fold, pretrain-stage1, ..."""
    config: Config
    """All settings, for the record."""
    made_from: Any = None
    """What the training depends on; it goes on only from a checkpoint of the same."""
    more: Mapping[str, Any] = field(default_factory=dict)
    """Recorded with them."""


def fit(
    module: LightningModule,
    data: Any,
    training: Training,
    run: Run,
    *,
    resume: ResumePoint,
    callbacks: Sequence[Callback] = (),
    select: bool = False,
    plugins: Sequence[Any] = (),
    **trainer_options: Any,
) -> Trainer:
    """Train to the last epoch, going on from the resume point if it is there.

    Args:
        module: What to train.
        data: Its LightningDataModule.
        training: Epochs, precision, accelerator.
        run: Folder and names.
        resume: Where and how often to save.
        callbacks: More of them.
        select: Keep the best epoch by val/accuracy too, as checkpoints/best.ckpt.
        plugins: Lightning's; the environment of its processes if it is another than this process alone.
        trainer_options: More of Lightning's.

    Returns:
        The trainer, for predictions and its last metrics.

    Raises:
        PainlitError: The training diverged, or the checkpoint is damaged or of another training.
    """
    every: list[Callback] = [
        EndOnDivergence(training.key, run.folder),
        CommandsSigterm(),
        EpochLines(),
        *callbacks,
        resume,
    ]
    checkpoints = SealedCheckpointIO(run.made_from, "delete it: this training then starts anew")
    if select:
        best = BestEpoch(
            resume.path.parent,
            "best",
            monitor="val/accuracy",
            mode="max",
            save_weights_only=True,
            enable_version_counter=False,
            save_on_train_epoch_end=False,  # after validation, so that last.ckpt holds this epoch's score
        )
        every.append(best)
    with warnings.catch_warnings():
        for message in _KNOWN_WARNINGS:
            warnings.filterwarnings("ignore", message=message)
        check_accelerator(f"{training.key}.accelerator", training.accelerator)
        logger = _logger(run)
        if logger:
            every.append(Tracking(logger))
        trainer = Trainer(
            max_epochs=training.epochs,
            accelerator=training.accelerator,
            precision=training.precision,  # type: ignore[arg-type]
            logger=logger,
            callbacks=every,
            plugins=[checkpoints, *(plugins or [LightningEnvironment()])],
            enable_checkpointing=select,
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
            default_root_dir=run.folder,
            **trainer_options,
        )
        for part in resume.path.parent.glob(".*.part"):  # a checkpoint that was being written when its process died
            part.unlink(missing_ok=True)
        last = resume.path if resume.path.is_file() else None
        try:
            trainer.fit(module, data, ckpt_path=last, weights_only=True)
        except SystemExit as stop:  # Lightning's reactions, both silent; ours are in the command
            if isinstance(stop.__context__, KeyboardInterrupt):
                raise KeyboardInterrupt from stop
            raise TerminatedError(signal.SIGTERM) from stop
    return trainer


def _logger(run: Run) -> RunLogger | Literal[False]:
    log = run.config.log
    if log.wandb == "disabled":
        return False
    check_credentials(log)
    settings = run_settings(run.config, run.folder, run.group, run.name, run.kind, run.more)
    return RunLogger(run.folder, log.wandb == "offline", **settings)


def quiet_lightning() -> None:
    """Keep Lightning's tips and device lines out of the output; its warnings stay."""
    import logging

    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.WARNING if sys.flags.dev_mode == 0 else logging.INFO)
