"""Emotion sets as batches: every step has images of each of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from lightning import LightningDataModule
from torch.utils.data import DataLoader

from data_modules.photographs.affectnet import AffectNet
from data_modules.photographs.cfee import CFEE
from data_modules.photographs.expression_folders import ExpressionFolders
from data_modules.photographs.loader import image_loader
from data_modules.photographs.raf_db import RAFDB
from painlit.config import Config
from painlit.errors import PainlitError
from painlit.images.build_index import open_index
from painlit.images.dataset import FaceImages
from painlit.images.duplicates import without_validation_images
from painlit.images.index import ImageIndex
from painlit.images.source import VALIDATION, ImageSource
from painlit.system.devices import pick_device
from painlit.system.seeds import derive_seed
from painlit.training.sampling import MixedBatches, Passes

SOURCES: dict[str, Callable[[Config], ImageSource]] = {
    "affectnet": lambda config: AffectNet(config.stage2.roots.affectnet),
    "cfee": lambda config: CFEE(config.stage2.roots.cfee),
    "raf_basic": lambda config: RAFDB(config.stage2.roots.raf_db, "basic", config.stage2.raf_images),  # type: ignore[arg-type]
    "raf_compound": lambda config: RAFDB(config.stage2.roots.raf_db, "compound", config.stage2.raf_images),  # type: ignore[arg-type]
    "folders": lambda config: ExpressionFolders(config.stage2.roots.folders, "folders"),
}
"""Name of a set in the configuration -> its reader."""


class EmotionDataModule(LightningDataModule):
    """One or several emotion sets, in the order of `stage2.sets`; a batch's `task` is the position there.

    The validation part is the official one; sets without one (CFEE) are divided by person. A training image that is
    also a validation image of any set is left out of training.

    Args:
        config: Sets, mixing, batches, augmentation.
        indices: Of each set, as `open_emotion_indices` opens them.
        size: Side of the face crops in px.

    Raises:
        PainlitError: A class has no training image left.
    """

    def __init__(self, config: Config, indices: Sequence[ImageIndex], size: int):
        super().__init__()
        self.config, self.size, self.indices = config, size, list(indices)
        parts = [_validation_rows(index, config) for index in self.indices]
        self.validation_rows = [np.flatnonzero(part) for part in parts]
        train = [np.flatnonzero(~part) for part in parts]
        self.train_rows, self.duplicates = without_validation_images(self.indices, train, self.validation_rows)
        for index, rows in zip(self.indices, self.train_rows, strict=True):
            _refuse_empty_classes(index, rows)

    @property
    def classes(self) -> dict[str, int]:
        """Number of classes of each set."""
        return {index.name: len(index.classes) for index in self.indices}

    @property
    def steps_per_epoch(self) -> int:
        """Optimizer steps in an epoch."""
        return len(self._batches())

    def train_dataloader(self) -> DataLoader:
        """Batches of all sets; goes on where the trainer's checkpoint says."""
        assert self.trainer is not None
        batches = self._batches(self.trainer.global_rank, self.trainer.world_size)
        batches.go_on(self.trainer.global_step)
        return image_loader(self._images(), batches, self.config.images.workers)

    def val_dataloader(self) -> DataLoader | list:
        """Each validation image once."""
        if not sum(map(len, self.validation_rows)):
            return []
        trainer = self.trainer
        assert trainer is not None
        batch_size = self.config.stage2.train.batch_size
        passes = Passes(self.validation_rows, batch_size, trainer.global_rank, trainer.world_size)
        return image_loader(self._images(), passes, self.config.images.workers)

    def describe(self) -> dict[str, Any]:
        """What is learnt from, for the weights' JSON and the run's fingerprint."""
        return {
            index.name: {
                "index": index.about["content"],
                "classes": index.classes,
                "train_images": len(train),
                "validation_images": len(validation),
            }
            for index, train, validation in zip(self.indices, self.train_rows, self.validation_rows, strict=True)
        }

    def _batches(self, rank: int = 0, world_size: int = 1) -> MixedBatches:
        stage = self.config.stage2
        return MixedBatches(
            self.train_rows,
            [index.labels[rows] for index, rows in zip(self.indices, self.train_rows, strict=True)],
            stage.train.batch_size,
            balanced=stage.sampling == "balanced",
            mixing=stage.mixing,
            seed=self.config.seed,
            rank=rank,
            world_size=world_size,
        )

    def _images(self) -> FaceImages:
        labels = [index.labels for index in self.indices]
        return FaceImages(self.indices, labels, self.size, self.config.face.margin, self.config.images)


def open_emotion_indices(config: Config) -> list[ImageIndex]:
    """The indices of `stage2.sets`, built if need be under runs/index, with digests of every image."""
    folder, stage, device = Path(config.runs) / "index", config.stage2, str(pick_device(config.prepare.device))
    return [
        open_index(SOURCES[name](config), folder, stage.faces, config.face, digests=True, device=device)
        for name in stage.sets
    ]


def _validation_rows(index: ImageIndex, config: Config) -> np.ndarray:
    """(n,) bool: the official validation part, or a share of the people."""
    if index.about["has_split"]:
        return np.asarray(index.parts) == VALIDATION
    people = len(index.about["persons"])
    kept = round(config.stage2.validation_share * people)
    if people - kept < 1 or kept < 1:
        raise PainlitError(
            f"{index.name} in {index.root} shows {people} people, of whom {kept} would be kept for validation",
            "it has no official split and is divided by person: change stage2.validation_share",
        )
    order = np.random.default_rng(derive_seed(config.seed, "validation", index.name)).permutation(people)
    return np.isin(index.persons, order[:kept])


def _refuse_empty_classes(index: ImageIndex, rows: np.ndarray) -> None:
    counts = np.bincount(index.labels[rows], minlength=len(index.classes))
    empty = [index.classes[label] for label in np.flatnonzero(counts == 0)]
    if empty:
        raise PainlitError(
            f"{index.name} in {index.root} has no training image of class {', '.join(empty[:5])} after its split",
            "a class cannot be learnt from nothing: lower stage2.validation_share, or change seed",
        )
