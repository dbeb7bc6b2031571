"""Stage 2: which expression is it? One trunk, a head for each data set, losses weighted by uncertainty (eq. 12)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import torch
from lightning import LightningModule
from torch import Tensor, nn
from torchmetrics import MetricCollection
from torchmetrics.classification import MulticlassAccuracy, MulticlassF1Score, MulticlassRecall

from painlit.config import SpatialConfig, Stage2Training, group
from painlit.losses import UncertaintyWeightedLoss
from painlit.models.heads import SoftmaxHead
from painlit.models.normalisation import MEAN, STD, Normalise
from painlit.training.distributed_loss import EpochMean, mean_cross_entropy
from painlit.training.schedule import adamw_warmup_cosine
from painlit.weights.networks import build_spatial_module


class EmotionMultitask(LightningModule):
    """Emotion recognition on several data sets at once (paper section 3.4).

    Batches: `images` (B, 3, S, S) uint8 RGB, `label` (B,) and `task` (B,) int64, the position of the image's data set.
    A training batch has images of every data set.

    Args:
        classes: Of each data set, in the order of `task`, its number of classes.
        spatial: Sizes and normalisation.
        train: How it is trained.
        seed: Of the initial weights.

    Shapes:
        images (B, 3, S, S) uint8 -> embeddings (B, D).
    """

    def __init__(
        self,
        classes: Mapping[str, int],
        *,
        spatial: SpatialConfig | Mapping[str, Any] | None = None,
        train: Stage2Training | Mapping[str, Any] | None = None,
        seed: int = 0,
    ):
        super().__init__()
        spatial, self.train_settings = group(SpatialConfig, spatial), group(Stage2Training, train)
        self.save_hyperparameters(
            {"classes": dict(classes), "spatial": asdict(spatial), "train": asdict(self.train_settings), "seed": seed}
        )
        torch.manual_seed(seed)
        self.normalise = Normalise(spatial.mean or MEAN, spatial.std or STD, spatial.local_contrast)
        self.network = build_spatial_module(spatial, self.train_settings.drop_path)
        self.heads = nn.ModuleDict({name: SoftmaxHead(spatial.embed_dim, n) for name, n in classes.items()})
        self.weighting = UncertaintyWeightedLoss(len(classes))
        self.train_losses = nn.ModuleDict({name: EpochMean() for name in classes})
        self.scores = nn.ModuleDict({name: _scores(n) for name, n in classes.items()})

    def forward(self, images: Tensor) -> Tensor:
        """Embeddings of face crops."""
        return self.network(self.normalise(images))

    def training_step(self, batch: dict[str, Any], index: int) -> Tensor:
        """Weighted loss of a training batch."""
        embeddings = self(batch["images"])
        losses = []
        for task, (name, head) in enumerate(self.heads.items()):
            mine = batch["task"] == task
            loss = mean_cross_entropy(head(embeddings[mine]), batch["label"][mine], self.trainer)
            self.train_losses[name].update(loss.detach())  # type: ignore[operator]
            losses.append(loss)
        if self.trainer.is_last_batch:
            for (name, metric), weight in zip(self.train_losses.items(), self.weighting.weights, strict=True):
                self.log(f"train/{name}/loss", metric.take(), on_step=False, on_epoch=True)  # type: ignore[operator]
                self.log(f"train/{name}/weight", weight, on_step=False, on_epoch=True)
        return self.weighting(torch.stack(losses))

    def validation_step(self, batch: dict[str, Any], index: int) -> None:
        """Scores of a batch of validation images."""
        embeddings = self(batch["images"])
        for task, (name, head) in enumerate(self.heads.items()):
            mine = batch["task"] == task
            if mine.any():
                self.scores[name].update(head(embeddings[mine]), batch["label"][mine])  # type: ignore[operator]

    test_step = validation_step

    def predict_step(self, batch: dict[str, Any], index: int) -> dict[str, Tensor]:
        """Embeddings, (B, D), and of each data set the probabilities of its classes, (B, classes), for all images."""
        embeddings = self(batch["images"])
        return {"embedding": embeddings.float()} | {
            name: head(embeddings).float().softmax(-1) for name, head in self.heads.items()
        }

    def on_validation_epoch_end(self) -> None:
        """Log accuracy, macro F1 and mean recall of each task."""
        self._log_scores("val")

    def on_test_epoch_end(self) -> None:
        """The same of test images."""
        self._log_scores("test")

    def _log_scores(self, stage: str) -> None:
        for name, scores in self.scores.items():
            values = scores.compute()  # type: ignore[operator]
            self.log_dict({f"{stage}/{name}/{key}": value for key, value in values.items()})
            scores.reset()  # type: ignore[operator]

    def configure_optimizers(self) -> Any:
        """AdamW, warm-up and cosine; no weight decay on the losses' weights, which it would draw to 1."""
        return adamw_warmup_cosine(self, self.train_settings, without_decay=self.weighting)


def _scores(classes: int) -> MetricCollection:
    return MetricCollection(
        {
            "accuracy": MulticlassAccuracy(classes, average="micro"),
            "macro_f1": MulticlassF1Score(classes, average="macro"),
            "mean_recall": MulticlassRecall(classes, average="macro"),
        }
    )
