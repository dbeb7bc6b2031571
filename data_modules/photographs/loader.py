"""The loader of both pretraining stages: decoding and augmentation off the training process."""

from __future__ import annotations

from typing import Any

from torch.utils.data import DataLoader, Sampler

from painlit.images.dataset import FaceImages, as_is
from painlit.system.processes import loader_options


def image_loader(images: FaceImages, batches: Sampler[Any], workers: int) -> DataLoader:
    """A loader of whole batches.

    Args:
        images: The data sets.
        batches: `MixedBatches` or `Passes`.
        workers: Processes that decode; 0 decodes in this one.
    """
    return DataLoader(
        images,
        batch_sampler=batches,
        collate_fn=as_is,  # type: ignore[arg-type]
        persistent_workers=workers > 0,
        **loader_options(workers),
    )
