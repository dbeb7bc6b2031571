"""Checkpoints that are whole or absent, of finite weights, and from which only their own training goes on."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import torch
from lightning import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.plugins.io import CheckpointIO, TorchCheckpointIO
from torch import Tensor

from painlit.errors import PainlitError
from painlit.runs.artefact import DamagedError, seal, unseal
from painlit.system.files import atomic_path


class SealedCheckpointIO(TorchCheckpointIO):
    """Checkpoints that are whole or absent on any file system, and belong to one training.

    Args:
        made_from: What the training depends on; a checkpoint made from anything else is refused.
        remedy: What to do about one that is damaged or belongs elsewhere.
    """

    def __init__(self, made_from: Any, remedy: str):
        super().__init__()
        self.made_from, self.remedy = made_from, remedy

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any | None = None) -> None:
        """Write beside `path`, then rename."""
        content = io.BytesIO()  # torch's own error on a full disk is no OSError, and names neither
        torch.save(seal(checkpoint, self.made_from), content)
        with atomic_path(Path(path)) as temporary:
            temporary.write_bytes(content.getbuffer())

    def load_checkpoint(self, path: Any, map_location: Any = "cpu", weights_only: bool | None = True) -> dict[str, Any]:
        """Read a checkpoint, as tensors and plain values alone whatever Lightning requests.

        Raises:
            PainlitError: It is damaged, edited, or of another training.
        """
        try:
            sealed = torch.load(path, map_location, weights_only=True)
        except Exception as error:  # whatever a damaged file makes of torch's reader
            raise DamagedError(f"{path} is damaged: {error!r}", self.remedy) from error
        return unseal(Path(path), sealed, self.remedy, self.made_from)


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
    """Keeps the best epoch as best.ckpt, and finds it again when the run's folder was moved between stop and resume."""

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


class EndOnDivergence(Callback):
    """Ends a training whose loss or weights are no longer finite, before anything of it is saved.

    Args:
        key: Full key of its group of settings.
        folder: Of the run.
        every: Steps between two checks of the losses, which wait for the device; each checkpoint is one too.
    """

    def __init__(self, key: str, folder: Path, every: int = 50):
        self.key, self.folder, self.every = key, folder, every
        self._broken: Tensor | None = None

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Note whether the loss is finite."""
        loss = outputs["loss"] if isinstance(outputs, dict) else outputs
        broken = ~loss.detach().isfinite().all()
        self._broken = broken if self._broken is None else self._broken | broken
        if (batch_idx + 1) % self.every == 0:
            self._check(trainer)

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Check, in all processes at the same time, before metrics are computed."""
        self._check(trainer)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Check where there is no validation."""
        self._check(trainer)

    def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Check the weights that would be saved; they are the same in all processes."""
        if not all(tensor.isfinite().all() for tensor in checkpoint["state_dict"].values()):
            self._end(trainer, "weights")

    def _check(self, trainer: Trainer) -> None:
        if self._broken is not None and bool(trainer.strategy.reduce(self._broken.float(), reduce_op="sum")):
            self._end(trainer, "loss")

    def _end(self, trainer: Trainer, what: str) -> None:
        raise PainlitError(
            f"{self.folder}: the training diverged, its {what} is no longer finite by step {trainer.global_step}",
            f"lower {self.key}.lr or set {self.key}.precision=32-true, and give this run another name=… or delete "
            f"{self.folder}",
        )


def load_best(module: LightningModule, folder: Path, checkpoints: CheckpointIO) -> int:
    """Load the selected epoch's weights into `module` and return that epoch, counted from 1."""
    checkpoint = checkpoints.load_checkpoint(folder / "checkpoints" / "best.ckpt")
    module.load_state_dict(checkpoint["state_dict"])
    return int(checkpoint["epoch"]) + 1
