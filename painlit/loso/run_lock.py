"""One process at a time in a run's folder, and only with the configuration and data that it was made with."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from painlit.config import Config
from painlit.errors import PainlitError
from painlit.files import read_json, write_json

_FREE = (
    *("name", "runs", "data.root", "data.name", "loso.workers", "loso.subjects"),
    *("train.checkpoint_every", "train.crop_memory_gib", "train.accelerator"),
)
_FREE_GROUPS = ("log.", "prepare.", "finetune.", "embed.")
"""Keys that do not change a fold's result, or that the data fingerprints stand for."""


@contextmanager
def run_lock(folder: Path) -> Iterator[None]:
    """Hold the run's folder.

    Raises:
        PainlitError: Another process holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / ".lock", "w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise PainlitError(
                f"another process works in {folder}", "wait for it or stop it; or give this run another name=…"
            ) from None
        yield


def check_fingerprint(folder: Path, config: Config, data: Mapping[str, Any]) -> None:
    """Refuse to mix work of different configurations, data or embeddings in one folder.

    Args:
        folder: runs/loso/<run> or runs/finetune/<run>.
        config: The configuration now.
        data: Fingerprints of clips and embeddings.

    Raises:
        PainlitError: What is there was made differently; each difference is named.
    """
    now = {**_flat(config.to_dict()), **data}
    now = {k: v for k, v in now.items() if k not in _FREE and not k.startswith(_FREE_GROUPS)}
    path = folder / "fingerprint.json"
    trained = [file for name in ("metrics.json", "checkpoints/last.ckpt") for file in _of_run(folder, name)]
    if not path.is_file() or not trained:
        write_json(path, now)
        return
    before = read_json(path)
    different = [key for key in sorted({*before, *now}) if before.get(key) != now.get(key)]
    changed = [f"{key} was {before.get(key)!r} and is now {now.get(key)!r}" for key in different]
    if changed:
        raise PainlitError(
            f"{folder} holds work made differently: {'; '.join(changed)}",
            f"set these back, give this run another name=…, or delete {folder}",
        )


def _of_run(folder: Path, name: str) -> Iterator[Path]:
    """A file of the run itself, or of its folds."""
    yield from folder.glob(name)
    yield from folder.glob(f"folds/*/{name}")


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in values.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {prefix + key: value}
    return flat
