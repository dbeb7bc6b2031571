"""All finished folds to one result: pooled, per subject, with intervals, subgroups and calibration."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from data_modules.biovid import demographics
from painlit.errors import PainlitError
from painlit.loso.metrics import METRICS, bootstrap_intervals, confusion_matrix, scores, summary


@dataclass(frozen=True)
class Predictions:
    """Predictions of many folds."""

    clips: list[str]
    subjects: np.ndarray
    """(n,) names."""
    labels: np.ndarray
    """(n,) int64."""
    probabilities: np.ndarray
    """(n, C) float64."""


def read_predictions(paths: Iterable[Path]) -> Predictions:
    """Read predictions.csv files.

    Raises:
        PainlitError: A file is damaged, or a clip was predicted twice.
    """
    rows: dict[str, tuple[str, int, list[float]]] = {}
    for path in paths:
        with open(path, newline="", encoding="utf-8") as handle:
            for number, row in enumerate(csv.DictReader(handle), start=2):
                try:
                    values = [float(v) for k, v in row.items() if k.startswith("p") and k[1:].isdigit()]
                    entry = (row["subject"], int(row["label"]), values)
                except (KeyError, TypeError, ValueError) as error:
                    raise PainlitError(
                        f"{path}, row {number} is damaged: {error}", f"delete {path.parent} and run `make loso` again"
                    ) from error
                if row["clip"] in rows:
                    raise PainlitError(
                        f"{path}, row {number}: clip {row['clip']} is predicted twice", "delete one of the two folds"
                    )
                rows[row["clip"]] = entry
    return Predictions(
        clips=list(rows),
        subjects=np.array([subject for subject, _, _ in rows.values()]),
        labels=np.array([label for _, label, _ in rows.values()], dtype=np.int64),
        probabilities=np.array([values for _, _, values in rows.values()]),
    )


def evaluate(predictions: Predictions) -> dict[str, Any]:
    """Metrics of SPEC section 4 in plain types: pooled with 95 % intervals over subjects, per subject, subgroups."""
    names = sorted(set(predictions.subjects.tolist()))
    matrices = _subject_matrices(predictions, names)  # (S, C, C)
    per_subject = scores(matrices)
    return {
        "subjects": len(names),
        "pooled": summary(predictions.labels, predictions.probabilities),
        "interval_95": {k: list(v) for k, v in bootstrap_intervals(matrices).items()},
        "over_subjects": {
            name: {"mean": float(values.mean()), "sd": float(values.std(ddof=1)) if len(names) > 1 else 0.0}
            for name, values in per_subject.items()
        },
        "per_subject": {
            subject: {name: float(per_subject[name][k]) for name in METRICS} for k, subject in enumerate(names)
        },
        "subgroups": {"sex": _by(predictions, _sex), "age": _by(predictions, _age_group)},
    }


def _subject_matrices(predictions: Predictions, names: list[str]) -> np.ndarray:
    classes = predictions.probabilities.shape[1]
    predicted = predictions.probabilities.argmax(1)
    matrices = []
    for name in names:
        mine = predictions.subjects == name
        matrices.append(confusion_matrix(predictions.labels[mine], predicted[mine], classes))
    return np.stack(matrices)


def _by(predictions: Predictions, group_of: Callable[[str], str]) -> dict[str, Any]:
    groups = np.array([group_of(subject) for subject in predictions.subjects])
    table = {}
    for group in sorted(set(groups.tolist())):
        mine = groups == group
        subjects = len(set(predictions.subjects[mine].tolist()))
        table[group] = {
            "subjects": subjects,
            **summary(predictions.labels[mine], predictions.probabilities[mine]),
        }
    return table


def _sex(subject: str) -> str:
    person = demographics(subject)
    return {"w": "women", "m": "men"}[person.sex] if person else "unknown"


def _age_group(subject: str) -> str:
    """BioVid recruited in these three groups."""
    person = demographics(subject)
    if person is None:
        return "unknown"
    return "up to 35" if person.age <= 35 else "36 to 50" if person.age <= 50 else "51 and over"
