"""Stage 2: which expression is it? One trunk, a head for each data set, losses weighted by uncertainty (eq. 12)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor
from torchmetrics import MeanMetric, MetricCollection
from torchmetrics.classification import MulticlassAccuracy, MulticlassF1Score, MulticlassRecall

from painlit.config import SpatialConfig, Stage2Training, group
from painlit.images.teacher import TEACHER
from painlit.losses import UncertaintyWeightedLoss
from painlit.models.heads import TeacherHead
from painlit.models.normalisation import MEAN, STD, Normalise
from painlit.native.training import train_on_backend
from painlit.tasks.multitask import MultitaskClassification
from painlit.training.distributed_loss import EpochMean, mean_over_all
from painlit.training.schedule import adamw_warmup_cosine
from painlit.weights.networks import build_spatial_module


class EmotionMultitask(MultitaskClassification):
    """Emotion recognition on several data sets at once (paper section 3.4).

    Batches: `images` (B, 3, S, S) uint8 RGB, `label` (B,) and `task` (B,) int64, the position of the image's data set.
    A training batch has images of every data set. With a teacher (`painlit.images.teacher`) also `teacher` (B, K), its
    outputs for the images; the mean squared error of a linear map to these is one more loss, over all images, including
    those of sets without labels.

    Args:
        classes: Of each data set, in the order of `task`, its number of classes.
        teacher: Values that a teacher gives of each image, K; 0 without one.
        spatial: Sizes and normalisation.
        train: How it is trained.
        seed: Of the initial weights.

    Shapes:
        images (B, 3, S, S) uint8 -> embeddings (B, D).
    """

    inputs = "images"

    def __init__(
        self,
        classes: Mapping[str, int],
        *,
        teacher: int = 0,
        spatial: SpatialConfig | Mapping[str, Any] | None = None,
        train: Stage2Training | Mapping[str, Any] | None = None,
        seed: int = 0,
    ):
        super().__init__()
        spatial, self.train_settings = group(SpatialConfig, spatial), group(Stage2Training, train)
        self.save_hyperparameters(
            {"classes": dict(classes), "teacher": teacher, "spatial": asdict(spatial),
             "train": asdict(self.train_settings), "seed": seed}
        )  # fmt: skip
        torch.manual_seed(seed)
        self.normalise = Normalise(spatial.mean or MEAN, spatial.std or STD, spatial.local_contrast)
        self.network = build_spatial_module(spatial, self.train_settings)
        train_on_backend(self.network, self.train_settings)
        self.add_heads(classes, spatial.embed_dim, _scores)
        self.teacher: TeacherHead | None = None
        if teacher:
            self.teacher = TeacherHead(spatial.embed_dim, teacher)
            self.teacher_loss, self.teacher_error = EpochMean(), MeanMetric()
        self.weighting = UncertaintyWeightedLoss(len(classes) + (teacher > 0))

    def forward(self, images: Tensor) -> Tensor:
        """Embeddings of face crops."""
        return self.network(self.normalise(images))

    def more_losses(self, batch: dict[str, Any], embeddings: Tensor) -> list[Tensor]:
        """Loss on the teacher's outputs, if there is one."""
        if self.teacher is None:
            return []
        errors = self.teacher(embeddings, batch["teacher"])
        loss = mean_over_all(errors.sum(), len(errors), self.trainer)
        self.teacher_loss.update(loss.detach())
        if self.trainer.is_last_batch:
            self.log(f"train/{TEACHER}/loss", self.teacher_loss.take(), on_step=False, on_epoch=True)
        return [loss]

    def score_more(self, batch: dict[str, Any], embeddings: Tensor) -> None:
        """Update the error on the teacher's outputs."""
        if self.teacher is not None and len(embeddings):
            self.teacher_error.update(self.teacher(embeddings, batch["teacher"]))

    def log_scores(self, stage: str) -> None:
        """Those of the sets; of the teacher the share of its variance that the embeddings explain."""
        super().log_scores(stage)
        if self.teacher is not None:
            self.log(f"{stage}/{TEACHER}/explained", 1 - self.teacher_error.compute())
            self.teacher_error.reset()

    def total_loss(self, losses: list[Tensor]) -> Tensor:
        """Weighted by uncertainty (eq. 12); the weights are logged with the last batch of an epoch."""
        if self.trainer.is_last_batch:
            for name, weight in zip(
                [*self.heads, *([TEACHER] if self.teacher else [])], self.weighting.weights, strict=True
            ):
                self.log(f"train/{name}/weight", weight, on_step=False, on_epoch=True)
        return self.weighting(torch.stack(losses))

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
