"""Pain assessment: the pain model trained with cross-entropy on BioVid clips."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from lightning import LightningModule
from torch import Tensor
from torchmetrics.classification import MulticlassAccuracy

from painlit.config import Config, from_dict
from painlit.models.frame_embedder import FrameEmbedder
from painlit.models.normalisation import Normalise
from painlit.system.seeds import derive_seed
from painlit.training.schedule import adamw_warmup_cosine
from painlit.weights.networks import build_pain_model, build_spatial_module


class PainAssessment(LightningModule):
    """Fusion fine-tuning (paper section 3.2, Table 2).

    Args:
        config: `Config.to_dict()`; a plain dict, so that checkpoints hold plain types.
        seed: Of this fold's weights, order and augmentations.
    """

    def __init__(self, config: dict[str, Any], seed: int = 0):
        super().__init__()
        self.save_hyperparameters()
        self.config: Config = from_dict(config)
        self.seed = seed
        torch.manual_seed(seed)
        self.model = build_pain_model(self.config)
        self.embedder: FrameEmbedder | None = None
        if self.config.joint:
            self.embedder = FrameEmbedder(
                build_spatial_module(self.config.spatial), Normalise(), self.config.train.joint_frames
            )
        self.train_accuracy = MulticlassAccuracy(len(self.config.classes), average="micro")
        self.val_accuracy = self.train_accuracy.clone()

    def forward(self, batch: dict[str, Tensor]) -> Tensor:
        """Class scores of a batch of `PainDataset`, (B, classes)."""
        full, tiles = batch.get("full"), batch.get("tiles")
        if self.embedder is not None:
            full, tiles = self._embed(batch["crops"])
        return self.model(full, tiles, batch.get("bpm"))

    def training_step(self, batch: dict[str, Tensor], index: int) -> Tensor:
        """Loss of a training batch."""
        return self._step(batch, "train")

    def validation_step(self, batch: dict[str, Tensor], index: int) -> Tensor:
        """Loss of a batch of selection subjects."""
        return self._step(batch, "val")

    def predict_step(self, batch: dict[str, Tensor], index: int) -> dict[str, Tensor]:
        """Positions of the clips, (B,), and their class probabilities, (B, classes)."""
        return {"clip": batch["clip"], "probabilities": self(batch).float().softmax(-1)}

    def on_train_epoch_start(self) -> None:
        """Augmentations follow from seed and epoch alone, so that a resumed run repeats them."""
        torch.manual_seed(derive_seed(self.seed, self.current_epoch))

    def configure_optimizers(self) -> Any:
        """AdamW, warm-up and cosine."""
        steps_per_epoch = int(self.trainer.estimated_stepping_batches) // self.config.train.epochs
        return adamw_warmup_cosine(self.parameters(), self.config.train, steps_per_epoch)

    def _step(self, batch: dict[str, Tensor], stage: str) -> Tensor:
        logits = self(batch)
        loss = F.cross_entropy(logits, batch["label"])
        accuracy = self.train_accuracy if stage == "train" else self.val_accuracy
        accuracy(logits, batch["label"])
        self.log(f"{stage}/loss", loss, on_step=False, on_epoch=True, batch_size=len(logits))
        self.log(f"{stage}/accuracy", accuracy, on_step=False, on_epoch=True, batch_size=len(logits))
        return loss

    def _embed(self, crops: Tensor) -> tuple[Tensor, Tensor | None]:
        """Crops (B, F, 3, S, S) to d_full and the tiles' sum, (B, F, D) each."""
        assert self.embedder is not None
        clips, images = len(crops), crops.flatten(0, 1)
        if self.config.model.frame_embedding == "full":
            return self.embedder.full(images).unflatten(0, (clips, -1)), None
        full, tiles = self.embedder(images)
        return full.unflatten(0, (clips, -1)), tiles.unflatten(0, (clips, -1))
