"""Both pretraining stages on photographs: indices, and a loader that decodes and augments off the training process."""

from __future__ import annotations

from pathlib import Path

from torch.utils.data import DataLoader

from painlit.config import Config, Stage1Config, Stage2Config
from painlit.images.build_index import open_index
from painlit.images.dataset import FaceImages
from painlit.images.index import ImageIndex
from painlit.images.source import ImageSource
from painlit.system.devices import pick_device
from painlit.system.processes import loader_options
from painlit.training.datamodule import DrawnDataModule, as_is
from painlit.training.sampling import MixedBatches, Passes


class PhotographDataModule(DrawnDataModule):
    """Face crops of one or several sets of photographs.

    Args:
        config: Where the photographs are, how they are cropped and augmented.
        settings: Its group of this stage.
        size: Side of the crops in px.
    """

    indices: list[ImageIndex]

    def __init__(self, config: Config, settings: Stage1Config | Stage2Config, size: int):
        super().__init__(config, settings)
        self.size = size

    def loader(self, draws: MixedBatches | Passes) -> DataLoader:
        """Face crops, decoded and augmented in other processes."""
        config = self.config
        images = FaceImages(self.indices, self.labels, self.size, config.face.margin, config.images)
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
