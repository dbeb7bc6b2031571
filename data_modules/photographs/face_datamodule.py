"""Identities as batches: a tree of one folder per person, divided into training, top-1 and verification images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from torch.utils.data import DataLoader

from data_modules.photographs.identities import IdentityTree
from data_modules.photographs.loader import image_loader
from data_modules.photographs.packed import packed_or
from painlit.config import Config
from painlit.errors import PainlitError
from painlit.images.build_index import open_index
from painlit.images.dataset import FaceImages
from painlit.images.index import ImageIndex
from painlit.images.source import ImageSource
from painlit.system.devices import pick_device
from painlit.system.seeds import derive_seed
from painlit.training.datamodule import DrawnDataModule
from painlit.training.sampling import MixedBatches, Passes

_LEAST_IMAGES = 5  # of an identity, to spare one for top-1


class FaceDataModule(DrawnDataModule):
    """VGGFace2, or any tree of one folder per identity.

    Some identities are not trained on at all: pairs of their images tell how well the embeddings verify strangers. Of
    each other identity some images are kept for top-1. Labels of the held-out identities follow those of the others.

    Args:
        config: Root, shares, batches, augmentation. Crops have the side that `stage1.network` reads.
        index: The images, if they are open already.
    """

    index: ImageIndex

    def __init__(self, config: Config, index: ImageIndex | None = None):
        super().__init__()
        self.config = config
        self.size = config.spatial.image_size if config.stage1.network == "spatial" else config.flattened_size
        if index is not None:
            self._divide(index)

    def prepare_data(self) -> None:
        """Make the index under runs/index, unless it is there."""
        if not hasattr(self, "index"):
            open_face_index(self.config)

    def setup(self, stage: str | None = None) -> None:
        """Open the index and divide the images."""
        if not hasattr(self, "index"):
            self._divide(open_face_index(self.config))

    def _divide(self, index: ImageIndex) -> None:
        self.index = index
        stage, seed = self.config.stage1, self.config.seed
        classes = len(index.classes)
        held_out = round(stage.held_out * classes)
        if stage.held_out and (held_out < 2 or classes - held_out < 2):
            raise PainlitError(
                f"stage1.held_out={stage.held_out} of {classes} identities in {index.root} are {held_out}",
                "verification needs at least two, and so does training: change it, or set it to 0",
            )
        order = np.random.default_rng(derive_seed(seed, "held out")).permutation(classes)
        self.held_out = np.sort(order[:held_out])
        self.identities = classes - held_out
        new_label = np.empty(classes, np.int32)
        new_label[np.sort(order[held_out:])] = np.arange(self.identities)
        new_label[self.held_out] = np.arange(self.identities, classes)
        self.labels = new_label[index.labels]  # (n,)
        place = _place_within(self.labels, np.random.default_rng(derive_seed(seed, "validation")))
        counts = np.bincount(self.labels, minlength=classes)
        kept = np.maximum(1, np.round(stage.validation_share * counts)) * (counts >= _LEAST_IMAGES)
        kept = kept if stage.validation_share else np.zeros(classes)
        trained = self.labels < self.identities
        self.train_rows = np.flatnonzero(trained & (place >= kept[self.labels]))
        if not len(self.train_rows):
            raise PainlitError(
                f"stage1.validation_share={stage.validation_share} leaves no training image of {index.root}",
                "keep fewer images for top-1: lower it",
            )
        self.top1_rows = np.flatnonzero(trained & (place < kept[self.labels]))
        self.verification_rows = np.flatnonzero(~trained & (place < stage.verification_images))

    def describe(self) -> dict[str, Any]:
        """What is learnt from, for the weights' JSON and the run's fingerprint."""
        return {
            "name": self.index.name,
            "index": self.index.about["content"],
            "identities": self.identities,
            "train_images": len(self.train_rows),
            "top1_images": len(self.top1_rows),
            "verification_identities": len(self.held_out),
            "verification_images": len(self.verification_rows),
        }

    def draws(self) -> MixedBatches:
        """Training images."""
        stage = self.config.stage1
        return MixedBatches(
            [self.train_rows],
            [self.labels[self.train_rows]],
            stage.train.pass_size,
            balanced=stage.sampling == "balanced",
            seed=self.config.seed,
        )

    def validation_draws(self) -> Passes:
        """Images for top-1 and for verification."""
        rows = np.concatenate([self.top1_rows, self.verification_rows])
        return Passes([rows], self.config.stage1.train.pass_size)

    def loader(self, draws: MixedBatches | Passes) -> DataLoader:
        """Face crops, decoded and augmented in other processes."""
        images = FaceImages([self.index], [self.labels], self.size, self.config.face.margin, self.config.images)
        return image_loader(images, draws, self.config.images.workers, self.config.stage1.train.pass_size)


def open_face_index(config: Config) -> ImageIndex:
    """The index of `stage1.root`, built if need be under runs/index."""
    stage = config.stage1
    source = face_source(config)
    device = str(pick_device(config.prepare.device))
    return open_index(source, Path(config.runs) / "index", stage.faces, config.face, device=device)


def face_source(config: Config) -> ImageSource:
    """The reader of `stage1.root`: a tree of images, or files that hold them."""
    stage = config.stage1
    return packed_or(stage.root, stage.name, split=False, tree=lambda: IdentityTree(stage.root, stage.name))


def _place_within(labels: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Of each image, its place in a random order of its identity's images, (n,) from 0."""
    order = np.lexsort((generator.random(len(labels)), labels))
    ordered = labels[order]
    first = np.flatnonzero(np.diff(ordered, prepend=-1))
    place = np.empty(len(labels), np.int64)
    place[order] = np.arange(len(labels)) - np.repeat(first, np.diff(first, append=len(labels)))
    return place
