"""Lightning's Trainer as every stage here uses it: atomic checkpoints, exact resume, one line an epoch, W&B."""

from __future__ import annotations

import hashlib
import io
import os
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import torch
from lightning import Callback, LightningModule, Trainer
from lightning.fabric.plugins.environments import LightningEnvironment
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import Logger, WandbLogger
from lightning.pytorch.plugins.io import TorchCheckpointIO

from painlit.config import Config
from painlit.errors import PainlitError
from painlit.files import atomic_path


class AtomicCheckpointIO(TorchCheckpointIO):
    """Checkpoints that are whole or absent, on any file system."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any | None = None) -> None:
        """Write beside `path`, then rename."""
        with atomic_path(Path(path)) as temporary:
            content = io.BytesIO()  # torch's own error on a full disk is no OSError, and names neither
            torch.save(checkpoint, content)
            temporary.write_bytes(content.getbuffer())


class ResumePoint(Callback):
    """Saves everything a stopped run needs to go on, every few epochs and after the last one."""

    def __init__(self, path: Path, every: int):
        self.path = path
        self.every = every

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save if it is time."""
        epoch = trainer.current_epoch + 1
        if epoch % self.every == 0 or epoch == trainer.max_epochs:
            trainer.save_checkpoint(self.path)


class EpochLines(Callback):
    """One line of metrics an epoch, for log.txt and terminals alike."""

    def __init__(self) -> None:
        self._started = time.monotonic()

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Print the epoch's metrics."""
        values = {k: float(v) for k, v in trainer.callback_metrics.items()}
        text = "  ".join(f"{key} {value:.4f}" for key, value in sorted(values.items()))
        seconds = time.monotonic() - self._started
        print(f"epoch {trainer.current_epoch + 1}/{trainer.max_epochs}  {text}  {seconds:.0f} s", flush=True)


def fit(
    module: LightningModule, data: Any, config: Config, folder: Path, *, group: str, name: str, select: bool = False
) -> Trainer:
    """Train to the last epoch, going on from folder/checkpoints/last.ckpt if it is there.

    Args:
        module: What to train.
        data: Its LightningDataModule.
        config: Epochs, precision, accelerator, logging.
        folder: Gets checkpoints/.
        group: Group of the W&B run.
        name: Name of the W&B run.
        select: Keep the best epoch by val/accuracy too, as checkpoints/best.ckpt.

    Returns:
        The trainer, for predictions.
    """
    checkpoints = folder / "checkpoints"
    last = checkpoints / "last.ckpt"
    callbacks: list[Callback] = [EpochLines(), ResumePoint(last, config.train.checkpoint_every)]
    if select:
        best = ModelCheckpoint(
            checkpoints,
            "best",
            monitor="val/accuracy",
            mode="max",
            save_weights_only=True,
            enable_version_counter=False,
            save_on_train_epoch_end=False,  # after validation, so that last.ckpt knows this epoch's score
        )
        callbacks.append(best)
    with warnings.catch_warnings():
        # Gathering rows of a mapped array needs no worker processes, a small set has fewer steps than a log interval, a
        # run without selection has no validation clips, and the last is Lightning's own affair with torch.
        warnings.filterwarnings("ignore", message=".*does not have many workers.*")
        warnings.filterwarnings("ignore", message=".*smaller than the logging interval.*")
        warnings.filterwarnings("ignore", message=".*Checkpoint directory .* exists and is not empty.*")
        warnings.filterwarnings("ignore", message="Total length of `list` across ranks is zero.*")
        warnings.filterwarnings("ignore", message=".*isinstance.treespec, LeafSpec.*")
        trainer = Trainer(
            max_epochs=config.train.epochs,
            accelerator=config.train.accelerator,
            devices=1,
            precision=config.train.precision,  # type: ignore[arg-type]
            logger=_logger(config, folder, group, name),
            callbacks=callbacks,
            plugins=[AtomicCheckpointIO(), LightningEnvironment()],
            enable_checkpointing=select,
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
            default_root_dir=folder,
        )
        try:
            trainer.fit(module, data, ckpt_path=_readable(last) if last.is_file() else None, weights_only=True)
        except SystemExit as stop:
            if isinstance(stop.__context__, KeyboardInterrupt):  # Lightning's answer to Ctrl-C; ours is in the command
                raise KeyboardInterrupt from stop
            raise
    return trainer


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


def _logger(config: Config, folder: Path, group: str, name: str) -> Logger | bool:
    if config.log.wandb == "disabled":
        return False
    os.environ.setdefault("WANDB_SILENT", "true")
    os.environ.setdefault("WANDB_CONSOLE", "off")  # the fold's own log.txt has it
    identity = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]  # the same run when a fold goes on
    return WandbLogger(
        project=config.log.project,
        name=name,
        group=group,
        job_type="fold",
        id=identity,
        resume="allow",
        offline=config.log.wandb == "offline",
        save_dir=folder,
        config=config.to_dict(),
    )


def quiet_lightning() -> None:
    """Keep Lightning's tips and device lines out of the output; its warnings stay."""
    import logging

    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.WARNING if sys.flags.dev_mode == 0 else logging.INFO)
