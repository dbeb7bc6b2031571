"""Stage 2: which expression is it? One trunk, a head for each data set, losses weighted by uncertainty (eq. 12)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from lightning import LightningModule
from torch import Tensor, nn
from torchmetrics import MeanMetric, MetricCollection
from torchmetrics.classification import MulticlassAccuracy, MulticlassF1Score, MulticlassRecall

from painlit.config import Config, from_dict
from painlit.losses import UncertaintyWeightedLoss
from painlit.models.heads import SoftmaxHead
from painlit.models.normalisation import MEAN, STD, Normalise
from painlit.training.distributed_loss import mean_cross_entropy
from painlit.training.schedule import adamw_warmup_cosine
from painlit.weights.networks import build_spatial_module


class EmotionMultitask(LightningModule):
    """Emotion recognition on several data sets at once (paper section 3.4).

    Args:
        config: `Config.to_dict()`; a plain dict, so that checkpoints hold plain types.
        classes: Of each data set, in the order of the batches' `task`, its number of classes.

    Shapes:
        images (B, 3, S, S) uint8 -> embeddings (B, D).
    """

    def __init__(self, config: dict[str, Any], classes: Mapping[str, int]):
        super().__init__()
        self.save_hyperparameters()
        self.config: Config = from_dict(config)
        torch.manual_seed(self.config.seed)
        spatial = self.config.spatial
        self.normalise = Normalise(spatial.mean or MEAN, spatial.std or STD, spatial.local_contrast)
        self.network = build_spatial_module(spatial, self.config.stage2.train.drop_path)
        self.heads = nn.ModuleDict({name: SoftmaxHead(spatial.embed_dim, n) for name, n in classes.items()})
        self.weighting = UncertaintyWeightedLoss(len(classes))
        self.train_losses = nn.ModuleDict({name: MeanMetric() for name in classes})
        for metric in self.train_losses.values():
            metric.persistent(True)  # type: ignore[operator]  # so that a run stopped within an epoch reports all of it
        self.val_metrics = nn.ModuleDict({name: _metrics(n) for name, n in classes.items()})

    def forward(self, images: Tensor) -> Tensor:
        """Embeddings of face crops."""
        return self.network(self.normalise(images))

    def training_step(self, batch: dict[str, Any], index: int) -> Tensor:
        """Weighted loss of a batch of `FaceImages` with images of every set."""
        embeddings = self(batch["images"])
        losses = []
        for task, (name, head) in enumerate(self.heads.items()):
            mine = batch["task"] == task
            loss = mean_cross_entropy(head(embeddings[mine]), batch["label"][mine], self.trainer)
            self.train_losses[name].update(loss.detach())  # type: ignore[operator]
            losses.append(loss)
        if self.trainer.is_last_batch:  # not left to Lightning, which would lose the half before a stop
            self._log_training()
        return self.weighting(torch.stack(losses))

    def _log_training(self) -> None:
        """Each task's mean loss in this epoch and its weight now."""
        for (name, metric), weight in zip(self.train_losses.items(), self.weighting.weights, strict=True):
            self.log(f"train/{name}/loss", metric.compute(), on_step=False, on_epoch=True)  # type: ignore[operator]
            self.log(f"train/{name}/weight", weight, on_step=False, on_epoch=True)
            metric.reset()  # type: ignore[operator]

    def validation_step(self, batch: dict[str, Any], index: int) -> None:
        """Scores of a batch of validation images."""
        embeddings = self(batch["images"])
        for task, (name, head) in enumerate(self.heads.items()):
            mine = batch["task"] == task
            if mine.any():
                self.val_metrics[name].update(head(embeddings[mine]), batch["label"][mine])  # type: ignore[operator]

    def on_validation_epoch_end(self) -> None:
        """Log accuracy, macro F1 and mean recall of each task."""
        for name, metrics in self.val_metrics.items():
            values = metrics.compute()  # type: ignore[operator]
            self.log_dict({f"val/{name}/{key}": value for key, value in values.items()})
            metrics.reset()  # type: ignore[operator]

    def configure_optimizers(self) -> Any:
        """AdamW, warm-up and cosine; no weight decay on the losses' weights, which it would draw to 1."""
        training = self.config.stage2.train
        # Not Lightning's estimate, which makes the loader before the checkpoint tells where it goes on.
        steps_per_epoch = self.trainer.datamodule.steps_per_epoch  # type: ignore[attr-defined]
        groups = [
            {"params": [*self.network.parameters(), *self.heads.parameters()]},
            {"params": list(self.weighting.parameters()), "weight_decay": 0.0},
        ]
        return adamw_warmup_cosine(groups, training, steps_per_epoch)


def _metrics(classes: int) -> MetricCollection:
    return MetricCollection(
        {
            "accuracy": MulticlassAccuracy(classes, average="micro"),
            "macro_f1": MulticlassF1Score(classes, average="macro"),
            "mean_recall": MulticlassRecall(classes, average="macro"),
        }
    )
