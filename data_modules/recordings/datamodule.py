"""Recordings of pain as batches: cached embeddings and heart rates, or crops when the Spatial-Module is trained too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, DistributedSampler

from data_modules.recordings.clips import read_clips
from data_modules.recordings.preparation import refuse_replaced
from painlit.clips.baseline import Baseline
from painlit.clips.pain_clips import PainClips, load_pain_clips
from painlit.clips.sources import Sources, resolve_sources
from painlit.clips.table import open_table
from painlit.config import Config
from painlit.models.pain import combine_embeddings
from painlit.signals.video.clip_faces import clip_crops
from painlit.system.processes import loader_options
from painlit.training.datamodule import ResumableDataModule, as_is
from painlit.training.sampling import this_process

Batch = dict[str, Tensor]


class PainDataset(Dataset):
    """Some of the clips, fetched a whole batch at a time.

    A batch holds, as the modality needs them: `full` and `tiles` (B, F, D) float16, `bpm` (B, S) float32 in bpm,
    `crops` (B, F, 3, S, S) uint8 for joint training; always `label` (B,) int64 and `clip` (B,) positions in `clips`.
    Where each person's own baseline is subtracted, `full` and `tiles` are float32.
    """

    def __init__(self, clips: PainClips, positions: np.ndarray, labels: np.ndarray, config: Config, sources: Sources):
        self.clips = clips
        self.positions = positions
        self.labels = labels
        self.config = config
        self._sources = sources
        self._kept: dict[int, np.ndarray] = {}

    @cached_property
    def _embeddings(self) -> np.ndarray | None:
        """All rows, mapped at the first access: a data set that is sent to a process before carries none of them."""
        return self._sources.embeddings.open().values() if self._sources.embeddings else None

    def __len__(self) -> int:
        return len(self.positions)

    def __getitems__(self, items: Sequence[int]) -> Batch:
        """Fetch the items of a batch at once."""
        at = self.positions[list(items)]
        batch = {"label": torch.from_numpy(self.labels[at]), "clip": torch.from_numpy(at), **self.inputs(at)}
        if self.config.joint:
            batch["crops"] = torch.from_numpy(np.stack([self._crops(position) for position in at.tolist()]))
        return batch

    def inputs(self, at: np.ndarray) -> Batch:
        """`bpm`, `full` and `tiles` of the clips at these positions, as a batch has them."""
        batch: Batch = {}
        if self.config.model.uses_heart_rate:
            batch["bpm"] = torch.from_numpy(self._relative(self.clips.bpm[at], at, Baseline.subtract_bpm))
        if self._embeddings is not None:
            rows = self._relative(self._embeddings[self.clips.rows[at]], at, Baseline.subtract_embeddings)
            both = torch.from_numpy(rows)  # (B, 2, F, D)
            batch |= {"full": both[:, 0], "tiles": both[:, 1]}
        return batch

    def _relative(
        self, values: np.ndarray, at: np.ndarray, subtract: Callable[[Baseline, np.ndarray], np.ndarray]
    ) -> np.ndarray:
        """Values of the clips at these positions, (B, ...), less what is each person's own."""
        if not self.clips.baselines:
            return values
        people = self.clips.subjects[at].tolist()
        return np.stack([subtract(self.clips.baselines[p], value) for p, value in zip(people, values, strict=True)])

    @property
    def crop_bytes(self) -> int:
        """Memory of all crops of these clips."""
        side = 2 * self.config.spatial.image_size
        return len(self) * self.config.clip.used_frames * 3 * side * side

    @property
    def keeps_crops(self) -> bool:
        """Whether the crops fit the memory the configuration allows, and are decoded only once."""
        return self.config.joint and self.crop_bytes <= self.config.train.crop_memory_gib * 2**30

    def _crops(self, position: int) -> np.ndarray:
        if position in self._kept:
            return self._kept[position]
        clip, config = self.clips.videos[position], self.config
        size = 2 * config.spatial.image_size
        frames = clip_crops(clip.video, clip.boxes, config.clip, config.face, size, clip.start, clip.end)
        crops = np.stack(list(frames)).transpose(0, 3, 1, 2)  # (F, 3, S, S)
        if self.keeps_crops:
            self._kept[position] = crops
        return crops


