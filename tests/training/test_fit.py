"""`fit`: the epoch it selects, and checkpoints that hold code."""

from pathlib import Path
from typing import Any

import lightning as L
import pytest
import torch
from torch.utils.data import DataLoader

from painlit.config import EcgTraining, TrainConfig, load
from painlit.errors import PainlitError
from painlit.training import stage
from painlit.training.checkpoints import ResumePoint, SealedCheckpointIO, load_best
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
    assert load_best(module, tmp_path, SealedCheckpointIO(None, "delete it")) == 4
    assert float(module.weight.detach()) == 4, "the weights are that epoch's"


def test_the_last_epoch_is_saved_whatever_lies_between_two_checkpoints(tmp_path: Path):
    resume = ResumePoint(tmp_path / "last.ckpt", epochs=4)
    options = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "accelerator": "cpu"}
    L.Trainer(max_epochs=6, default_root_dir=tmp_path, callbacks=[resume], **options).fit(Scripted(), OneBatch())
    assert torch.load(resume.path, weights_only=True)["epoch"] == 5


def test_pretraining_clips_and_accumulates_as_its_settings_say(tmp_path: Path, monkeypatch):
    given = {}

    def fit(*_: Any, **options: Any) -> L.Trainer:
        given.update(options)
        return L.Trainer(logger=False, enable_checkpointing=False, accelerator="cpu")

    monkeypatch.setattr(stage, "fit", fit)
    training = EcgTraining(clip_gradient=0.7, accumulate=4, checkpoint_steps=11, accelerator="cpu")
    run = Run(tmp_path, group="tests", name="fit", kind="pretrain-ecg", config=load(["log.wandb=disabled"]))
    stage.pretrain(Scripted(), OneBatch(), training, run)
    assert (given["gradient_clip_val"], given["accumulate_grad_batches"], given["resume"].steps) == (0.7, 4, 11)


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
        train(tmp_path)
    with pytest.raises(PainlitError, match=r"best\.ckpt is damaged"):
        load_best(module, tmp_path, SealedCheckpointIO(None, "delete it"))
    assert not mark.exists()


def test_the_trainer_itself_loads_no_pickle(tmp_path: Path, mark: Path, monkeypatch):
    train(tmp_path, epochs=2)
    poison(tmp_path / "checkpoints" / "last.ckpt", mark)
    monkeypatch.delattr(SealedCheckpointIO, "load_checkpoint")  # Lightning's own is left
    with pytest.raises(Exception, match="Weights only load failed"):
        train(tmp_path)
    assert not mark.exists()
