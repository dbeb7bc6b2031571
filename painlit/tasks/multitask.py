"""What classification on several data sets at once shares: one network, a head, a loss and scores for each set."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lightning import LightningModule
from torch import Tensor, nn
from torchmetrics import MetricCollection

from painlit.models.heads import SoftmaxHead
from painlit.training.distributed_loss import EpochMean, mean_cross_entropy


class MultitaskClassification(LightningModule):
    """Steps, predictions and logs; a stage adds its network, and how the sets' losses are combined.

    Batches: what the network reads under `inputs`, `label` (B,) and `task` (B,) int64, the position of the item's set;
    items of sets behind those that have a head have no label.
    """

    inputs: str
    """Key of the batch that `forward` reads."""

    def add_heads(self, classes: Mapping[str, int], size: int, scores: Callable[[int], MetricCollection]) -> None:
        """A head for each set.

        Args:
            classes: Of each set, in the order of `task`, its number of classes.
            size: Of an embedding.
            scores: The metrics of so many classes.
        """
        self.heads = nn.ModuleDict({name: SoftmaxHead(size, n) for name, n in classes.items()})
        self.scores = nn.ModuleDict({name: scores(n) for name, n in classes.items()})
        self.train_losses = nn.ModuleDict({name: EpochMean() for name in classes})

    def class_weights(self, name: str) -> Tensor | None:
        """Factors of the losses of a set's classes, (classes,)."""
        return None

    def more_losses(self, batch: dict[str, Any], embeddings: Tensor) -> list[Tensor]:
        """Losses of a training batch besides those of the sets' labels."""
        return []

    def score_more(self, batch: dict[str, Any], embeddings: Tensor) -> None:
        """Take in a validation batch for scores besides those of the sets' labels."""
        return

    def total_loss(self, losses: list[Tensor]) -> Tensor:
        """One loss out of those of the sets."""
        raise NotImplementedError

    def training_step(self, batch: dict[str, Any], index: int) -> Tensor:
        """Loss of a training batch."""
        embeddings = self(batch[self.inputs])
        losses = []
        for task, (name, head) in enumerate(self.heads.items()):
            mine = batch["task"] == task
            logits, labels = head(embeddings[mine]), batch["label"][mine]
            losses.append(mean_cross_entropy(logits, labels, self.trainer, self.class_weights(name)))
            self.train_losses[name].update(losses[-1].detach())  # type: ignore[operator]
        if self.trainer.is_last_batch:
            for name, metric in self.train_losses.items():
                self.log(f"train/{name}/loss", metric.take(), on_step=False, on_epoch=True)  # type: ignore[operator]
        return self.total_loss(losses + self.more_losses(batch, embeddings))

    def validation_step(self, batch: dict[str, Any], index: int) -> None:
        """Scores of a validation batch."""
        embeddings = self(batch[self.inputs])
        for task, (name, head) in enumerate(self.heads.items()):
            mine = batch["task"] == task
            if mine.any():
                self.scores[name].update(head(embeddings[mine]), batch["label"][mine])  # type: ignore[operator]
        self.score_more(batch, embeddings)

    test_step = validation_step

    def predict_step(self, batch: dict[str, Any], index: int) -> dict[str, Tensor]:
        """Embeddings, (B, D), and of each set the probabilities of its classes, (B, classes), for all items."""
        embeddings = self(batch[self.inputs])
        return {"embedding": embeddings.float()} | {
            name: head(embeddings).float().softmax(-1) for name, head in self.heads.items()
        }

    def on_validation_epoch_end(self) -> None:
        """Log the scores of each set."""
        self.log_scores("val")

    def on_test_epoch_end(self) -> None:
        """The same of test items."""
        self.log_scores("test")

    def log_scores(self, stage: str) -> None:
        """Log the scores under val/ or test/, and begin anew."""
        for name, scores in self.scores.items():
            values = scores.compute()  # type: ignore[operator]
            scores.reset()  # type: ignore[operator]
            self.log_dict({f"{stage}/{name}/{key}": value for key, value in self.logged(name, values).items()})

    def logged(self, name: str, values: dict[str, Tensor]) -> dict[str, Tensor]:
        """What is logged of a set's scores, single values."""
        return values
