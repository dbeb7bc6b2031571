"""Emotion sets as batches: every step has images of each of them."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from data_modules.photographs.affectnet import AffectNet
from data_modules.photographs.cfee import CFEE
from data_modules.photographs.expression_folders import ExpressionFolders
from data_modules.photographs.loader import PhotographDataModule, index_of
from data_modules.photographs.packed import packed_or
from data_modules.photographs.raf_db import RAFDB
from data_modules.photographs.unlabelled import UnlabelledPhotographs
from painlit.config import Config
from painlit.errors import PainlitError, some
from painlit.images.duplicates import without_validation_images
from painlit.images.index import ImageIndex
from painlit.images.source import VALIDATION, ImageSource
from painlit.images.teacher import TEACHER
from painlit.system.seeds import derive_seed


def _own_photographs(root: str, name: str = "folders") -> ImageSource:
    return packed_or(root, name, split=True, tree=lambda: ExpressionFolders(root, name))


SOURCES: dict[str, Callable[[Config], ImageSource]] = {
    "affectnet": lambda config: AffectNet(config.stage2.roots.affectnet),
    "cfee": lambda config: CFEE(config.stage2.roots.cfee),
    "raf_basic": lambda config: RAFDB(config.stage2.roots.raf_db, "basic", config.stage2.raf_images),  # type: ignore[arg-type]
    "raf_compound": lambda config: RAFDB(config.stage2.roots.raf_db, "compound", config.stage2.raf_images),  # type: ignore[arg-type]
    "folders": lambda config: _own_photographs(config.stage2.roots.folders),
}
"""Name of a set in the configuration -> its reader."""


class EmotionDataModule(PhotographDataModule):
    """One or several emotion sets, in the order of `stage2.sets` and `.trees`; a batch's `task` is the position there.

    The validation part is the official one; sets without one (CFEE) are divided by person. A training image that is
    also a validation image of any set, or an edited copy of one, is left out of training. Sets without labels follow
    (`stage2.unlabelled`); all their images are learnt from, for the teacher's sake.

    Args:
        config: Sets, mixing, batches, augmentation. Crops have the side that the Spatial-Module reads.

    Raises:
        PainlitError: From `setup`, when a class has no training image left.
    """

    def __init__(self, config: Config):
        super().__init__(config, config.stage2, config.spatial.image_size)

    def open_sets(self) -> list[ImageIndex]:
        """Labelled and unlabelled ones, built if need be under runs/index, with digests of every image."""
        config, stage = self.config, self.config.stage2
        sources = [SOURCES[name](config) for name in stage.sets]
        for key, make in (("trees", _own_photographs), ("unlabelled", UnlabelledPhotographs)):
            for root in getattr(stage, key):
                name = _set_name(f"stage2.{key}={root}", root)
                if name in {source.name for source in sources}:
                    raise PainlitError(f"stage2.{key}={root} is a second set called {name}", "rename the folder")
                sources.append(make(root, name))
        return [index_of(source, config, stage.faces, digests=True) for source in sources]

    @property
    def labelled(self) -> int:
        """How many of the sets have labels; they come first."""
        return len(self.config.stage2.sets) + len(self.config.stage2.trees)

    def divide(self, sets: list[ImageIndex]) -> None:
        """Into training and validation images."""
        self.indices, self.labels = sets, [index.labels for index in sets]
        parts = [_validation_rows(index, self.config) for index in sets[: self.labelled]]
        parts += [np.zeros(len(index), bool) for index in sets[self.labelled :]]
        self.validation_rows = [np.flatnonzero(part) for part in parts]
        train = [np.flatnonzero(~part) for part in parts]
        self.train_rows, self.duplicates = without_validation_images(sets, train, self.validation_rows)
        for index, rows in zip(sets, self.train_rows, strict=True):
            _refuse_empty_classes(index, rows)

    @property
    def classes(self) -> dict[str, int]:
        """Number of classes of each labelled set."""
        return {index.name: len(index.classes) for index in self.indices[: self.labelled]}

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


def _set_name(given: str, root: str) -> str:
    """What a set is called after its folder or file: in metrics, and as the key of its head."""
    name = Path(root).resolve().name.partition(".")[0] if root else ""
    if not re.fullmatch(r"[\w-]{1,100}", name) or name == TEACHER or hasattr(nn.ModuleDict(), name):
        raise PainlitError(
            f"{given} would be a set called {name!r}, which cannot be a name here",
            "rename the folder: letters, digits, - and _",
        )
    return name


def _validation_rows(index: ImageIndex, config: Config) -> np.ndarray:
    """(n,) bool: the official validation part, or a share of the people."""
    if index.about["has_split"]:
        return np.asarray(index.parts) == VALIDATION
    people = len(index.about["persons"])
    if not people:
        raise PainlitError(
            f"{index.name} in {index.root} has no official split, and does not state who is shown",
            "put images to validate with into files or folders called validation, beside train",
        )
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
            f"{index.name} in {index.root} has no training image of class {some(empty)} after its split",
            "a class cannot be learnt from nothing: lower stage2.validation_share, or change seed",
        )
