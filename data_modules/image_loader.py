"""The loader of both pretraining stages: decoding and augmentation off the training process."""

from __future__ import annotations

from typing import Any

import torch
from torch.utils.data import DataLoader, Sampler

from painlit.images.dataset import FaceImages, as_is, start_worker


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
        num_workers=workers,
        persistent_workers=workers > 0,
        worker_init_fn=start_worker,
        prefetch_factor=4 if workers else None,
        pin_memory=torch.cuda.is_available(),
        generator=torch.Generator(),  # a loader draws a seed for its workers: not from the training's stream
    )
