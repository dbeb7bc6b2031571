"""Heartbeats as batches: every step has beats of each collection."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from data_modules.heartbeats.cache import Collection, open_collection
from data_modules.heartbeats.mitbih import MITBIH
from data_modules.heartbeats.ptb import PTB
from data_modules.heartbeats.source import HeartbeatSource
from data_modules.heartbeats.tables import HeartbeatTables
from painlit.config import Config
from painlit.config.heartbeats import ALL
from painlit.errors import PainlitError
from painlit.system.seeds import derive_seed
from painlit.training.datamodule import DrawnDataModule, as_is
from painlit.training.sampling import Draw, MixedBatches, Passes

SOURCES: dict[str, Callable[[Config], HeartbeatSource]] = {
    "mitbih": lambda config: MITBIH(config.ecg.roots.mitbih, _lead(config.ecg.mitbih_lead), config.ecg.leave_out),
    "ptb": lambda config: PTB(config.ecg.roots.ptb, _lead(config.ecg.ptb_lead), config.ecg.leave_out),
    "mitbih_csv": lambda config: HeartbeatTables(config.ecg.roots.csv, "mitbih_csv"),
    "ptb_csv": lambda config: HeartbeatTables(config.ecg.roots.csv, "ptb_csv"),
}
"""Name of a collection in the configuration -> its reader."""


def heartbeat_sources(config: Config) -> list[HeartbeatSource]:
    """The readers of `ecg.sets`.

    Raises:
        PainlitError: `all`, and neither collection is there.
    """
    if config.ecg.sets != [ALL]:
        return [SOURCES[name](config) for name in config.ecg.sets]
    roots = {"mitbih": config.ecg.roots.mitbih, "ptb": config.ecg.roots.ptb}
    there = [name for name, root in roots.items() if Path(root).is_dir()]
    if not there:
        raise PainlitError(
            f"no heartbeats: neither {' nor '.join(roots.values())} is there",
            "say where they are (ecg.roots.mitbih=), or fetch the open MIT-BIH database: "
            "python -c \"import wfdb; wfdb.dl_database('mitdb', 'data/mitdb')\"",
        )
    absent = [f"{name} ({root})" for name, root in roots.items() if name not in there]
    if absent:
        print(f"not there, and not learnt from: {', '.join(absent)}")
    return [SOURCES[name](config) for name in there]


class HeartbeatBatches(Dataset):
    """Batches of beats: `beats` (B, 187) float32 in 0..1, `label` (B,) and `task` (B,) int64."""

    def __init__(self, collections: Sequence[Collection]):
        self.collections = list(collections)

    def __len__(self) -> int:
        return sum(len(collection.labels) for collection in self.collections)

    def __getitem__(self, draws: Sequence[Draw]) -> dict[str, Tensor]:
        """Fetch a batch."""
        return {
            "beats": torch.from_numpy(np.stack([self.collections[draw.task].beats[draw.row] for draw in draws])),
            "label": torch.tensor([int(self.collections[draw.task].labels[draw.row]) for draw in draws]),
            "task": torch.tensor([draw.task for draw in draws]),
        }


class HeartbeatDataModule(DrawnDataModule):
    """One or several collections of heartbeats; a batch's `task` is the position of its collection.

    Args:
        config: Collections, split, shares, sampling, batches.

    Raises:
        PainlitError: From `setup`, when the split cannot be made, or leaves a class without training beats.
    """

    collections: list[Collection]

    def __init__(self, config: Config):
        super().__init__(config, config.ecg)
        self.sources = heartbeat_sources(config)

    def open_sets(self) -> list[Collection]:
        """The beats under runs/heartbeats, cut if they are not there."""
        return [open_collection(source, Path(self.config.runs) / "heartbeats") for source in self.sources]

    def divide(self, sets: list[Collection]) -> None:
        """Into training and validation beats."""
        self.collections, self.labels = sets, [collection.labels for collection in sets]
        parts = [_parts(source, part, self.config) for source, part in zip(self.sources, self.collections, strict=True)]
        self.train_rows = [np.flatnonzero(part == 0) for part in parts]
        self.validation_rows = [np.flatnonzero(part == 1) for part in parts]
        for collection, counts in zip(self.collections, self.train_counts, strict=True):
            empty = [name for name, count in zip(collection.classes, counts, strict=True) if not count]
            if empty:
                raise PainlitError(
                    f"{collection.name} has no training beat of class {', '.join(empty)} in split "
                    f"{self.config.ecg.split}",
                    "a class cannot be learnt from nothing: fetch all records, or use another split",
                )

    @property
    def classes(self) -> dict[str, tuple[str, ...]]:
        """Of each collection, its classes in label order."""
        return {collection.name: collection.classes for collection in self.collections}

    @property
    def train_counts(self) -> list[list[int]]:
        """Of each collection, training beats of each class."""
        return self._counts(self.train_rows)

    @property
    def validation_counts(self) -> list[list[int]]:
        """Of each collection, validation beats of each class."""
        return self._counts(self.validation_rows)

    def describe(self) -> dict[str, Any]:
        """What is learnt from, for the weights' JSON and the run's fingerprint."""
        return {
            collection.name: {
                "content": collection.content,
                "split": self.config.ecg.split,
                "records": len(collection.records),
                "train_beats": dict(zip(collection.classes, train, strict=True)),
                "validation_beats": dict(zip(collection.classes, validation, strict=True)),
                "skipped": collection.skipped,
            }
            for collection, train, validation in zip(
                self.collections, self.train_counts, self.validation_counts, strict=True
            )
        }

    def _counts(self, rows: Sequence[np.ndarray]) -> list[list[int]]:
        parts = zip(self.collections, rows, strict=True)
        return [np.bincount(held.labels[part], minlength=len(held.classes)).tolist() for held, part in parts]

    def loader(self, draws: MixedBatches | Passes) -> DataLoader:
        """Beats; in this process, as gathering rows of an array is quicker than sending them from another."""
        return DataLoader(HeartbeatBatches(self.collections), sampler=draws, batch_size=None, collate_fn=as_is)


def _lead(name: str) -> int | str:
    return int(name) if name.isdecimal() else name


def _parts(source: HeartbeatSource, collection: Collection, config: Config) -> np.ndarray:
    """Of each beat: 0 training, 1 validation, -1 neither."""
    ecg = config.ecg
    division = source.division(collection.records, ecg.split, ecg.validation_share, config.seed)
    if division is not None:
        return division[collection.record]
    generator = np.random.default_rng(derive_seed(config.seed, "beats", collection.name))
    part = np.zeros(len(collection.labels), np.int8)
    part[generator.permutation(len(part))[: round(ecg.validation_share * len(part))]] = 1
    return part
