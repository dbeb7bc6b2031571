"""Stage 1: whose face is it? The Spatial-Module, or the Temporal-Module on flattened images (paper section 3.4)."""

from __future__ import annotations

from typing import Any

import torch
from einops import rearrange
from lightning import LightningModule
from torch import Tensor, nn
from torchmetrics import MeanMetric
from torchmetrics.classification import MulticlassAccuracy

from painlit.config import Config, from_dict
from painlit.models.heads import ArcFaceHead, SoftmaxHead
from painlit.models.normalisation import MEAN, STD, Normalise
from painlit.training.distributed_loss import mean_cross_entropy
from painlit.training.schedule import adamw_warmup_cosine
from painlit.training.verification import Verification
from painlit.weights.networks import build_spatial_module, build_temporal_module


class FaceRecognition(LightningModule):
    """Face recognition over all trained identities.

    Args:
        config: `Config.to_dict()`; a plain dict, so that checkpoints hold plain types.
        identities: How many are trained on.

    Shapes:
        images (B, 3, S, S) uint8 -> embeddings (B, D).
    """

    def __init__(self, config: dict[str, Any], identities: int):
        super().__init__()
        self.save_hyperparameters()
        self.config: Config = from_dict(config)
        self.identities = identities
        torch.manual_seed(self.config.seed)
        spatial, stage = self.config.spatial, self.config.stage1
        self.normalise = Normalise(spatial.mean or MEAN, spatial.std or STD, spatial.local_contrast)
        self.network: nn.Module
        if stage.network == "spatial":
            self.network, embed_dim = build_spatial_module(spatial, stage.train.drop_path), spatial.embed_dim
        else:
            self.network, embed_dim = (
                build_temporal_module(self.config).perceiver,
                self.config.model.temporal.latent_dim,
            )
        if stage.head == "arcface":
            self.head: nn.Module = ArcFaceHead(embed_dim, identities, stage.arcface_scale, stage.arcface_margin)
        else:
            self.head = SoftmaxHead(embed_dim, identities)
        self.train_loss = MeanMetric()
        self.train_loss.persistent(True)  # so that a run stopped within an epoch reports all of it
        self.val_accuracy = MulticlassAccuracy(identities, average="micro")
        self.verification = Verification()

    def forward(self, images: Tensor) -> Tensor:
        """Embeddings of face crops."""
        x = self.normalise(images)
        if self.config.stage1.network == "temporal":
            # Row by row, colours side by side: neighbours in the sequence are neighbours in the image.
            x = rearrange(x, "b c h w -> b (h w c)")
            size = self.config.model.temporal.token_size
            x = rearrange(x, "b (n size) -> b n size", size=size)
        return self.network(x)

    def training_step(self, batch: dict[str, Any], index: int) -> Tensor:
        """Loss of a batch of `FaceImages`."""
        loss = mean_cross_entropy(self.head(self(batch["images"]), batch["label"]), batch["label"], self.trainer)
        self.train_loss.update(loss.detach(), weight=max(1, len(batch["label"])))
        if self.trainer.is_last_batch:  # not left to Lightning, which would lose the half before a stop
            self.log("train/loss", self.train_loss.compute(), on_step=False, on_epoch=True)
            self.train_loss.reset()
        return loss

    def validation_step(self, batch: dict[str, Any], index: int) -> None:
        """Top-1 of the trained identities' images; the others' (labels from `identities` on) go to verification."""
        images, labels = batch["images"], batch["label"]
        trained = labels < self.identities
        if trained.any():
            self.val_accuracy.update(self.head(self(images[trained]).float()), labels[trained])
        if not trained.all():
            strangers = images[~trained]
            # Image and mirror image together, as face verification is usually scored (Deng et al. 2019).
            self.verification.update((self(strangers) + self(strangers.flip(-1))).float(), labels[~trained])

    def on_validation_epoch_end(self) -> None:
        """Log what there were images for."""
        stage = self.config.stage1
        if stage.validation_share:
            self.log("val/accuracy", self.val_accuracy.compute())
        if stage.held_out:
            values = self.verification.compute()
            del values["pairs"]
            self.log_dict({f"val/{key}": value for key, value in values.items()})
        self.val_accuracy.reset()
        self.verification.reset()

    def configure_optimizers(self) -> Any:
        """AdamW, warm-up and cosine."""
        training = self.config.stage1.train
        # Not Lightning's estimate, which makes the loader before the checkpoint tells where it goes on.
        steps_per_epoch = self.trainer.datamodule.steps_per_epoch  # type: ignore[attr-defined]
        return adamw_warmup_cosine(self.parameters(), training, steps_per_epoch)
