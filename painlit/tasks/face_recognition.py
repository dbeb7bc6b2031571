"""Stage 1: whose face is it? The Spatial-Module, or the Temporal-Module on flattened images (paper section 3.4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import torch
from einops import rearrange
from lightning import LightningModule
from torch import Tensor, nn
from torchmetrics.classification import MulticlassAccuracy

from painlit.config import SpatialConfig, Stage1Training, TemporalConfig, group
from painlit.losses import UncertaintyWeightedLoss
from painlit.models.heads import ArcFaceHead, SoftmaxHead, TeacherHead
from painlit.models.normalisation import MEAN, STD, Normalise
from painlit.native.training import train_on_backend
from painlit.training.distributed_loss import EpochMean, mean_cross_entropy, mean_over_all
from painlit.training.schedule import adamw_warmup_cosine
from painlit.training.verification import Verification
from painlit.weights.networks import build_spatial_module, build_temporal_module


class FaceRecognition(LightningModule):
    """Face recognition over all trained identities.

    Batches: `images` (B, 3, S, S) uint8 RGB and `label` (B,) int64. In validation, test and prediction, labels from
    `identities` on are of strangers, whose images are scored by verification.

    With a teacher (`painlit.images.teacher`) batches also have `teacher` (B, K), its outputs for the images. The mean
    squared error of a linear map to these is then a second loss, and the two are weighted by uncertainty (eq. 12).

    Args:
        identities: How many are trained on.
        teacher: Values that a teacher gives of each image, K; 0 without one.
        network: "spatial" trains the Spatial-Module, "temporal" the Temporal-Module on flattened images of any side.
        spatial: Sizes and normalisation; S is its image_size for the Spatial-Module.
        temporal: Sizes of the Temporal-Module.
        head: "softmax" or "arcface".
        arcface_scale: See `ArcFaceHead`.
        arcface_margin: See `ArcFaceHead`, in radians.
        train: How it is trained.
        seed: Of the initial weights.

    Shapes:
        images (B, 3, S, S) uint8 -> embeddings (B, D).
    """

    def __init__(
        self,
        identities: int,
        *,
        network: str = "spatial",
        teacher: int = 0,
        spatial: SpatialConfig | Mapping[str, Any] | None = None,
        temporal: TemporalConfig | Mapping[str, Any] | None = None,
        head: str = "softmax",
        arcface_scale: float = 64.0,
        arcface_margin: float = 0.5,
        train: Stage1Training | Mapping[str, Any] | None = None,
        seed: int = 0,
    ):
        super().__init__()
        spatial, temporal = group(SpatialConfig, spatial), group(TemporalConfig, temporal)
        self.train_settings = group(Stage1Training, train)
        self.save_hyperparameters(
            {"identities": identities, "network": network, "teacher": teacher, "spatial": asdict(spatial),
             "temporal": asdict(temporal), "head": head, "arcface_scale": arcface_scale,
             "arcface_margin": arcface_margin, "train": asdict(self.train_settings), "seed": seed}
        )  # fmt: skip
        self.identities = identities
        torch.manual_seed(seed)
        self.normalise = Normalise(spatial.mean or MEAN, spatial.std or STD, spatial.local_contrast)
        self.network: nn.Module
        self.token_size: int | None = None
        if network == "spatial":
            self.network, embed_dim = build_spatial_module(spatial, self.train_settings), spatial.embed_dim
        else:
            self.network, embed_dim = build_temporal_module(temporal).perceiver, temporal.latent_dim
            self.token_size = temporal.token_size
        train_on_backend(self.network, self.train_settings)
        self.head: nn.Module
        if head == "arcface":
            self.head = ArcFaceHead(embed_dim, identities, arcface_scale, arcface_margin)
        else:
            self.head = SoftmaxHead(embed_dim, identities)
        self.teacher: TeacherHead | None = None
        if teacher:
            self.teacher, self.weighting = TeacherHead(embed_dim, teacher), UncertaintyWeightedLoss(2)
            self.teacher_loss = EpochMean()
        self.train_loss = EpochMean()
        self.accuracy = MulticlassAccuracy(identities, average="micro")
        self.verification = Verification()

    def forward(self, images: Tensor) -> Tensor:
        """Embeddings of face crops."""
        x = self.normalise(images)
        if self.token_size is not None:
            # Row by row, colours side by side: neighbours in the sequence are neighbours in the image.
            x = rearrange(x, "b c h w -> b (h w c)")
            x = rearrange(x, "b (n size) -> b n size", size=self.token_size)
        return self.network(x)

    def training_step(self, batch: dict[str, Any], index: int) -> Tensor:
        """Loss of a training batch."""
        embeddings, images = self(batch["images"]), len(batch["label"])
        loss = mean_cross_entropy(self.head(embeddings, batch["label"]), batch["label"], self.trainer)
        self.train_loss.update(loss.detach(), weight=max(1, images))
        if self.trainer.is_last_batch:
            self.log("train/loss", self.train_loss.take(), on_step=False, on_epoch=True)
        if self.teacher is None:
            return loss
        taught = mean_over_all(self.teacher(embeddings, batch["teacher"]).sum(), images, self.trainer)
        self.teacher_loss.update(taught.detach(), weight=max(1, images))
        if self.trainer.is_last_batch:
            self.log("train/teacher/loss", self.teacher_loss.take(), on_step=False, on_epoch=True)
        return self.weighting(torch.stack([loss, taught]))

    def validation_step(self, batch: dict[str, Any], index: int) -> None:
        """Top-1 of the trained identities' images; strangers' go to verification."""
        images, labels = batch["images"], batch["label"]
        trained = labels < self.identities
        if trained.any():
            self.accuracy.update(self.head(self(images[trained]).float()), labels[trained])
        if not trained.all():
            strangers = images[~trained]
            # Image and mirror image together, as face verification is usually scored (Deng et al. 2019).
            self.verification.update((self(strangers) + self(strangers.flip(-1))).float(), labels[~trained])

    test_step = validation_step

    def predict_step(self, batch: dict[str, Any], index: int) -> dict[str, Tensor]:
        """Embeddings, (B, D), and labels, (B,)."""
        return {"embedding": self(batch["images"]).float(), "label": batch["label"]}

    def on_validation_epoch_end(self) -> None:
        """Log what there were images for."""
        self._log_scores("val")

    def on_test_epoch_end(self) -> None:
        """The same of test images."""
        self._log_scores("test")

    def _log_scores(self, stage: str) -> None:
        trained, strangers = self._seen()
        if trained:
            self.log(f"{stage}/accuracy", self.accuracy.compute())
        if strangers:
            values = self.verification.compute()
            del values["pairs"]
            self.log_dict({f"{stage}/{key}": value for key, value in values.items()})
        self.accuracy.reset()
        self.verification.reset()

    def _seen(self) -> tuple[bool, bool]:
        """Whether any process has had images of trained identities, and of strangers."""
        seen = [bool(self.accuracy.update_called), bool(self.verification.update_called)]
        total = self.trainer.strategy.reduce(torch.tensor(seen, device=self.device).float(), reduce_op="sum")
        return bool(total[0]), bool(total[1])

    def configure_optimizers(self) -> Any:
        """AdamW, warm-up and cosine; no weight decay on the losses' weights, which it would draw to 1."""
        return adamw_warmup_cosine(self, self.train_settings, without_decay=self.weighting if self.teacher else None)
