"""Face crops of the images in one or several indices, fetched a whole batch at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

from painlit.config import ImagesConfig
from painlit.images.augment import augmented_crop, face_square, is_mirrored
from painlit.images.index import ImageIndex
from painlit.images.reading import JPEG_START, UnreadableImageError, decode
from painlit.images.teacher import TeacherTargets
from painlit.signals.video.crops import crop_face

Batch = dict[str, Any]
Draw = tuple[int, int, int]
"""An image of a batch: position of its data set, row of its index, seed of its augmentation, negative for none."""


class FaceImages(Dataset):
    """Batches of face crops.

    A batch holds `images` (B, 3, size, size) uint8 RGB, `label` (B,) and `task` (B,) int64, and `unreadable`: what was
    wrong with each image that was drawn but could not be read, and so is not in it. With a teacher also `teacher`
    (B, K), its outputs for the same faces, mirrored where `images` are and otherwise unchanged.

    Args:
        indices: The data sets; a draw begins with the position here.
        labels: Of each data set, the label of each row of its index; -1 where a row is not to be drawn.
        size: Side of the crops in px.
        margin: Of the crop about a face's box, as for video.
        images: Augmentation.
        targets: Targets from a teacher, if there is one. Each process runs it once on an image, and once on its mirror
            image, and caches 4·K bytes of each.
    """

    def __init__(
        self,
        indices: Sequence[ImageIndex],
        labels: Sequence[np.ndarray],
        size: int,
        margin: float,
        images: ImagesConfig,
        targets: TeacherTargets | None = None,
    ):
        self.indices, self.labels, self.size, self.margin = list(indices), list(labels), size, margin
        self.config, self.targets = images, targets
        self._cache: dict[int, tuple[np.ndarray, np.ndarray]] = {}  # of each data set: cached (n, 2), outputs (n, 2, K)

    def __len__(self) -> int:
        return sum(len(index) for index in self.indices)

    def __getitem__(self, draws: Sequence[Draw]) -> Batch:
        """Fetch the images of a batch."""
        crops: list[np.ndarray] = []
        teacher_targets: list[np.ndarray] = []
        kept: list[Draw] = []
        unreadable: list[str] = []
        for draw in draws:
            try:
                image, box = self.image(draw)
                crops.append(self._crop(image, box, draw[2]))
                if self.targets:
                    teacher_targets.append(self._target(image, box, draw, self.targets))
                kept.append(draw)
            except UnreadableImageError as error:
                line = int(self.indices[draw[0]].lines[draw[1]])
                unreadable.append(f"{error} (line {line} of the list)" if line else str(error))
        stacked = np.stack(crops) if crops else np.empty((0, self.size, self.size, 3), np.uint8)
        batch: Batch = {
            "images": torch.from_numpy(np.ascontiguousarray(stacked.transpose(0, 3, 1, 2))),
            "label": torch.tensor([int(self.labels[task][row]) for task, row, _ in kept], dtype=torch.int64),
            "task": torch.tensor([task for task, _, _ in kept], dtype=torch.int64),
            "unreadable": unreadable,
        }
        if self.targets:
            batch["teacher"] = torch.from_numpy(
                np.stack(teacher_targets) if teacher_targets else np.empty((0, self.targets.size), np.float32)
            )
        return batch

    def crop(self, draw: Draw) -> np.ndarray:
        """The face crop of one image, (size, size, 3) uint8 RGB; augmented if its seed is not negative.

        Raises:
            UnreadableImageError: The file is missing, cut short or no image.
        """
        return self._crop(*self.image(draw), draw[2])

    def image(self, draw: Draw) -> tuple[np.ndarray, np.ndarray]:
        """An image (H, W, 3) uint8 RGB, reduced if it is a large JPEG, and the face's box in it, (4,) px.

        Raises:
            UnreadableImageError: The file is missing, cut short or no image.
        """
        index, row = self.indices[draw[0]], draw[1]
        box = np.asarray(index.boxes[row], np.float64)
        data = index.read(row)
        reduction = self._reduction(data, box)
        return decode(data, index.path(row), reduction, index.upright), box / reduction

    def _crop(self, image: np.ndarray, box: np.ndarray, seed: int) -> np.ndarray:
        square = face_square(box, image.shape, self.margin)
        if seed < 0:
            return crop_face(image, square, self.size)
        return augmented_crop(image, square, self.size, self.config, seed)

    def _target(self, image: np.ndarray, box: np.ndarray, draw: Draw, targets: TeacherTargets) -> np.ndarray:
        task, row, seed = draw
        if task not in self._cache:
            shape = (len(self.indices[task]), 2)
            self._cache[task] = np.zeros(shape, bool), np.zeros((*shape, targets.size), np.float32)  # no memory yet
        mirrored = seed >= 0 and is_mirrored(self.config, seed)
        cached, outputs = self._cache[task]
        if not cached[row, int(mirrored)]:
            outputs[row, int(mirrored)] = targets.of_face(image, box, mirrored)
            cached[row, int(mirrored)] = True
        return outputs[row, int(mirrored)]

    def _reduction(self, data: bytes, box: np.ndarray) -> int:
        """The largest reduction of a JPEG that leaves each crop at least as large as what is made of it."""
        if not data.startswith(JPEG_START) or np.isnan(box[0]):
            return 1
        made = [(self.margin, self.size)]
        if self.targets:
            made.append((self.targets.teacher.settings.margin, self.targets.teacher.settings.size))
        longest = max(box[2] - box[0], box[3] - box[1])
        largest = min((1 + margin) * longest / size for margin, size in made)
        return next((factor for factor in (8, 4, 2) if largest >= factor), 1)
