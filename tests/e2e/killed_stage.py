"""A stage in a process that is killed, forked from the server in which Lightning is imported already."""

import importlib
import os
import signal
from typing import Any

from painlit.config import load
from painlit.system.processes import forking


def kill_when_saved(stage: str, arguments: list[str], step: int) -> None:
    """Run a stage in a process of its own, which is killed as soon as it has saved the checkpoint of this step."""
    process = forking().Process(target=_run, args=(stage, arguments, step))
    process.start()
    process.join(timeout=240)
    assert process.exitcode == -signal.SIGKILL


def _run(stage: str, arguments: list[str], step: int) -> None:
    from lightning import Trainer

    save = Trainer.save_checkpoint

    def saved(self: Trainer, *args: Any, **options: Any) -> None:
        save(self, *args, **options)
        if self.global_step == step:
            os.kill(os.getpid(), signal.SIGKILL)

    Trainer.save_checkpoint = saved
    importlib.import_module(f"experiments.{stage}").run(load(arguments))
