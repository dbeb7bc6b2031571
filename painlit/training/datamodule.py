"""Data modules that go on where a checkpoint stopped, within an epoch too."""

from __future__ import annotations

from typing import Any

from lightning import LightningDataModule
from torch.utils.data import DataLoader

from painlit.training.sampling import MixedBatches, Passes


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
        """Take the number from a checkpoint; Lightning does so before it asks for the loader."""
        self._drawn = state_dict["batches"]

    def take_drawn(self) -> int:
        """Batches that a checkpoint says were drawn; 0 from the second call on, as another training begins anew."""
        drawn, self._drawn = self._drawn, 0
        return drawn


class DrawnDataModule(ResumableDataModule):
    """Batches of several sets, drawn by `MixedBatches`; a batch's `task` is the position of its set.

    Loaders need no trainer. In several processes each draws its share of a batch, and two draw together what one would.
    """

    def draws(self) -> MixedBatches:
        """The training batches."""
        raise NotImplementedError

    def validation_draws(self) -> Passes:
        """Everything to validate on, once."""
        raise NotImplementedError

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

    def test_dataloader(self) -> DataLoader | list:
        """The validation items: pretraining has no others."""
        return self.val_dataloader()

    def predict_dataloader(self) -> DataLoader | list:
        """The validation items."""
        return self.val_dataloader()
