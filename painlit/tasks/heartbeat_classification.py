"""ECG pretraining: which kind of heartbeat is it? The Heart Rate Encoder, with a head for each collection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor
from torchmetrics import MetricCollection
from torchmetrics.classification import (
    MulticlassAccuracy,
    MulticlassConfusionMatrix,
    MulticlassF1Score,
    MulticlassPrecision,
    MulticlassRecall,
)

from painlit.config import EcgTraining, HeartRateEncoderConfig, group
from painlit.native.training import train_on_backend
from painlit.tasks.multitask import MultitaskClassification
from painlit.training.schedule import adamw_warmup_cosine
from painlit.weights.networks import build_heart_rate_encoder

BEAT_MEAN, BEAT_SCALE = 0.2, 0.225
"""Subtracted from a beat's values in 0..1, and then divided by: about mean and standard deviation of MIT-BIH's beats.

The encoder so reads numbers of mean 0 and spread 1 here and, with `PainModel`'s (bpm - 75) / 15, for pain, at positions
from -1 to 1 in both: what its weights have learnt of values and positions is on one scale.
"""


class HeartbeatClassification(MultitaskClassification):
    """Heartbeat classification on one collection or several at once (paper section 3.4).

    Batches: `beats` (B, n) float32 in 0..1, `label` (B,) and `task` (B,) int64, the position of the beat's collection.
    The loss is the sum over collections of their cross-entropies, in which a class counts by its frequency to the
    power -`balance`, on average over beats once.

    Args:
        classes: Of each collection, in the order of `task`, its classes in label order.
        counts: Of each collection, training beats of each class; None takes all classes for equally frequent.
        balance: See above; `ecg.class_weights`.
        encoder: Sizes of the Heart Rate Encoder.
        train: How it is trained.
        seed: Of the initial weights.

    Shapes:
        beats (B, n) in 0..1 -> embeddings (B, output_dim).
    """

    inputs = "beats"

    def __init__(
        self,
        classes: Mapping[str, Sequence[str]],
        counts: Sequence[Sequence[int]] | None = None,
        *,
        balance: float = 0.25,
        encoder: HeartRateEncoderConfig | Mapping[str, Any] | None = None,
        train: EcgTraining | Mapping[str, Any] | None = None,
        seed: int = 0,
    ):
        super().__init__()
        encoder, self.train_settings = group(HeartRateEncoderConfig, encoder), group(EcgTraining, train)
        self.classes = {name: list(kinds) for name, kinds in classes.items()}
        counts = [[1] * len(kinds) for kinds in self.classes.values()] if counts is None else [list(c) for c in counts]
        self.save_hyperparameters(
            {"classes": self.classes, "counts": counts, "balance": balance, "encoder": asdict(encoder),
             "train": asdict(self.train_settings), "seed": seed}
        )  # fmt: skip
        torch.manual_seed(seed)
        self.network = build_heart_rate_encoder(encoder)
        train_on_backend(self.network, self.train_settings)
        self.add_heads({name: len(kinds) for name, kinds in classes.items()}, encoder.output_dim, _scores)
        for (name, kinds), count in zip(self.classes.items(), counts, strict=True):
            self.register_buffer(f"weights_{name}", class_weights(count, balance), persistent=False)
            # In the checkpoint, so that a run stopped after its last epoch still has its figures.
            self.register_buffer(f"confusion_{name}", torch.zeros(len(kinds), len(kinds), dtype=torch.int64))

    def forward(self, beats: Tensor) -> Tensor:
        """Embeddings of beats."""
        return self.network((beats - BEAT_MEAN) / BEAT_SCALE)

    def class_weights(self, name: str) -> Tensor:
        """By frequency, see `balance`."""
        return self.get_buffer(f"weights_{name}")

    def total_loss(self, losses: list[Tensor]) -> Tensor:
        """Their sum."""
        return torch.stack(losses).sum()

    def logged(self, name: str, values: dict[str, Tensor]) -> dict[str, Tensor]:
        """Accuracy and macro F1, and sensitivity and positive predictivity of each class."""
        self.get_buffer(f"confusion_{name}").copy_(values.pop("confusion"))
        for key in ("sensitivity", "positive_predictivity"):
            by_class = zip(self.classes[name], values.pop(key), strict=True)
            values |= {f"{kind}/{key}": value for kind, value in by_class}
        return values

    def confusion(self, collection: str) -> list[list[int]]:
        """Beats of the last validation or test epoch: rows are true classes, columns predicted ones."""
        return self.get_buffer(f"confusion_{collection}").tolist()

    def configure_optimizers(self) -> Any:
        """AdamW, warm-up and cosine."""
        return adamw_warmup_cosine(self, self.train_settings)


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


def _scores(classes: int) -> MetricCollection:
    return MetricCollection(
        {
            "accuracy": MulticlassAccuracy(classes, average="micro"),
            "macro_f1": MulticlassF1Score(classes, average="macro"),
            "sensitivity": MulticlassRecall(classes, average="none"),
            "positive_predictivity": MulticlassPrecision(classes, average="none"),
            "confusion": MulticlassConfusionMatrix(classes),
        }
    )
