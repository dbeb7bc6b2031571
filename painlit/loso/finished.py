"""What finished folds left, read only if it is what they wrote."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from painlit.errors import PainlitError
from painlit.loso.results import Predictions, read_predictions
from painlit.runs.folder import check_fingerprint, has_work
from painlit.system.files import file_digest, read_json

FOLD_FORMAT = 2
"""Version of what a fold leaves; raised when files of before can no longer be mixed with those of now."""
_FILES = {"predictions.csv": "test", "predictions_last.csv": "last_epoch"}
"""Predictions, and the part of metrics.json that has their digest."""


def fold_fingerprint(run: Mapping[str, Any], name: str) -> dict[str, Any]:
    """What a fold depends on: all that its run does, and whose fold it is."""
    return {**run, "fold": name}


def is_finished(fold: Path) -> bool:
    """Whether a fold is finished: metrics.json is written last."""
    return (fold / "metrics.json").is_file()


def check_folds(folds: Iterable[Path], run: Mapping[str, Any]) -> None:
    """Refuse folds that another run, version or hand left, before hours are spent beside them.

    Args:
        folds: Folders of folds, there or not.
        run: Fingerprint of the run.

    Raises:
        PainlitError: A fold was made with something else, or its files are not as it wrote them.
    """
    for fold in folds:
        if has_work(fold):
            check_fingerprint(fold, fold_fingerprint(run, fold.name))
        if is_finished(fold):
            _refuse_changed(fold)


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
        _refuse_changed(fold)
    return read_predictions(fold / file for fold in folds)


def _refuse_changed(fold: Path) -> None:
    metrics = read_json(fold / "metrics.json")
    again = f"delete {fold} and run `make loso` again"
    for name, part in _FILES.items():
        if part not in metrics:
            continue
        path = fold / name
        if not path.is_file():
            raise PainlitError(f"{path} is missing, though metrics.json says that the fold is finished", again)
        if file_digest(path) != metrics[part].get("sha256"):
            raise PainlitError(f"{path} is not what the fold wrote: it was cut short or edited", again)
