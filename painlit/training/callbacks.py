"""What a training prints (a line an epoch, a progress bar, how long it took), and how SIGTERM ends it."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from lightning import Callback, LightningModule, Trainer

from painlit.system.progress import progress_bar


class EpochLines(Callback):
    """One line of metrics an epoch, for log.txt and terminals alike; those of single classes are left to the logger."""

    def __init__(self) -> None:
        self._started = time.monotonic()

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Print the epoch's metrics."""
        if not trainer.is_global_zero:
            return
        values = {k: float(v) for k, v in trainer.callback_metrics.items() if k.count("/") < 3}
        text = "  ".join(f"{key} {value:.4f}" for key, value in sorted(values.items()))
        seconds = time.monotonic() - self._started
        print(f"epoch {trainer.current_epoch + 1}/{trainer.max_epochs}  {text}  {seconds:.0f} s", flush=True)


class CommandsSigterm(Callback):
    """SIGTERM ends a training by the handler of its command, if it has one.

    Lightning's own handler broadcasts from within the signal, and waits for good if the other processes are in another
    step. They need no notice: they end with the process that started them.
    """

    def __init__(self) -> None:
        self._handler = signal.getsignal(signal.SIGTERM)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Put the command's handler back."""
        if callable(self._handler) and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, self._handler)


class TrainingTime(Callback):
    """Seconds within the training loop of this process: no set-up, no predictions."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._started = 0.0

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start the clock."""
        self._started = time.monotonic()

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Stop it."""
        self.seconds = time.monotonic() - self._started


class StepProgress(Callback):
    """A progress bar over all steps of a training that takes hours."""

    def __init__(self, title: str):
        self.title = title
        self._bar = ExitStack()
        self._advance: Callable[[int], None] | None = None
        self._done = 0

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Show what an earlier process has done already."""
        if trainer.is_global_zero:
            total, self._done = int(trainer.estimated_stepping_batches), trainer.global_step
            self._advance = self._bar.enter_context(progress_bar(self.title, total, done=trainer.global_step))

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *_: Any) -> None:
        """One more, where its gradients are not kept for the next."""
        if self._advance is not None and trainer.global_step > self._done:
            self._advance(trainer.global_step - self._done)
            self._done = trainer.global_step

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Done."""
        self._bar.close()

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Leave the terminal as it was."""
        self._bar.close()
