"""The command decides what SIGTERM does to a training."""

import signal
from collections.abc import Iterator

import lightning as L
import pytest
import torch
from torch import nn

from painlit.training.callbacks import CommandsSigterm


class Watched(L.LightningModule):
    """Records the handlers of SIGTERM while it trains."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(2, 1)
        self.handlers: list[object] = []

    def training_step(self, batch: torch.Tensor) -> torch.Tensor:
        self.handlers.append(signal.getsignal(signal.SIGTERM))
        return self.layer(batch).sum()

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), 0.1)


@pytest.fixture
def sigterm() -> Iterator[None]:
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def handlers() -> set[object]:
    module = Watched()
    callbacks = [CommandsSigterm()]
    quiet = {
        "logger": False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
    }
    trainer = L.Trainer(max_epochs=1, accelerator="cpu", callbacks=callbacks, **quiet)
    trainer.fit(module, torch.utils.data.DataLoader(torch.ones(4, 2)))
    return {*module.handlers}


def test_the_commands_handler_is_installed_while_it_trains(sigterm):
    def ours(number: int, frame: object) -> None: ...

    signal.signal(signal.SIGTERM, ours)
    assert handlers() == {ours}


def test_without_a_handler_it_is_lightnings(sigterm):
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    (handler,) = handlers()
    assert "lightning" in type(handler).__module__
