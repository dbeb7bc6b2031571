"""A run's folder: one process at a time in it, and only with the configuration and data that it was made with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from painlit.config import Config, values_affecting
from painlit.errors import PainlitError
from painlit.runs.artefact import read_artefact, refuse_changes, write_artefact
from painlit.runs.code import CODE


class HeldError(PainlitError):
    """Another process works in a folder."""


def is_held(folder: Path) -> bool:
    """Whether another process works in a folder now."""
    if not folder.is_dir():
        return False
    try:
        with run_lock(folder):
            return False
    except HeldError:
        return True


@contextmanager
def run_lock(folder: Path) -> Iterator[None]:
    """Hold the run's folder.

    Raises:
        HeldError: Another process holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / ".lock", blocking=False)
    try:
        lock.acquire()
    except Timeout:
        raise HeldError(
            f"another process works in {folder}", "wait for it or stop it; or give this run another name=…"
        ) from None
    try:
        yield
    finally:
        lock.release()


def fingerprint(config: Config, data: Mapping[str, Any], *results: str) -> dict[str, Any]:
    """Everything that a run's result depends on.

    Args:
        config: The configuration now.
        data: Fingerprints of data and of weights that training starts from.
        results: What the run makes, as `painlit.config.affects` names it.
    """
    return {**values_affecting(config, *results), **data}


def check_fingerprint(folder: Path, now: Mapping[str, Any], in_use: bool = False, accept: tuple[str, ...] = ()) -> None:
    """Refuse to mix work of different configurations, data, weights or versions in one folder.

    Args:
        folder: Of a run, or of a fold.
        now: `fingerprint` of the run that is about to begin; written to fingerprint.json if nothing is there.
        in_use: Whether another process has begun there, though it has written nothing yet.
        accept: Keys that may differ.

    Raises:
        PainlitError: The work there was made differently; each difference is named.
    """
    path = folder / "fingerprint.json"
    if not has_work(folder) and not (in_use and path.is_file()):
        write_artefact(path, now)
        return
    if not path.is_file():
        raise PainlitError(
            f"{folder} holds work, but no {path.name} that says what it was made with",
            f"another version made it: give this run another name=…, or delete {folder}",
        )
    before = read_artefact(path, f"give this run another name=…, or delete {folder}")
    remedy = f"set these back, give this run another name=…, or delete {folder}"
    if before.get(CODE) != now.get(CODE):
        remedy += "; loso.accept_code=true goes on with folds of both versions of the code"
    refuse_changes(folder, before, now, remedy, accept)


def has_work(folder: Path) -> bool:
    """Whether something is finished or begun in a run's folder, in one of its folds, or in a fold's folder."""
    marks = ("metrics.json", "checkpoints/last.ckpt")
    return any(True for mark in marks for place in (mark, f"folds/*/{mark}") for _ in folder.glob(place))
