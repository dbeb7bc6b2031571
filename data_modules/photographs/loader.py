"""Both pretraining stages on photographs: indices, and a loader that decodes and augments off the training process."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from torch.utils.data import DataLoader

from painlit.config import Config, Stage1Config, Stage2Config
from painlit.images.build_index import open_index
from painlit.images.dataset import FaceImages
from painlit.images.index import ImageIndex
from painlit.images.reading import UnreadableImageError
from painlit.images.source import ImageSource
from painlit.images.teacher import Teacher, TeacherTargets, fit_targets
from painlit.system.devices import pick_device
from painlit.system.processes import loader_options, process_rank
from painlit.system.progress import progress_bar
from painlit.training.datamodule import DrawnDataModule, as_is
from painlit.training.sampling import MixedBatches, Passes

TEACHER_IMAGES = 2_000
"""Training images whose principal components the teacher's targets are, at most."""


class PhotographDataModule(DrawnDataModule):
    """Face crops of one or several sets of photographs.

    Args:
        config: Where the photographs are, how they are cropped and augmented.
        settings: Its group of this stage.
        size: Side of the crops in px.
    """

    settings: Stage1Config | Stage2Config
    indices: list[ImageIndex]
    targets: TeacherTargets | None = None
    """What is learnt of a teacher, if the settings name one."""

    def __init__(self, config: Config, settings: Stage1Config | Stage2Config, size: int):
        super().__init__(config, settings)
        self.size = size

    def setup(self, stage: str | None = None) -> None:
        """Open the sets, divide their images, and fit the targets to the teacher's outputs on some of them."""
        super().setup(stage)
        if self.settings.teacher.file and self.targets is None:
            self.targets = self._fit_to_teacher(Teacher(self.settings.teacher))

    def _fit_to_teacher(self, teacher: Teacher) -> TeacherTargets:
        drawn = [(task, int(row), -1) for task, rows in enumerate(self.train_rows) for row in rows]
        some = [drawn[k] for k in np.linspace(0, len(drawn) - 1, min(TEACHER_IMAGES, len(drawn))).astype(int)]
        images, made = FaceImages(self.indices, self.labels, self.size, self.config.face.margin, self.config.images), []
        with progress_bar("run the teacher", total=len(some)) as advance:
            for draw in some:
                with suppress(UnreadableImageError):  # training counts and lists them
                    made.append(teacher.of_face(*images.image(draw), mirrored=False))
                advance()
        targets = fit_targets(teacher, made)
        if process_rank() == 0:
            print(f"the teacher gives {teacher.size} values of a face; {targets.size} components of them are learnt")
        return targets

    def described_teacher(self) -> dict[str, Any]:
        """The teacher, for the weights' JSON and the run's fingerprint; nothing without one."""
        if self.targets is None:
            return {}
        return {"teacher": {"sha256": self.targets.teacher.sha256, "components": self.targets.size}}

    def loader(self, draws: MixedBatches | Passes) -> DataLoader:
        """Face crops, decoded and augmented in other processes."""
        config = self.config
        images = FaceImages(self.indices, self.labels, self.size, config.face.margin, config.images, self.targets)
        return image_loader(images, draws, config.images.workers, self.settings.train.pass_size)


def index_of(source: ImageSource, config: Config, faces: str, digests: bool = False) -> ImageIndex:
    """The index of a set of photographs, built if need be under runs/index; see `open_index`."""
    device = str(pick_device(config.prepare.device))
    return open_index(source, Path(config.runs) / "index", faces, config.face, digests=digests, device=device)


def image_loader(images: FaceImages, draws: MixedBatches | Passes, workers: int, most: int) -> DataLoader:
    """A loader of whole batches.

    Args:
        images: The data sets.
        draws: Which images each batch has.
        workers: Processes that decode; 0 decodes in this one.
        most: Images in a batch, at most.
    """
    return DataLoader(
        images,
        sampler=draws,
        batch_size=None,  # the draws are batches
        collate_fn=as_is,
        persistent_workers=workers > 0,
        **loader_options(workers, most * 3 * images.size**2),
    )
