"""Metrics of a training in Weights & Biases, complete and each once, however often the training is stopped."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from lightning import Callback, LightningModule, Trainer
from lightning.pytorch.loggers import WandbLogger
from lightning.pytorch.utilities.rank_zero import rank_zero_only

from painlit.runs.tracking import forget_superseded
from painlit.system.files import write_text


class RunLogger(WandbLogger):
    """Lightning's logger, with metrics at the training's own steps and the configuration logged once.

    An offline run that goes on is a new file, and of several files of a run Weights & Biases keeps the one sent last.
    So metrics are kept in history.jsonl too, and the new file begins with those up to the step that the training goes
    on from. Online, metrics of steps that the service has already are dropped by it.

    Args:
        folder: Of the run.
        offline: Whether it is logged offline.
        settings: Of `painlit.runs.tracking.run_settings`.
    """

    def __init__(self, folder: Path, offline: bool, **settings: Any):
        super().__init__(offline=offline, save_dir=folder, **settings)
        self.path = folder / "history.jsonl"

    def log_hyperparams(self, *_: Any, **__: Any) -> None:
        """Nothing: the settings have the whole configuration, and a module's own seed would replace the run's."""

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Log metrics at a step of the training."""
        line = {"step": step, "metrics": {name: float(value) for name, value in metrics.items()}}
        with open(self.path, "a", encoding="utf-8") as handle:
            handle.write(json.dumps(line) + "\n")
        self._send(line)

    @rank_zero_only
    def go_on(self, step: int) -> None:
        """Forget what was logged from this step on, which will be repeated, and log the rest again."""
        kept = [line for line in self._history() if line["step"] is not None and line["step"] < step]
        write_text(self.path, "".join(json.dumps(line) + "\n" for line in kept))
        forget_superseded(self.path.parent, self.experiment)
        for line in kept:
            self._send(line)

    def _history(self) -> Iterator[dict[str, Any]]:
        for line in self.path.read_text(encoding="utf-8").splitlines() if self.path.is_file() else ():
            with suppress(json.JSONDecodeError):  # the last line, if the process was killed while it wrote it
                yield json.loads(line)

    def _send(self, line: Mapping[str, Any]) -> None:
        step = line["step"]
        at = {} if step is None else {"trainer/global_step": step}
        self.experiment.log({**line["metrics"], **at}, step=step)


class Tracking(Callback):
    """Has a `RunLogger` go on where the training does, and logs the learning rate."""

    def __init__(self, logger: RunLogger):
        self.logger = logger

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin anew where there is no checkpoint."""
        if trainer.ckpt_path is None:
            self.logger.go_on(0)

    def on_load_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Go on from one; also where all epochs are done and no training begins."""
        self.logger.go_on(checkpoint["global_step"])

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        """Log the rate of the step, at the beginning of an epoch and every so many steps; all groups have the same."""
        step, first_pass = trainer.global_step, batch_idx % trainer.accumulate_grad_batches == 0
        if first_pass and (batch_idx == 0 or step % trainer.log_every_n_steps == 0):  # type: ignore[attr-defined]
            self.logger.log_metrics({"train/lr": trainer.optimizers[0].param_groups[0]["lr"]}, step)
