"""Lightning's Trainer as every stage here uses it: atomic checkpoints, exact resume, one line an epoch, W&B."""

from __future__ import annotations

import io
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from lightning import Callback, LightningModule, Trainer
from lightning.fabric.plugins.environments import LightningEnvironment
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import Logger, WandbLogger
from lightning.pytorch.plugins.io import TorchCheckpointIO

from painlit.build import check_accelerator
from painlit.config import Config, Training
from painlit.errors import PainlitError
from painlit.files import atomic_path
from painlit.progress import progress_bar
from painlit.tracking import check_credentials, run_settings

_KNOWN_WARNINGS = (
    ".*does not have many workers.*",  # gathering rows of a mapped array needs no worker processes
    ".*smaller than the logging interval.*",  # small sets have few steps
    ".*Checkpoint directory .* exists and is not empty.*",
    "Total length of `list` across ranks is zero.*",  # a run without selection has no validation clips
    ".*isinstance.treespec, LeafSpec.*",  # Lightning's own affair with torch
    ".*your dataloader is not resumable.*",  # ours starts where the checkpoint says (MixedBatches.go_on)
)


class AtomicCheckpointIO(TorchCheckpointIO):
    """Checkpoints that are whole or absent, on any file system."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any | None = None) -> None:
        """Write beside `path`, then rename."""
        with atomic_path(Path(path)) as temporary:
            content = io.BytesIO()  # torch's own error on a full disk is no OSError, and names neither
            torch.save(checkpoint, content)
            temporary.write_bytes(content.getbuffer())


class ResumePoint(Callback):
    """Saves everything a stopped run needs to go on: every few epochs, or every few steps and after each epoch.

    Args:
        path: Of the checkpoint.
        epochs: Epochs between two; the last epoch always ends with one.
        steps: Steps between two within an epoch; none for None.
    """

    def __init__(self, path: Path, epochs: int = 1, steps: int | None = None):
        self.path, self.epochs, self.steps = path, epochs, steps

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *_: Any) -> None:
        """Save if it is time."""
        if self.steps and trainer.global_step % self.steps == 0:
            trainer.save_checkpoint(self.path)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save if it is time."""
        epoch = trainer.current_epoch + 1
        if epoch % self.epochs == 0 or epoch == trainer.max_epochs:
            trainer.save_checkpoint(self.path)


class BestEpoch(ModelCheckpoint):
    """Keeps the best epoch as best.ckpt, and knows it again when the run's folder was moved between stop and resume."""

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Lightning drops the best score if the folder is called otherwise; here its files are looked for beside us."""
        moved = dict(state_dict, dirpath=self.dirpath)
        for key in ("best_model_path", "kth_best_model_path", "last_model_path"):
            moved[key] = self._here(state_dict[key])
        moved["best_k_models"] = {self._here(path): score for path, score in state_dict["best_k_models"].items()}
        super().load_state_dict(moved)

    def _here(self, path: str) -> str:
        assert self.dirpath is not None
        return str(Path(self.dirpath) / Path(path).name) if path else path


class EpochLines(Callback):
    """One line of metrics an epoch, for log.txt and terminals alike; those of single classes are left to the logger."""

    def __init__(self) -> None:
        self._started = time.monotonic()

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Print the epoch's metrics."""
        if not trainer.is_global_zero:
            return
        values = {k: float(v) for k, v in trainer.callback_metrics.items() if k.count("/") < 3}
        text = "  ".join(f"{key} {value:.4f}" for key, value in sorted(values.items()))
        seconds = time.monotonic() - self._started
        print(f"epoch {trainer.current_epoch + 1}/{trainer.max_epochs}  {text}  {seconds:.0f} s", flush=True)


