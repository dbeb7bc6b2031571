"""Learning curves of a fold: loss and accuracy on its training clips and its test clips, over epochs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
import torch.nn.functional as F
from lightning import Callback, LightningModule, Trainer

from painlit.loso.training_results import CURVES

Batch = dict[str, torch.Tensor]
POINTS = 50
"""At most so many epochs are evaluated: a pass over the test clips each, which a fold of hundreds does not notice."""


class LearningCurves(Callback):
    """Records loss and accuracy of the training epoch, and those of the test clips after it.

    Those of training are the epoch's running means: of weights that change, with augmentations. Those of the test clips
    are of the weights at its end. Neither affects training: weights and random numbers of the next epoch are the
    same without. The records are kept in checkpoints, so that a stopped fold goes on with it.

    Args:
        held_out: Gives batches of the test clips, anew for each evaluation: a loader's processes do not wait for the
            next one. None where nobody is tested.
        epochs: Of the training.
    """

    def __init__(self, held_out: Callable[[], Iterable[Batch]] | None, epochs: int):
        self.rows: list[dict[str, float]] = []
        self._held_out, self._every = held_out, math.ceil(epochs / POINTS)

    def state_dict(self) -> dict[str, Any]:
        """The rows so far."""
        return {"rows": self.rows}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on with those of a checkpoint."""
        self.rows = list(state_dict["rows"])

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Record the epoch, if it is one to evaluate."""
        epoch = trainer.current_epoch + 1
        if epoch % self._every and epoch != trainer.max_epochs:
            return
        values = [float(trainer.callback_metrics[f"train/{name}"]) for name in ("loss", "accuracy")]
        if self._held_out is not None:
            values += _loss_and_accuracy(trainer, pl_module, self._held_out())
        self.rows.append({"epoch": epoch, **dict(zip(CURVES, values, strict=False))})


def _loss_and_accuracy(trainer: Trainer, module: LightningModule, batches: Iterable[Batch]) -> tuple[float, float]:
    """Mean cross-entropy and accuracy of the module as it is tested; it goes on as it was."""
    training = [part for part in module.modules() if part.training]
    module.eval()
    loss, hits, clips = 0.0, 0, 0
    with torch.no_grad(), trainer.precision_plugin.forward_context():
        for batch in batches:
            batch = trainer.strategy.batch_to_device(batch)
            scores, labels = module(batch).float(), batch["label"]
            loss += float(F.cross_entropy(scores, labels, reduction="sum"))
            hits += int((scores.argmax(1) == labels).sum())
            clips += len(labels)
    for part in training:
        part.training = True
    return loss / clips, hits / clips
