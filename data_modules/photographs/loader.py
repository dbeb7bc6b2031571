"""The loader of both pretraining stages: decoding and augmentation off the training process."""

from __future__ import annotations

from torch.utils.data import DataLoader

from painlit.images.dataset import FaceImages, as_is
from painlit.system.processes import loader_options
from painlit.training.sampling import MixedBatches, Passes


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
        collate_fn=as_is,  # type: ignore[arg-type]
        persistent_workers=workers > 0,
        **loader_options(workers, most * 3 * images.size**2),
    )
