"""Pain assessment: the pain model trained with cross-entropy on clips."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import torch
import torch.nn.functional as F
from lightning import LightningModule
from torch import Tensor
from torchmetrics.classification import MulticlassAccuracy

from painlit.config import ModelConfig, SpatialConfig, TrainConfig, group
from painlit.models.frame_embedder import FrameEmbedder
from painlit.native.training import train_on_backend
from painlit.system.seeds import derive_seed
from painlit.training.schedule import adamw_warmup_cosine
from painlit.weights.networks import build_frame_embedder, build_pain_model


class PainAssessment(LightningModule):
    """Fusion fine-tuning (paper section 3.2, Table 2).

    Batches: as the modality needs them `full` and `tiles` (B, F, D) and `bpm` (B, S) in bpm, or for joint training
    `crops` (B, F, 3, 2·image_size, 2·image_size) uint8; always `label` (B,) int64, and `clip` (B,) to
    identify predictions.

    Args:
        classes: Class scores.
        model: Modality, networks and augmentations; the default is the paper's fusion model.
        frames: Frames of a clip, F.
        embedding_dim: Size of a frame's embedding, D.
        heart_rates: Heart rates of a clip, S.
        spatial: Joint training: the Spatial-Module to train with the rest; None reads its embeddings.
        train: How it is trained.
        seed: Of the initial weights and the augmentations.
    """

    def __init__(
        self,
        classes: int = 2,
        *,
        model: ModelConfig | Mapping[str, Any] | None = None,
        frames: int = 138,
        embedding_dim: int = 100,
        heart_rates: int = 5,
        spatial: SpatialConfig | Mapping[str, Any] | None = None,
        train: TrainConfig | Mapping[str, Any] | None = None,
        seed: int = 0,
    ):
        super().__init__()
        self.model_settings, self.train_settings = group(ModelConfig, model), group(TrainConfig, train)
        spatial = None if spatial is None else group(SpatialConfig, spatial)
        self.save_hyperparameters(
            {"classes": classes, "model": asdict(self.model_settings), "frames": frames, "embedding_dim": embedding_dim,
             "heart_rates": heart_rates, "spatial": None if spatial is None else asdict(spatial),
             "train": asdict(self.train_settings), "seed": seed}
        )  # fmt: skip
        self.seed = seed
        torch.manual_seed(seed)
        self.model = build_pain_model(self.model_settings, classes, frames, embedding_dim, heart_rates)
        self.embedder: FrameEmbedder | None = None
        if spatial is not None:
            self.embedder = build_frame_embedder(spatial, chunk=self.train_settings.joint_frames)
        train_on_backend(self, self.train_settings)
        self.accuracies = torch.nn.ModuleDict(
            {f"{stage}_accuracy": MulticlassAccuracy(classes, average="micro") for stage in ("train", "val", "test")}
        )

    def forward(self, batch: dict[str, Tensor]) -> Tensor:
        """Class scores of a batch, (B, classes)."""
        full, tiles = batch.get("full"), batch.get("tiles")
        if self.embedder is not None:
            full, tiles = self._embed(self.embedder, batch["crops"])
        return self.model(full, tiles, batch.get("bpm"))

    def training_step(self, batch: dict[str, Tensor], index: int) -> Tensor:
        """Loss of a training batch."""
        return self._step(batch, "train")

    def validation_step(self, batch: dict[str, Tensor], index: int) -> Tensor:
        """Loss of a batch of selection subjects."""
        return self._step(batch, "val")

    def test_step(self, batch: dict[str, Tensor], index: int) -> Tensor:
        """Loss of a batch of held-out subjects."""
        return self._step(batch, "test")

    def predict_step(self, batch: dict[str, Tensor], index: int) -> dict[str, Tensor]:
        """Class probabilities, (B, classes), with the batch's `clip`, (B,), if it has them."""
        clip = {"clip": batch["clip"]} if "clip" in batch else {}
        return {**clip, "probabilities": self(batch).float().softmax(-1)}

    def on_train_epoch_start(self) -> None:
        """Augmentations follow from seed and epoch alone, so that a resumed run repeats them."""
        torch.manual_seed(derive_seed(self.seed, self.current_epoch))

    def configure_optimizers(self) -> Any:
        """AdamW, warm-up and cosine."""
        return adamw_warmup_cosine(self, self.train_settings)

    def _step(self, batch: dict[str, Tensor], stage: str) -> Tensor:
        logits = self(batch)
        loss = F.cross_entropy(logits, batch["label"])
        accuracy = self.accuracies[f"{stage}_accuracy"]
        accuracy(logits, batch["label"])
        self.log(f"{stage}/loss", loss, on_step=False, on_epoch=True, batch_size=len(logits))
        self.log(f"{stage}/accuracy", accuracy, on_step=False, on_epoch=True, batch_size=len(logits))
        return loss

    def _embed(self, embedder: FrameEmbedder, crops: Tensor) -> tuple[Tensor, Tensor | None]:
        """Crops (B, F, 3, S, S) to d_full and the tiles' sum, (B, F, D) each."""
        clips, images = len(crops), crops.flatten(0, 1)
        if self.model_settings.frame_embedding == "full":
            return embedder.full(images).unflatten(0, (clips, -1)), None
        full, tiles = embedder(images)
        return full.unflatten(0, (clips, -1)), tiles.unflatten(0, (clips, -1))
