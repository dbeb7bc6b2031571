"""A run's folder: one process at a time in it, and only with the configuration and data that it was made with."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from painlit.config import Config, flat
from painlit.errors import PainlitError
from painlit.system.files import read_json, write_json

PAIN = ("task", "seed", "data.", "clip.", "face.", "spatial.", "model.", "train.", "loso.")
"""Keys that a pain model depends on."""
STAGE1 = ("seed", "face.", "spatial.", "images.", "stage1.")
STAGE1_TEMPORAL = ("seed", "face.", "clip.", "spatial.", "model.temporal.", "images.", "stage1.")
ECG = ("seed", "model.heart_rate_encoder.", "ecg.")
STAGE2 = ("seed", "face.", "spatial.", "images.", "stage2.")

_FREE = (
    *("data.root", "data.name", "loso.subjects"),
    *(f"loso.{key}" for key in ("engine", "workers", "folds_per_gpu", "threads", "ray_address", "dry_run")),
    *("model.temporal.weights", "model.heart_rate_encoder.weights"),
    *("train.checkpoint_every", "train.crop_memory_gib", "train.joint_frames", "train.accelerator"),
    *("images.workers", "stage1.root", "stage1.name", "stage2.weights"),
    *(
        f"{s}.train.{key}"
        for s in ("stage1", "stage2", "ecg")
        for key in ("accelerator", "devices", "checkpoint_steps")
    ),
)
_FREE_GROUPS = ("stage2.roots.", "ecg.roots.")
"""Keys that do not change the result, or that the data's fingerprints stand for."""


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


def fingerprint(config: Config, data: Mapping[str, Any], keys: tuple[str, ...] = PAIN) -> dict[str, Any]:
    """Everything that a run's result depends on.

    Args:
        config: The configuration now.
        data: Fingerprints of data and of weights that training starts from.
        keys: Keys, and groups with a dot, that the stage depends on.
    """
    groups = tuple(key for key in keys if key.endswith("."))
    values = {k: v for k, v in flat(config.to_dict()).items() if k in keys or k.startswith(groups)}
    return {k: v for k, v in values.items() if k not in _FREE and not k.startswith(_FREE_GROUPS)} | dict(data)


def check_fingerprint(folder: Path, now: Mapping[str, Any]) -> None:
    """Refuse to mix work of different configurations, data, weights or versions in one folder.

    Args:
        folder: Of a run, or of a fold.
        now: What `fingerprint` says of the run that is about to begin; written to fingerprint.json if nothing is there.

    Raises:
        PainlitError: What is there was made differently; each difference is named.
    """
    path = folder / "fingerprint.json"
    if not has_work(folder):
        write_json(path, now)
        return
    if not path.is_file():
        raise PainlitError(
            f"{folder} holds work, but no {path.name} that says what it was made with",
            f"another version made it: give this run another name=…, or delete {folder}",
        )
    before = read_json(path)
    different = [key for key in sorted({*before, *now}) if before.get(key) != now.get(key)]
    changed = [f"{key} was {before.get(key)!r} and is now {now.get(key)!r}" for key in different]
    if changed:
        raise PainlitError(
            f"{folder} holds work made differently: {'; '.join(changed)}",
            f"set these back, give this run another name=…, or delete {folder}",
        )


def has_work(folder: Path) -> bool:
    """Whether something is finished or begun in a run's folder, in one of its folds, or in a fold's folder."""
    marks = ("metrics.json", "checkpoints/last.ckpt")
    return any(True for mark in marks for place in (mark, f"folds/*/{mark}") for _ in folder.glob(place))
