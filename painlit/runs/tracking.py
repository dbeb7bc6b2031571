"""Weights & Biases: which run is which, what is sent, and nothing that prompts or hangs. No image is ever logged."""

from __future__ import annotations

import os
import shlex
import shutil
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from painlit.config import Config, LogConfig, values_affecting
from painlit.config.affects import RESULTS
from painlit.errors import PainlitError

_NAMES = ("ecg.leave_out",)
"""Settings that results depend on and that name people or their records."""


def check_credentials(log: LogConfig) -> None:
    """Refuse to log online without credentials, before anything runs: Weights & Biases would prompt in every fold.

    Raises:
        PainlitError: log.wandb=online without a login.
    """
    if log.wandb != "online":
        return
    import wandb

    if not wandb.login(prompt=False):
        raise PainlitError(
            "log.wandb=online, but there are no credentials of Weights & Biases",
            "run `wandb login` or set WANDB_API_KEY; or take log.wandb=offline, which prints how to send later",
        )


def run_settings(
    config: Config, folder: Path, group: str, name: str, kind: str, more: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Arguments of `wandb.init`: the same folder is the same run when it goes on.

    Args:
        config: All settings; `log` decides how much of them is sent.
        folder: Of the run; its files go to wandb/ in it.
        group: Run of `make loso`, or the stage.
        name: Of the run in its group: the subject held out, or summary.
        kind: Job type.
        more: Logged with the configuration.
    """
    import wandb

    os.environ.pop("WANDB_SERVICE", None)  # of the parent process, which would hold a killed process's run for good
    os.environ.setdefault("WANDB_SILENT", "true")
    os.environ.setdefault("WANDB_CONSOLE", "off")  # a fold's own log.txt has it
    values = config.to_dict()
    if config.log.private:
        values = {k: v for k, v in values_affecting(config, *RESULTS).items() if k not in _NAMES}
    return {
        "project": config.log.project,
        "name": name,
        "group": group,
        "job_type": kind,
        "id": _identity(folder),
        "resume": "allow",
        "mode": config.log.wandb,  # set here too: the environment variable that Lightning sets is read once a process
        "config": {**values, **(more or {})},
        "settings": wandb.Settings(**(_PRIVATE if config.log.private else {})),
    }


_PRIVATE: dict[str, Any] = {
    "host": "",
    "console": "off",
    "disable_code": True,
    "disable_git": True,
    "disable_job_creation": True,
    "save_code": False,
    "x_disable_machine_info": True,
    "x_disable_meta": True,
    "x_disable_stats": True,
    "x_save_requirements": False,
}


def pseudonyms(log: LogConfig, subjects: Iterable[str]) -> dict[str, str]:
    """What subjects are called in Weights & Biases: by their names, or with log.private by their place in the set.

    >>> pseudonyms(LogConfig(private=True), ["071309_w_21", "080309_m_29"])
    {'071309_w_21': 'fold-001', '080309_m_29': 'fold-002'}
    """
    names = sorted(set(subjects))
    return {name: f"fold-{k:03d}" if log.private else name for k, name in enumerate(names, start=1)}


def sync_command(folder: Path, *below: str) -> str:
    """The command that sends what was logged offline.

    Args:
        folder: Of a run.
        below: Folders in it that were logged, with wildcards; the folder itself if there are none.

    >>> sync_command(Path("runs/loso/my run"), ".", "folds/*")
    "wandb sync 'runs/loso/my run'/wandb/offline-run-* 'runs/loso/my run'/folds/*/wandb/offline-run-*"
    """
    places = [Path(shlex.quote(str(folder))) / part / "wandb" / "offline-run-*" for part in below or (".",)]
    return " ".join(["wandb sync", *map(str, places)])


def log_weights(log: LogConfig, folder: Path, weights: Sequence[Path]) -> None:
    """Log weights, and the JSON beside each, as an artifact of the run that this process is logging.

    Args:
        log: Whether to; never with log.private, as the JSON names subjects and paths.
        folder: Of the run, in which offline copies wait to be sent.
        weights: .safetensors files.
    """
    if log.wandb == "disabled" or not log.weights or log.private:
        return
    import wandb

    if wandb.run is None:
        return
    artifact = wandb.Artifact(f"weights-{wandb.run.id}", type="model")
    with artifacts_in(folder / "wandb"):
        for path in weights:
            artifact.add_file(str(path))
            artifact.add_file(str(path.with_suffix(".json")))
        wandb.run.log_artifact(artifact)


@contextmanager
def artifacts_in(folder: Path) -> Iterator[None]:
    """Let an artifact's files wait for `wandb sync` in the run's folder, not in a home that may not last."""
    chosen = os.environ.get("WANDB_DATA_DIR")
    os.environ["WANDB_DATA_DIR"] = chosen or str(folder.resolve())
    try:
        yield
    finally:
        if chosen is None:
            del os.environ["WANDB_DATA_DIR"]


def forget_superseded(folder: Path, run: Any) -> None:
    """Delete what earlier processes logged offline for a run of which this one logs everything.

    Weights & Biases replaces a run by the file of it that is sent last.

    Args:
        folder: Of the run.
        run: What `wandb.init` gave this process.
    """
    for path in folder.glob("wandb/offline-run-*"):
        if not Path(run.dir).is_relative_to(path.resolve()):
            shutil.rmtree(path)


def end_logging(log: LogConfig) -> None:
    """End this process's run in Weights & Biases, so that the next one in it gets its own."""
    if log.wandb == "disabled":
        return
    import wandb

    if wandb.run is not None:
        wandb.run.finish()


def _identity(folder: Path) -> str:
    """A name for the run that stays in its folder: moved it is the same run, deleted and made anew it is another."""
    path = folder / "wandb_id"
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        identity = uuid.uuid4().hex[:16]
        part = path.with_name(f".{path.name}.{identity}")
        part.write_text(identity, encoding="ascii")
        with suppress(FileExistsError):  # another process of the same training was first
            os.link(part, path)
        part.unlink()
    return path.read_text(encoding="ascii")
