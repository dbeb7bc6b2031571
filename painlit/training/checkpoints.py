"""Checkpoints that are whole or absent, and from which a stopped run goes on."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import torch
from lightning import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.plugins.io import TorchCheckpointIO

from painlit.errors import PainlitError
from painlit.system.files import atomic_path


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

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Save if it is time, never with half a step's gradients in memory."""
        whole = (batch_idx + 1) % trainer.accumulate_grad_batches == 0 or trainer.is_last_batch
        if self.steps and whole and trainer.global_step % self.steps == 0:
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


def check_readable(checkpoint: Path) -> Path:
    """The checkpoint's path, if it can be read.

    Raises:
        PainlitError: It is damaged.
    """
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
