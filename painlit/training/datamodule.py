"""Data modules that go on where a checkpoint stopped, within an epoch too."""

from __future__ import annotations

from typing import Any

import numpy as np
from lightning import LightningDataModule
from torch.utils.data import DataLoader

from painlit.config import Config, HeartbeatConfig, Stage1Config, Stage2Config
from painlit.training.sampling import MixedBatches, Passes


def as_is(batch: Any) -> Any:
    """A data set's own batches need no collating."""
    return batch


class ResumableDataModule(LightningDataModule):
    """Keeps the number of batches drawn in the checkpoint, so that the next loader begins behind them."""

    def __init__(self) -> None:
        super().__init__()
        self._drawn = 0

    def state_dict(self) -> dict[str, Any]:
        """Batches drawn since the training began, for the checkpoint."""
        assert self.trainer is not None
        return {"batches": self.trainer.fit_loop.epoch_loop.batch_progress.total.ready}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take the number from a checkpoint; Lightning does so before it requests the loader."""
        self._drawn = state_dict["batches"]

    def take_drawn(self) -> int:
        """Batches drawn according to a checkpoint; 0 from the second call on, as another training begins anew."""
        drawn, self._drawn = self._drawn, 0
        return drawn


class DrawnDataModule(ResumableDataModule):
    """Batches of several sets, drawn by `MixedBatches`; a batch's `task` is the position of its set.

    Loaders need no trainer. In several processes each draws its share of a batch, and two draw together what one would.
    A module of a stage defines how its sets are opened and divided.

    Args:
        config: The configuration.
        settings: Its group of this stage: sampling, mixing and batches.

    Attributes:
        labels: Of each set, the class of each item, (n,); `divide` fills it and the others.
        train_rows: Of each set, what is learnt from.
        validation_rows: Of each set, what is validated on.
    """

    labels: list[np.ndarray]
    train_rows: list[np.ndarray]
    validation_rows: list[np.ndarray]

    def __init__(self, config: Config, settings: Stage1Config | Stage2Config | HeartbeatConfig):
        super().__init__()
        self.config, self.settings = config, settings

    def open_sets(self) -> list[Any]:
        """The sets under runs/, made if they are not there."""
        raise NotImplementedError

    def divide(self, sets: list[Any]) -> None:
        """Take the sets, and divide them into training and validation items."""
        raise NotImplementedError

    def prepare_data(self) -> None:
        """Make the sets under runs/, unless they are there."""
        if not hasattr(self, "labels"):
            self.open_sets()

    def setup(self, stage: str | None = None) -> None:
        """Open the sets and divide their items."""
        if not hasattr(self, "labels"):
            self.divide(self.open_sets())

    def draws(self) -> MixedBatches:
        """The training batches."""
        return MixedBatches(
            self.train_rows,
            [labels[rows] for labels, rows in zip(self.labels, self.train_rows, strict=True)],
            self.settings.train.pass_size,
            balanced=self.settings.sampling == "balanced",
            mixing=getattr(self.settings, "mixing", 1.0),  # stage 1 has one set
            seed=self.config.seed,
        )

    def validation_draws(self) -> Passes:
        """Everything to validate on, once."""
        return Passes(self.validation_rows, self.settings.train.pass_size)

    def loader(self, draws: MixedBatches | Passes) -> DataLoader:
        """A loader of these batches."""
        raise NotImplementedError

    def train_dataloader(self) -> DataLoader:
        """Training batches; goes on where a checkpoint stopped."""
        draws = self.draws()
        draws.go_on(self.take_drawn())
        return self.loader(draws)

    def val_dataloader(self) -> DataLoader | list:
        """Each validation item once, as it is."""
        draws = self.validation_draws()
        return self.loader(draws) if draws.draws else []

    test_dataloader = predict_dataloader = val_dataloader  # pretraining has no others
