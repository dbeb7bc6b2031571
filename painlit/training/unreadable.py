"""Images that turn out unreadable in training: skipped, counted, listed; too many of them end it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from lightning import Callback, LightningModule, Trainer

from painlit.errors import PainlitError
from painlit.images.build_index import UNREADABLE_ALLOWED
from painlit.system.files import write_text

_SHOWN = 3


class UnreadableImages(Callback):
    """Counts unreadable images over all processes.

    Args:
        path: A text file with a line for each unreadable image; there only if there are any.
        every: Steps between two totals over all processes; the end of each epoch is one too.

    Raises:
        PainlitError: More than 1 % of the images drawn since the start of this process cannot be read.
    """

    def __init__(self, path: Path, every: int):
        self.path, self.every = path, every
        self.messages: set[str] = set(path.read_text(encoding="utf-8").splitlines()) if path.is_file() else set()
        self._drawn = self._failed = 0

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Count a training batch."""
        self._count(batch)
        if trainer.global_step % self.every == 0:
            self._settle(trainer)

    def on_validation_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, *_: Any
    ) -> None:
        """Count a validation batch."""
        self._count(batch)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Report, and end the training if there are too many."""
        self._settle(trainer)

    def _count(self, batch: dict[str, Any]) -> None:
        self._drawn += len(batch["label"]) + len(batch["unreadable"])
        self._failed += len(batch["unreadable"])
        self.messages.update(batch["unreadable"])

    def _settle(self, trainer: Trainer) -> None:
        accounts: list[Any] = [(self._drawn, self._failed, self.messages)]
        if trainer.world_size > 1:
            accounts = [None] * trainer.world_size
            torch.distributed.all_gather_object(accounts, (self._drawn, self._failed, self.messages))
        drawn, failed = sum(a[0] for a in accounts), sum(a[1] for a in accounts)
        messages = sorted(set().union(*(a[2] for a in accounts)))
        if trainer.is_global_zero and messages and messages != sorted(self._written()):
            write_text(self.path, "\n".join(messages) + "\n")
            print(f"{len(messages)} unreadable images so far, all skipped; see {self.path}", flush=True)
        if failed > UNREADABLE_ALLOWED * drawn:
            raise PainlitError(
                f"{failed} of {drawn} images drawn cannot be read, such as {'; '.join(messages[:_SHOWN])}",
                f"get them again ({self.path} lists all seen so far), then run the same command; up to 1 % is skipped",
            )

    def _written(self) -> list[str]:
        return self.path.read_text(encoding="utf-8").splitlines() if self.path.is_file() else []
