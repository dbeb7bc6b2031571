"""Face crops of the images in one or several indices, fetched a whole batch at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

from painlit.config import ImagesConfig
from painlit.images.augment import augmented_crop, face_square
from painlit.images.index import ImageIndex
from painlit.images.reading import JPEG_START, UnreadableImageError, decode
from painlit.signals.video.crops import crop_face

Batch = dict[str, Any]
Draw = tuple[int, int, int]
"""An image of a batch: position of its data set, row of its index, seed of its augmentation, negative for none."""


class FaceImages(Dataset):
    """Batches of face crops.

    A batch holds `images` (B, 3, size, size) uint8 RGB, `label` (B,) and `task` (B,) int64, and `unreadable`: what was
    wrong with each image that was drawn but could not be read, and so is not in it.

    Args:
        indices: The data sets; a draw begins with the position here.
        labels: Of each data set, the label of each row of its index; -1 where a row is not to be drawn.
        size: Side of the crops in px.
        margin: Of the crop about a face's box, as for video.
        images: Augmentation.
    """

    def __init__(
        self,
        indices: Sequence[ImageIndex],
        labels: Sequence[np.ndarray],
        size: int,
        margin: float,
        images: ImagesConfig,
    ):
        self.indices, self.labels, self.size, self.margin = list(indices), list(labels), size, margin
        self.config = images

    def __len__(self) -> int:
        return sum(len(index) for index in self.indices)

    def __getitem__(self, draws: Sequence[Draw]) -> Batch:
        """Fetch the images of a batch."""
        crops: list[np.ndarray] = []
        kept: list[Draw] = []
        unreadable: list[str] = []
        for draw in draws:
            try:
                crops.append(self.crop(draw))
                kept.append(draw)
            except UnreadableImageError as error:
                line = int(self.indices[draw[0]].lines[draw[1]])
                unreadable.append(f"{error} (line {line} of the list)" if line else str(error))
        stacked = np.stack(crops) if crops else np.empty((0, self.size, self.size, 3), np.uint8)
        return {
            "images": torch.from_numpy(np.ascontiguousarray(stacked.transpose(0, 3, 1, 2))),
            "label": torch.tensor([int(self.labels[task][row]) for task, row, _ in kept], dtype=torch.int64),
            "task": torch.tensor([task for task, _, _ in kept], dtype=torch.int64),
            "unreadable": unreadable,
        }

    def crop(self, draw: Draw) -> np.ndarray:
        """The face crop of one image, (size, size, 3) uint8 RGB; augmented if its seed is not negative.

        Raises:
            UnreadableImageError: The file is missing, cut short or no image.
        """
        task, row, seed = draw
        index = self.indices[task]
        path, box = index.path(row), np.asarray(index.boxes[row], np.float64)
        data = index.read(row)
        reduction = self._reduction(data, box)
        image = decode(data, path, reduction, index.upright)
        square = face_square(box / reduction, image.shape, self.margin)
        if seed < 0:
            return crop_face(image, square, self.size)
        return augmented_crop(image, square, self.size, self.config, seed)

    def _reduction(self, data: bytes, box: np.ndarray) -> int:
        """The largest reduction of a JPEG that leaves the crop at least as large as what is made of it."""
        if not data.startswith(JPEG_START) or np.isnan(box[0]):
            return 1
        side = (1 + self.margin) * max(box[2] - box[0], box[3] - box[1])
        return next((factor for factor in (8, 4, 2) if side >= factor * self.size), 1)