class PainDataModule(ResumableDataModule):
    """Clips of a data set, divided by subject: prepared, and embedded where the modality has video.

    Args:
        config: Which clips, modality, batch size and what else batches depend on.
        train: Subjects to train on; None takes all who are in no other part.
        validation: Subjects an epoch is selected on; none for fixed epochs.
        test: Subjects held out.
        seed: Of the order of training clips.
        clips: All usable clips, if they are loaded already; then `sources` must be given too.
        sources: The weights and embeddings that models of these clips start from.

    Raises:
        PainlitError: From `setup`, when a step before is missing or was made with other settings.
        ValueError: A subject is in two parts, or there is no training clip.
    """

    clips: PainClips
    sources: Sources

    def __init__(
        self,
        config: Config,
        train: Sequence[str] | None = None,
        validation: Sequence[str] = (),
        test: Sequence[str] = (),
        seed: int = 0,
        *,
        clips: PainClips | None = None,
        sources: Sources | None = None,
    ):
        super().__init__()
        self.config, self.seed = config, seed
        self.subjects = train, tuple(validation), tuple(test)
        if clips is not None and sources is not None:
            self.clips, self.sources = clips, sources

    def setup(self, stage: str | None = None) -> None:
        """Find what `make prepare` and `make embed` left, and divide the clips; `config` gets the data's classes."""
        if not hasattr(self, "clips"):
            self.config, listed = read_clips(self.config)
            prepared = open_table(self.config).clips()
            self.sources = resolve_sources(self.config)
            model = self.config.model
            refuse_replaced(listed, prepared, model.uses_video, model.uses_heart_rate)
            self.clips = load_pain_clips(self.config, listed, prepared, self.sources)
        clips, (chosen, validation, test) = self.clips, self.subjects
        train = [s for s in clips.subject_names if s not in {*validation, *test}] if chosen is None else chosen
        shared = set(train) & {*test, *validation}
        if shared:
            raise ValueError(f"subjects {sorted(shared)} are both trained on and held out")
        labels = clips.labels
        if self.config.loso.shuffle_labels:  # of training and selection subjects, never of tested ones
            labels = shuffled_within_subjects(clips, sorted({*train, *validation} - set(test)), self.seed)
        self.train = self._part(train, labels)
        self.validation = self._part(validation, labels)
        self.test = self._part(test, clips.labels)
        if not len(self.train):
            raise ValueError("no training clip")

    def divided(
        self, train: Sequence[str], validation: Sequence[str] = (), test: Sequence[str] = (), seed: int = 0
    ) -> PainDataModule:
        """The same clips, divided otherwise and set up."""
        data = PainDataModule(self.config, train, validation, test, seed, clips=self.clips, sources=self.sources)
        data.setup()
        return data

    def _part(self, subjects: Sequence[str], labels: np.ndarray) -> PainDataset:
        return PainDataset(self.clips, self.clips.of_subjects(subjects), labels, self.config, self.sources)

    def train_dataloader(self) -> DataLoader:
        """Training clips, in an order that follows from seed and epoch alone, so that a resumed run repeats it."""
        rank, processes = this_process()
        sampler: DistributedSampler = DistributedSampler(self.train, processes, rank, shuffle=True, seed=self.seed)
        loader = self._loader(self.train, self.config.train.batch_size // processes or 1, sampler=sampler)
        sampler.set_epoch(self.take_drawn() // len(loader))
        return loader

    def train_predict_dataloader(self) -> DataLoader:
        """Training clips once, in order, for predictions."""
        return self._loader(self.train)

    def inputs(self, at: np.ndarray) -> Batch:
        """`bpm`, `full` and `tiles` of the clips at these positions in `clips`, of any subject; never crops."""
        return self.train.inputs(at)

    def val_dataloader(self) -> DataLoader | list:
        """Clips of the selection subjects."""
        return self._loader(self.validation) if len(self.validation) else []

    def test_dataloader(self) -> DataLoader:
        """Clips of the held-out subjects."""
        return self._loader(self.test)

    predict_dataloader = test_dataloader

    def _loader(self, dataset: PainDataset, batch_size: int | None = None, **options: Any) -> DataLoader:
        decodes = self.config.joint and not dataset.keeps_crops
        workers = self.config.embed.workers if decodes else 0  # gathering rows of a mapped array needs no process
        batch_size = batch_size or self.config.train.batch_size
        clip_bytes = dataset.crop_bytes // max(1, len(dataset))
        return DataLoader(
            dataset,
            batch_size=batch_size,
            collate_fn=as_is,
            persistent_workers=workers > 0,
            **loader_options(workers, batch_size * clip_bytes),
            **options,
        )

    def embedding_statistics(self) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation, (D,) each, of eq. 7's D over the training subjects' frames, and no others."""
        model = self.config.model
        sums = torch.zeros(2, self.config.spatial.embed_dim, dtype=torch.float64)
        count = 0
        for batch in self.train_predict_dataloader():
            full, tiles = batch["full"].double(), batch["tiles"].double()
            d = combine_embeddings(full, tiles, model.frame_embedding, model.tile_coefficient).flatten(0, 1)  # (B·F, D)
            sums += torch.stack([d.sum(0), d.square().sum(0)])
            count += len(d)
        mean, square = sums / count
        std = (square - mean.square()).clamp_min(0).sqrt().clamp_min(1e-6)
        return mean.float(), std.float()


def shuffled_within_subjects(clips: PainClips, subjects: Sequence[str], seed: int) -> np.ndarray:
    """Labels, those of each given subject permuted among its clips: the control that must be at chance."""
    labels = clips.labels.copy()
    generator = np.random.default_rng(seed)
    for subject in sorted(subjects):
        at = clips.of_subjects([subject])
        labels[at] = generator.permutation(labels[at])
    return labels
