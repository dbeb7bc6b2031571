"""ECG pretraining: which kind of heartbeat is it? The Heart Rate Encoder, with a head for each collection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from lightning import LightningModule
from torch import Tensor, nn
from torchmetrics import MeanMetric, MetricCollection
from torchmetrics.classification import (
    MulticlassAccuracy,
    MulticlassConfusionMatrix,
    MulticlassF1Score,
    MulticlassPrecision,
    MulticlassRecall,
)

from painlit.config import Config, from_dict
from painlit.models.heads import SoftmaxHead
from painlit.training.distributed_loss import mean_cross_entropy
from painlit.training.schedule import adamw_warmup_cosine
from painlit.weights.networks import build_heart_rate_encoder

BEAT_MEAN, BEAT_SCALE = 0.2, 0.225
"""Subtracted from a beat's values in 0..1, and then divided by: about mean and standard deviation of MIT-BIH's beats.

The encoder so reads numbers of mean 0 and spread 1 here and, with `PainModel`'s (bpm - 75) / 15, for pain, at positions
from -1 to 1 in both: what its weights have learnt of values and positions is on one scale.
"""


class HeartbeatClassification(LightningModule):
    """Heartbeat classification on one collection or several at once (paper section 3.4).

    The loss is the sum over collections of their cross-entropies, in which a class counts by its frequency to the power
    -`ecg.class_weights`, on average over beats once.

    Args:
        config: `Config.to_dict()`; a plain dict, so that checkpoints hold plain types.
        classes: Of each collection, in the order of the batches' `task`, its classes in label order.
        counts: Of each collection, training beats of each class.

    Shapes:
        beats (B, n) in 0..1 -> embeddings (B, output_dim).
    """

    def __init__(self, config: dict[str, Any], classes: Mapping[str, Sequence[str]], counts: Sequence[Sequence[int]]):
        super().__init__()
        self.save_hyperparameters()
        self.config: Config = from_dict(config)
        self.classes = dict(classes)
        torch.manual_seed(self.config.seed)
        encoder = self.config.model.heart_rate_encoder
        self.network = build_heart_rate_encoder(encoder)
        self.heads = nn.ModuleDict({name: SoftmaxHead(encoder.output_dim, len(c)) for name, c in classes.items()})
        self.val_metrics = nn.ModuleDict({name: _metrics(len(c)) for name, c in classes.items()})
        self.train_losses = nn.ModuleDict({name: MeanMetric() for name in classes})
        for metric in self.train_losses.values():
            metric.persistent(True)  # type: ignore[operator]  # so that a run stopped within an epoch reports all of it
        for (name, names), count in zip(classes.items(), counts, strict=True):
            weights = class_weights(count, self.config.ecg.class_weights)
            self.register_buffer(f"weights_{name}", weights, persistent=False)
            # In the checkpoint, so that a run stopped after its last epoch still knows its figures.
            self.register_buffer(f"confusion_{name}", torch.zeros(len(names), len(names), dtype=torch.int64))

    def forward(self, beats: Tensor) -> Tensor:
        """Embeddings of beats."""
        return self.network((beats - BEAT_MEAN) / BEAT_SCALE)

    def training_step(self, batch: dict[str, Any], index: int) -> Tensor:
        """Loss of a batch with beats of every collection."""
        embeddings = self(batch["beats"])
        total = embeddings.new_zeros(())
        for task, (name, head) in enumerate(self.heads.items()):
            mine = batch["task"] == task
            weights = self.get_buffer(f"weights_{name}")
            loss = mean_cross_entropy(head(embeddings[mine]), batch["label"][mine], self.trainer, weights)
            self.train_losses[name].update(loss.detach())  # type: ignore[operator]
            total = total + loss
        if self.trainer.is_last_batch:  # not left to Lightning, which would lose the half before a stop
            for name, metric in self.train_losses.items():
                self.log(f"train/{name}/loss", metric.compute(), on_step=False, on_epoch=True)  # type: ignore[operator]
                metric.reset()  # type: ignore[operator]
        return total

    def validation_step(self, batch: dict[str, Any], index: int) -> None:
        """Scores of a batch of validation beats."""
        embeddings = self(batch["beats"])
        for task, (name, head) in enumerate(self.heads.items()):
            mine = batch["task"] == task
            if mine.any():
                self.val_metrics[name].update(head(embeddings[mine]), batch["label"][mine])  # type: ignore[operator]

    def on_validation_epoch_end(self) -> None:
        """Log accuracy and macro F1 of each collection, and sensitivity and positive predictivity of each class."""
        for name, metrics in self.val_metrics.items():
            values = metrics.compute()  # type: ignore[operator]
            metrics.reset()  # type: ignore[operator]
            self.get_buffer(f"confusion_{name}").copy_(values.pop("confusion"))
            for key in ("sensitivity", "positive_predictivity"):
                for kind, value in zip(self.classes[name], values.pop(key), strict=True):
                    self.log(f"val/{name}/{kind}/{key}", value)
            self.log_dict({f"val/{name}/{key}": value for key, value in values.items()})

    def confusion(self, collection: str) -> list[list[int]]:
        """Validation beats of the last epoch: rows are true classes, columns predicted ones."""
        return self.get_buffer(f"confusion_{collection}").tolist()

    def configure_optimizers(self) -> Any:
        """AdamW, warm-up and cosine."""
        # Not Lightning's estimate, which makes the loader before the checkpoint tells where it goes on.
        steps_per_epoch = self.trainer.datamodule.steps_per_epoch  # type: ignore[attr-defined]
        return adamw_warmup_cosine(self.parameters(), self.config.ecg.train, steps_per_epoch)


def class_weights(counts: Sequence[int], power: float) -> Tensor:
    """Factors n^-power of the classes' losses, scaled so that their mean over all beats is 1.

    Args:
        counts: Training beats of each class, all positive.
        power: 0 gives ones, 1 makes the classes' shares of the loss equal.

    >>> class_weights([900, 100], power=1.0)
    tensor([0.5556, 5.0000])
    """
    n = torch.tensor(counts, dtype=torch.float64)
    weights = n**-power
    return (weights * n.sum() / (weights * n).sum()).float()


def _metrics(classes: int) -> MetricCollection:
    return MetricCollection(
        {
            "accuracy": MulticlassAccuracy(classes, average="micro"),
            "macro_f1": MulticlassF1Score(classes, average="macro"),
            "sensitivity": MulticlassRecall(classes, average="none"),
            "positive_predictivity": MulticlassPrecision(classes, average="none"),
            "confusion": MulticlassConfusionMatrix(classes),
        }
    )
