"""The trivial baseline of the face benchmarks: the nearest neighbour among grey crops, with no network at all."""

from typing import TypeVar

import cv2
import numpy as np

from data_modules.photographs.loader import PhotographDataModule
from painlit.config import Config
from painlit.images.dataset import FaceImages
from painlit.images.index import ImageIndex
from painlit.training.sampling import Draw


def grey_pixels(config: Config, index: ImageIndex, rows: np.ndarray, size: int = 64) -> np.ndarray:
    """The crops of some images as the networks get them, but grey: (n, size * size) in 0..255."""
    images = FaceImages([index], [index.labels], size, config.face.margin, config.images)
    crops = [images.crop(Draw(0, int(row), -1)) for row in rows]
    return np.stack([cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY).ravel() for crop in crops]).astype(np.float32)


Data = TypeVar("Data", bound=PhotographDataModule)


def opened(data: Data) -> Data:
    """The images, divided as a run divides them."""
    data.setup()
    return data


def nearest_neighbour_accuracy(data: PhotographDataModule) -> tuple[int, int]:
    """Validation images whose nearest training image has their class, and all of them."""
    (index,), (labels,), (train,), (test,) = data.indices, data.labels, data.train_rows, data.validation_rows
    known, queries = (grey_pixels(data.config, index, rows) for rows in (train, test))
    distance = np.stack([np.square(known - image).sum(1) for image in queries])  # (test, train)
    return int((labels[train][distance.argmin(1)] == labels[test]).sum()), len(test)
