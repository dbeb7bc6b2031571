"""`fit`: the epoch it selects, and checkpoints that hold code."""

from pathlib import Path
from typing import Any

import lightning as L
import pytest
import torch
from torch.utils.data import DataLoader

from painlit.config import TrainConfig, load
from painlit.errors import PainlitError
from painlit.training import trainer as trainer_module
from painlit.training.checkpoints import ResumePoint, check_readable, load_best
from painlit.training.trainer import Run, fit

ACCURACIES = [0.2, 0.7, 0.4, 0.9, 0.1, 0.9]


class Scripted(L.LightningModule):
    """Its weight counts epochs, and its accuracies are given."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(()))

    def training_step(self, batch: Any, index: int) -> torch.Tensor:
        return -self.weight

    def validation_step(self, batch: Any, index: int) -> None:
        self.log("val/accuracy", ACCURACIES[self.current_epoch])

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=1.0)


class OneBatch(L.LightningDataModule):
    def train_dataloader(self) -> DataLoader:
        return DataLoader([0])  # type: ignore[arg-type]

    val_dataloader = train_dataloader


def train(folder: Path, select: bool = False, epochs: int = len(ACCURACIES)) -> Scripted:
    module, training = Scripted(), TrainConfig(epochs=epochs, warmup_epochs=0, accelerator="cpu")
    run = Run(folder, group="tests", name="fit", kind="fold", config=load(["log.wandb=disabled"]))
    fit(module, OneBatch(), training, run, resume=ResumePoint(folder / "checkpoints" / "last.ckpt"), select=select)
    return module


def test_the_epoch_of_the_highest_validation_accuracy_is_selected_the_first_of_equals(tmp_path: Path):
    module = train(tmp_path, select=True)
    assert float(module.weight.detach()) == len(ACCURACIES)
    assert load_best(module, tmp_path) == 4
    assert float(module.weight.detach()) == 4, "the weights are that epoch's"


class Malicious:
    """A pickle that leaves a file when it is loaded."""

    def __init__(self, mark: Path):
        self.mark = mark

    def __reduce__(self):
        return Path.touch, (self.mark,)


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    return tmp_path / "its code has run"


def poison(checkpoint: Path, mark: Path) -> None:
    """A whole checkpoint, with code in it."""
    content = torch.load(checkpoint, weights_only=True)
    torch.save({**content, "extra": Malicious(mark)}, checkpoint)
    torch.load(checkpoint, weights_only=False)
    assert mark.is_file(), "it would do harm"
    mark.unlink()


def test_a_checkpoint_that_holds_code_is_refused_and_not_run(tmp_path: Path, mark: Path):
    module = train(tmp_path, select=True, epochs=2)
    for name in ("last.ckpt", "best.ckpt"):
        poison(tmp_path / "checkpoints" / name, mark)
    with pytest.raises(PainlitError, match=r"last\.ckpt is damaged"):
        check_readable(tmp_path / "checkpoints" / "last.ckpt")
    with pytest.raises(PainlitError, match=r"last\.ckpt is damaged"):
        train(tmp_path)
    with pytest.raises(Exception, match="Weights only load failed"):
        load_best(module, tmp_path)
    assert not mark.exists()


def test_the_trainer_itself_loads_no_pickle(tmp_path: Path, mark: Path, monkeypatch):
    train(tmp_path, epochs=2)
    poison(tmp_path / "checkpoints" / "last.ckpt", mark)
    monkeypatch.setattr(trainer_module, "check_readable", lambda path: path)
    with pytest.raises(Exception, match="Weights only load failed"):
        train(tmp_path)
    assert not mark.exists()