class TrainingTime(Callback):
    """Seconds within the training loop of this process: no set-up, no predictions."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._started = 0.0

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start the clock."""
        self._started = time.monotonic()

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Stop it."""
        self.seconds = time.monotonic() - self._started


class StepProgress(Callback):
    """A progress bar over all steps of a training that takes hours."""

    def __init__(self, title: str):
        self.title = title
        self._bar = ExitStack()
        self._advance: Callable[[], None] | None = None

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Show what an earlier process has done already."""
        if trainer.is_global_zero:
            total = int(trainer.estimated_stepping_batches)
            self._advance = self._bar.enter_context(progress_bar(self.title, total, done=trainer.global_step))

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *_: Any) -> None:
        """One more."""
        if self._advance is not None:
            self._advance()

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Done."""
        self._bar.close()

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Leave the terminal as it was."""
        self._bar.close()


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


def fit(
    module: LightningModule,
    data: Any,
    training: Training,
    run: Run,
    *,
    resume: ResumePoint,
    callbacks: Sequence[Callback] = (),
    select: bool = False,
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
        trainer_options: More of Lightning's.

    Returns:
        The trainer, for predictions and its last metrics.
    """
    every: list[Callback] = [EpochLines(), *callbacks, resume]
    if select:
        best = BestEpoch(
            resume.path.parent,
            "best",
            monitor="val/accuracy",
            mode="max",
            save_weights_only=True,
            enable_version_counter=False,
            save_on_train_epoch_end=False,  # after validation, so that last.ckpt knows this epoch's score
        )
        every.append(best)
    with warnings.catch_warnings():
        for message in _KNOWN_WARNINGS:
            warnings.filterwarnings("ignore", message=message)
        check_accelerator(training)
        trainer = Trainer(
            max_epochs=training.epochs,
            accelerator=training.accelerator,
            precision=training.precision,  # type: ignore[arg-type]
            logger=_logger(run),
            callbacks=every,
            plugins=[AtomicCheckpointIO(), LightningEnvironment()],
            enable_checkpointing=select,
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
            default_root_dir=run.folder,
            **trainer_options,
        )
        for part in resume.path.parent.glob(".*.part"):  # a checkpoint that was being written when its process died
            part.unlink(missing_ok=True)
        last = _readable(resume.path) if resume.path.is_file() else None
        try:
            trainer.fit(module, data, ckpt_path=last, weights_only=True)
        except SystemExit as stop:
            if isinstance(stop.__context__, KeyboardInterrupt):  # Lightning's answer to Ctrl-C; ours is in the command
                raise KeyboardInterrupt from stop
            raise
    return trainer


def end_logging(trainer: Trainer) -> None:
    """End this run in Weights & Biases, so that the next one in the same process gets its own."""
    if trainer.is_global_zero and isinstance(trainer.logger, WandbLogger):
        trainer.logger.experiment.finish()


def _readable(checkpoint: Path) -> Path:
    try:
        torch.load(checkpoint, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever a damaged file makes of torch's reader
        raise PainlitError(
            f"{checkpoint} is damaged: {error!r}", "delete it: this training then starts anew"
        ) from error
    return checkpoint


def load_best(module: LightningModule, folder: Path) -> int:
    """Load the selected epoch's weights into `module` and return that epoch, counted from 1."""
    checkpoint = torch.load(folder / "checkpoints" / "best.ckpt", map_location="cpu", weights_only=True)
    module.load_state_dict(checkpoint["state_dict"])
    return int(checkpoint["epoch"]) + 1


def _logger(run: Run) -> Logger | bool:
    log = run.config.log
    if log.wandb == "disabled":
        return False
    check_credentials(log)
    return WandbLogger(
        **run_settings(log, run.folder, run.group, run.name, run.kind),
        offline=log.wandb == "offline",
        save_dir=run.folder,
        config=run.config.to_dict(),
    )


def quiet_lightning() -> None:
    """Keep Lightning's tips and device lines out of the output; its warnings stay."""
    import logging

    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.WARNING if sys.flags.dev_mode == 0 else logging.INFO)
