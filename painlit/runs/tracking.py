"""Weights & Biases: which run is which, and nothing that asks or hangs. No image is ever logged."""

from __future__ import annotations

import os
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Any

from painlit.config import LogConfig
from painlit.errors import PainlitError


def check_credentials(log: LogConfig) -> None:
    """Refuse to log online without credentials, before anything runs: Weights & Biases would ask in every fold.

    Raises:
        PainlitError: log.wandb=online, and nobody is logged in.
    """
    if log.wandb != "online":
        return
    import wandb

    if not wandb.login(prompt=False):
        raise PainlitError(
            "log.wandb=online, but there are no credentials of Weights & Biases",
            "run `wandb login` or set WANDB_API_KEY; or take log.wandb=offline and send later with `wandb sync`",
        )


def run_settings(log: LogConfig, folder: Path, group: str, name: str, kind: str) -> dict[str, Any]:
    """Arguments that name a run: the same folder is the same run when it goes on.

    Args:
        log: Project, and online or offline.
        folder: Of the run; its files go to wandb/ in it.
        group: Run of `make loso`, or the stage.
        name: Of the run in its group: the subject held out, or summary.
        kind: Job type.
    """
    os.environ.setdefault("WANDB_SILENT", "true")
    os.environ.setdefault("WANDB_CONSOLE", "off")  # a fold's own log.txt has it
    return {
        "project": log.project,
        "name": name,
        "group": group,
        "job_type": kind,
        "id": _identity(folder),
        "resume": "allow",
    }


def _identity(folder: Path) -> str:
    """A name for the run that stays in its folder: moved it is the same run, deleted and made anew it is another."""
    path = folder / "wandb_id"
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        identity = uuid.uuid4().hex[:16]
        part = path.with_name(f".{path.name}.{identity}")
        part.write_text(identity)
        with suppress(FileExistsError):  # another process of the same training was first
            os.link(part, path)
        part.unlink()
    return path.read_text()
