"""What finished folds left, read only if it is what they wrote."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from painlit.config import Config, load, values_affecting
from painlit.errors import PainlitError
from painlit.loso.results import Predictions, read_predictions
from painlit.loso.training_results import CURVES_FILE
from painlit.runs.artefact import DamagedError, check_digest, read_artefact, refuse_changes
from painlit.runs.code import CODE
from painlit.runs.folder import check_fingerprint, has_work
from painlit.system.digests import file_digest

FOLD_FORMAT = 3
"""Version of what a fold leaves; raised when older files can no longer be mixed with new ones."""
_FILES = {"predictions.csv": "test", "predictions_last.csv": "last_epoch", CURVES_FILE: "curves"}
"""Files beside metrics.json, and the part of it that has their digest."""


def fold_fingerprint(run: Mapping[str, Any], name: str) -> dict[str, Any]:
    """What a fold depends on: all that its run does, and whose fold it is."""
    return {**run, "fold": name}


def binding(run: Mapping[str, Any], name: str) -> dict[str, Any]:
    """What a fold's checkpoints and metrics are sealed with: its fingerprint without the code, which one may accept."""
    return {key: value for key, value in fold_fingerprint(run, name).items() if key != CODE}


def accepted(config: Config) -> tuple[str, ...]:
    """Keys of fingerprints that may differ."""
    return (CODE,) if config.loso.accept_code else ()


def is_finished(fold: Path) -> bool:
    """Whether a fold is finished: metrics.json is written last."""
    return (fold / "metrics.json").is_file()


def check_folds(folds: Iterable[Path], run: Mapping[str, Any], accept: tuple[str, ...] = ()) -> None:
    """Refuse folds of another run or version, or edited ones, before hours are spent beside them.

    Args:
        folds: Folders of folds, there or not.
        run: Fingerprint of the run.
        accept: Keys of it that may differ.

    Raises:
        PainlitError: A fold was made with something else, or its files are not as it wrote them.
    """
    for fold in folds:
        if has_work(fold):
            check_fingerprint(fold, fold_fingerprint(run, fold.name), accept=accept)
        if is_finished(fold):
            read_metrics(fold, binding(run, fold.name))


def read_folds(folds: Iterable[Path], file: str = "predictions.csv") -> Predictions:
    """Predictions of finished folds.

    Args:
        folds: Their folders.
        file: predictions.csv, or predictions_last.csv, which `loso.selection=oracle` leaves beside it.

    Raises:
        PainlitError: A file is missing, damaged or not as the fold wrote it.
    """
    folds = list(folds)
    for fold in folds:
        read_metrics(fold)
    return read_predictions(fold / file for fold in folds)


def read_metrics(fold: Path, made_from: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """metrics.json of a finished fold, if it, the predictions and the learning curves beside it are what it wrote.

    Raises:
        PainlitError: A file is missing, damaged, edited or of another fold.
    """
    again = f"delete {fold} and run `make loso` again"
    metrics = read_artefact(fold / "metrics.json", again, made_from)
    if metrics.get("fold") != fold.name:
        raise DamagedError(f"{fold} holds metrics of fold {metrics.get('fold')}", again)
    for name, part in _FILES.items():
        if part not in metrics:
            continue
        path = fold / name
        if not path.is_file():
            raise PainlitError(f"{path} is missing, though metrics.json says that the fold is finished", again)
        check_digest(path, metrics[part].get("sha256"), file_digest(path), again)
    return metrics


def read_run(folder: Path) -> tuple[Config, dict[str, Any]]:
    """The configuration of a run of `make loso` and its results, which may be of some of its folds.

    Raises:
        PainlitError: A file is missing, damaged or of another version, or the configuration is not that of the results.
    """
    path, settings = folder / "results.json", folder / "config.yaml"
    if not settings.is_file():
        raise PainlitError(f"{folder} has no config.yaml", "make it again with `make loso`")
    config = load([f"config={settings}"])
    results = read_artefact(path, "run `make loso` again: it evaluates what is finished")
    made_from = results.get("provenance", {}).get("made_from", {})
    if made_from.get("format") != FOLD_FORMAT:
        raise PainlitError(f"another version wrote {path}", "make it again with `make loso`")
    now = values_affecting(config, "pain", "evaluation")
    before = {key: made_from[key] for key in now if key in made_from}
    refuse_changes(settings, before, now, "set these back: the run was made with them")
    return config, results
