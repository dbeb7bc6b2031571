"""Identities as batches: a tree of one folder per person, divided into training, top-1 and verification images."""

from __future__ import annotations

from typing import Any

import numpy as np

from data_modules.photographs.identities import IdentityTree
from data_modules.photographs.loader import PhotographDataModule, index_of
from data_modules.photographs.packed import packed_or
from painlit.config import Config
from painlit.errors import PainlitError
from painlit.images.index import ImageIndex
from painlit.images.source import ImageSource
from painlit.system.seeds import derive_seed

_LEAST_IMAGES = 5  # of an identity, to spare one for top-1


class FaceDataModule(PhotographDataModule):
    """VGGFace2, or any tree of one folder per identity.

    Some identities are not trained on at all: pairs of their images show how well the embeddings verify strangers. Of
    each other identity some images are kept for top-1. Labels of the held-out identities follow those of the others.

    Args:
        config: Root, shares, batches, augmentation. Crops have the side that `stage1.network` reads.
    """

    def __init__(self, config: Config):
        size = config.spatial.image_size if config.stage1.network == "spatial" else config.flattened_size
        super().__init__(config, config.stage1, size)

    def open_sets(self) -> list[ImageIndex]:
        """That of `stage1.root`."""
        return [open_face_index(self.config)]

    def divide(self, sets: list[ImageIndex]) -> None:
        """Into training, top-1 and verification images."""
        self.indices, (index,) = sets, sets
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
        labels = new_label[index.labels]  # (n,)
        place = _place_within(labels, np.random.default_rng(derive_seed(seed, "validation")))
        counts = np.bincount(labels, minlength=classes)
        kept = np.maximum(1, np.round(stage.validation_share * counts)) * (counts >= _LEAST_IMAGES)
        kept = kept if stage.validation_share else np.zeros(classes)
        trained = labels < self.identities
        train = np.flatnonzero(trained & (place >= kept[labels]))
        if not len(train):
            raise PainlitError(
                f"stage1.validation_share={stage.validation_share} leaves no training image of {index.root}",
                "keep fewer images for top-1: lower it",
            )
        self.top1_rows = np.flatnonzero(trained & (place < kept[labels]))
        self.verification_rows = np.flatnonzero(~trained & (place < stage.verification_images))
        self.labels, self.train_rows = [labels], [train]
        self.validation_rows = [np.concatenate([self.top1_rows, self.verification_rows])]

    def describe(self) -> dict[str, Any]:
        """What is learnt from, for the weights' JSON and the run's fingerprint."""
        return {
            "name": self.indices[0].name,
            "index": self.indices[0].about["content"],
            "identities": self.identities,
            "train_images": len(self.train_rows[0]),
            "top1_images": len(self.top1_rows),
            "verification_identities": len(self.held_out),
            "verification_images": len(self.verification_rows),
        }


def open_face_index(config: Config) -> ImageIndex:
    """The index of `stage1.root`, built if need be under runs/index."""
    return index_of(face_source(config), config, config.stage1.faces)


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
