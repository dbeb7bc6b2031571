"""BioVid as batches: cached frame embeddings and heart rates, or crops when the Spatial-Module is trained too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from lightning import LightningDataModule
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, DistributedSampler

from painlit.clips.pain_clips import PainClips, open_embeddings
from painlit.config import Config
from painlit.signals.video.clip_faces import clip_crops
from painlit.system.processes import loader_options

Batch = dict[str, Tensor]


class PainDataset(Dataset):
    """Some of the clips, fetched a whole batch at a time.

    A batch holds, as the modality needs them: `full` and `tiles` (B, F, D) float16, `bpm` (B, S) float32 in bpm,
    `crops` (B, F, 3, S, S) uint8 for joint training; always `label` (B,) int64 and `clip` (B,) positions in `clips`.
    """

    def __init__(self, clips: PainClips, positions: np.ndarray, labels: np.ndarray, config: Config):
        self.clips = clips
        self.positions = positions
        self.labels = labels
        self.config = config
        self._embeddings = open_embeddings(config).values() if config.cached else None
        self._kept: dict[int, np.ndarray] = {}

    def __len__(self) -> int:
        return len(self.positions)

    def __getitems__(self, items: Sequence[int]) -> Batch:
        """Fetch the items of a batch at once."""
        at = self.positions[list(items)]
        batch = {"label": torch.from_numpy(self.labels[at]), "clip": torch.from_numpy(at)}
        if self.config.model.uses_heart_rate:
            batch["bpm"] = torch.from_numpy(self.clips.bpm[at])
        if self._embeddings is not None:
            rows = torch.from_numpy(self._embeddings[self.clips.rows[at]])  # (B, 2, F, D)
            batch |= {"full": rows[:, 0], "tiles": rows[:, 1]}
        if self.config.joint:
            batch["crops"] = torch.from_numpy(np.stack([self._crops(position) for position in at.tolist()]))
        return batch

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
        frames = clip_crops(clip.video, clip.boxes, config.clip, config.face, 2 * config.spatial.image_size)
        crops = np.stack(list(frames)).transpose(0, 3, 1, 2)  # (F, 3, S, S)
        if self.keeps_crops:
            self._kept[position] = crops
        return crops


class BioVidDataModule(LightningDataModule):
    """Training, validation and test clips, divided by subject.

    Args:
        clips: All usable clips.
        config: Modality, batch size and what else batches depend on.
        train: Subjects to train on.
        validation: Subjects an epoch is selected on; none for fixed epochs.
        test: Subjects held out.
        seed: Of the order of training clips.

    Raises:
        ValueError: A subject is in two parts, or there is no training clip.
    """

    def __init__(
        self,
        clips: PainClips,
        config: Config,
        train: Sequence[str],
        validation: Sequence[str] = (),
        test: Sequence[str] = (),
        seed: int = 0,
    ):
        super().__init__()
        shared = set(train) & (set(test) | set(validation))
        if shared:
            raise ValueError(f"subjects {sorted(shared)} are both trained on and held out")
        self.clips = clips
        self.config = config
        self.seed = seed
        labels = clips.labels
        if config.loso.shuffle_labels:  # of whoever decides something, but never of who is tested
            labels = shuffled_within_subjects(clips, sorted({*train, *validation} - set(test)), seed)
        self.train = PainDataset(clips, clips.of_subjects(train), labels, config)
        self.validation = PainDataset(clips, clips.of_subjects(validation), labels, config)
        self.test = PainDataset(clips, clips.of_subjects(test), clips.labels, config)
        if not len(self.train):
            raise ValueError("no training clip")

    def train_dataloader(self) -> DataLoader:
        """Training clips, in an order that follows from seed and epoch alone, so that a resumed run repeats it."""
        # DistributedSampler with one replica is torch's sampler whose order is a function of (seed, epoch).
        sampler: DistributedSampler = DistributedSampler(
            self.train, num_replicas=1, rank=0, shuffle=True, seed=self.seed
        )
        return self._loader(self.train, sampler=sampler)

    def val_dataloader(self) -> DataLoader | list:
        """Clips of the selection subjects."""
        return self._loader(self.validation) if len(self.validation) else []

    def test_dataloader(self) -> DataLoader:
        """Clips of the held-out subjects."""
        return self._loader(self.test)

    def predict_dataloader(self) -> DataLoader:
        """The same clips, for predictions."""
        return self.test_dataloader()

    def _loader(self, dataset: PainDataset, **options: Any) -> DataLoader:
        decodes = self.config.joint and not dataset.keeps_crops
        workers = self.config.embed.workers if decodes else 0  # gathering rows of a mapped array needs no process
        return DataLoader(
            dataset,
            batch_size=self.config.train.batch_size,
            collate_fn=_as_is,
            persistent_workers=workers > 0,
            **loader_options(workers),
            **options,
        )

    def embedding_statistics(self) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation, (D,) each, of eq. 7's D over the training subjects' frames, and no others."""
        model = self.config.model
        sums = torch.zeros(2, self.config.spatial.embed_dim, dtype=torch.float64)
        count = 0
        for batch in self._loader(self.train):
            terms = []
            if model.frame_embedding != "tiles":
                terms.append(batch["full"].double())
            if model.frame_embedding != "full":
                terms.append(model.tile_coefficient * batch["tiles"].double())
            d = torch.stack(terms).sum(0).flatten(0, 1)  # (B·F, D)
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


def _as_is(batch: Any) -> Batch:
    """The dataset's batches need no collating."""
    return batch
