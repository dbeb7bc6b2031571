"""How well the folds' models classify the clips that they were trained on, beside those that they were not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from painlit.errors import PainlitError
from painlit.system.csv_files import read_csv, write_csv

CURVES_FILE = "curves.csv"
"""A fold's learning curves: epoch, and a column for each of `CURVES`."""
CURVES = ("train_loss", "train_accuracy", "held_out_loss", "held_out_accuracy")
SHORTCUT = 0.1
"""Least excess of accuracy in training over that of the tested weights on the same clips, as a share, for a remark."""


def write_curves(path: Path, rows: Sequence[Mapping[str, float]]) -> None:
    """Write what `LearningCurves` noted; cells of the test clips are empty where nobody was tested."""
    lines = [[row["epoch"], *(f"{row[name]:.6f}" if name in row else "" for name in CURVES)] for row in rows]
    write_csv(path, [["epoch", *CURVES], *lines])


def read_curves(path: Path) -> dict[str, list[float]]:
    """A finished fold's learning curves: epoch and each of `CURVES` -> a value for each epoch that was evaluated.

    Raises:
        PainlitError: It is not what a fold writes.
    """
    header, *lines = list(read_csv(path)) or [[]]
    try:
        columns = [[float(line[k]) for line in lines] for k in range(len(CURVES) + 1)]
    except (ValueError, IndexError):
        columns = []
    if header != ["epoch", *CURVES] or not lines or not columns:
        raise PainlitError(f"{path} holds no learning curves", f"delete {path.parent} and run `make loso` again")
    return dict(zip(header, columns, strict=True))


def training_results(folds: Iterable[Path], metrics: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """What results.json holds of training: pooled, for each fold, and the learning curves of all.

    Args:
        folds: Folders of the finished folds.
        metrics: Fold -> its metrics.json.
    """
    train = {name: fold_metrics["train"] for name, fold_metrics in metrics.items()}
    clips = sum(part["clips"] for part in train.values())
    return {
        "accuracy": sum(part["accuracy"] * part["clips"] for part in train.values()) / clips,
        "per_fold": {
            name: {
                "train_clips": fold_metrics["train"]["clips"],
                "train_accuracy": fold_metrics["train"]["accuracy"],
                "test_clips": fold_metrics["test"]["clips"],
                "test_accuracy": fold_metrics["test"]["accuracy"],
                "epoch": fold_metrics["epoch"],
            }
            for name, fold_metrics in metrics.items()
        },
        "curves": {fold.name: read_curves(fold / CURVES_FILE) for fold in folds},
    }


def training_remarks(results: Mapping[str, Any], augmnet: bool) -> list[str]:
    """Remarks on the training accuracy, where the last epoch is the one that is tested.

    Args:
        results: Of `training_results`.
        augmnet: Whether AugmNet was there.
    """
    last = [curves["train_accuracy"][-1] for curves in results["curves"].values()]
    running = sum(last) / len(last)
    if running - results["accuracy"] <= SHORTCUT:
        return []
    return [
        f"accuracy in the last training epoch is {100 * running:.1f} %, but {100 * results['accuracy']:.1f} % on the "
        "same clips as they are tested: what acts in training alone tells classes apart in the model's stead"
        + ("; model.augmnet=false tells whether it is AugmNet" if augmnet else "")
    ]
