"""All finished folds to one result: pooled, per subject, with intervals, subgroups and calibration."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from painlit.clips.clip import UNKNOWN_PERSON, Person
from painlit.errors import PainlitError
from painlit.loso.metrics import (
    METRICS,
    bootstrap_intervals,
    confusion_matrix,
    never_predicted,
    reliability,
    subject_scores,
    summary,
)
from painlit.system.csv_files import read_csv

COLUMNS = ["clip", "subject", "label", "prediction"]
UNKNOWN = "unknown"


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
        PainlitError: A file is damaged or of another task than the first, or a clip was predicted twice.
    """
    rows: dict[str, tuple[str, int, list[float]]] = {}
    classes = 0
    for path in paths:
        again = f"delete {path.parent} and run `make loso` again"
        reader = read_csv(path)
        header = next(reader, [])
        classes = classes or max(2, len(header) - len(COLUMNS))
        if header != [*COLUMNS, *(f"p{k}" for k in range(classes))]:
            raise PainlitError(f"{path} has the header {header}, not that of {classes} classes", again)
        number = 1
        for number, row in enumerate(reader, start=2):
            try:
                name, subject, label, values = _prediction(row, classes)
            except ValueError as error:
                raise PainlitError(f"{path}, row {number} is damaged: {error}", again) from error
            if name in rows:
                raise PainlitError(
                    f"{path}, row {number}: clip {name} is predicted twice", "delete one of the two folds"
                )
            rows[name] = (subject, label, values)
        if number == 1:
            raise PainlitError(f"{path} holds no predictions", again)
    return Predictions(
        clips=list(rows),
        subjects=np.array([subject for subject, _, _ in rows.values()]),
        labels=np.array([label for _, label, _ in rows.values()], dtype=np.int64),
        probabilities=np.array([values for _, _, values in rows.values()]),
    )


def _prediction(row: list[str], classes: int) -> tuple[str, str, int, list[float]]:
    """Clip, subject, label and probabilities; ValueError if the row cannot be one that a fold wrote."""
    if len(row) != len(COLUMNS) + classes or not row[0] or not row[1]:
        raise ValueError(f"{row} has not a value in each of {len(COLUMNS) + classes} columns")
    label, values = int(row[2]), [float(value) for value in row[len(COLUMNS) :]]
    if not 0 <= label < classes or not all(0 <= value <= 1 for value in values):
        raise ValueError(f"label {label} and probabilities {values}")
    return row[0], row[1], label, values


def evaluate(predictions: Predictions, people: Mapping[str, Person]) -> dict[str, Any]:
    """Metrics in plain types: pooled with 95 % intervals over subjects, per subject, subgroups.

    Pooled macro figures count 0 where a class is never predicted, as scikit-learn does; those of a subject leave it out
    (`subject_scores`), and `never_predicted` is the number of subjects with such a class.

    Args:
        predictions: Of all finished folds.
        people: Subject -> what is known of it; a division unknown for all is left out.
    """
    names = sorted(set(predictions.subjects.tolist()))
    matrices = _subject_matrices(predictions, names)  # (S, C, C)
    per_subject = subject_scores(matrices)
    return {
        "subjects": len(names),
        "pooled": summary(predictions.labels, predictions.probabilities),
        "interval_95": {k: list(v) for k, v in bootstrap_intervals(matrices).items()},
        "over_subjects": {
            name: {"mean": float(values.mean()), "sd": float(values.std(ddof=1)) if len(names) > 1 else 0.0}
            for name, values in per_subject.items()
        },
        "never_predicted": int(never_predicted(matrices).sum()),
        "per_subject": {
            subject: {name: float(per_subject[name][k]) for name in METRICS} for k, subject in enumerate(names)
        },
        "reliability": reliability(predictions.labels, predictions.probabilities),
        "subgroups": {
            kind: _by(names, matrices, predictions, groups)
            for kind, of in (("sex", _sex), ("age", _age_group), ("group", _group))
            if {*(groups := {name: of(people.get(name, UNKNOWN_PERSON)) for name in names}).values()} != {UNKNOWN}
        },
    }


def accuracy_interval(predictions: Predictions) -> list[float]:
    """95 % interval of the accuracy over subjects."""
    names = sorted(set(predictions.subjects.tolist()))
    return list(bootstrap_intervals(_subject_matrices(predictions, names))["accuracy"])


def _subject_matrices(predictions: Predictions, names: list[str]) -> np.ndarray:
    labels, predicted = predictions.labels, predictions.probabilities.argmax(1)
    clips = [predictions.subjects == name for name in names]
    return np.stack([confusion_matrix(labels[k], predicted[k], predictions.probabilities.shape[1]) for k in clips])


def _by(
    names: list[str], matrices: np.ndarray, predictions: Predictions, group_of: Mapping[str, str]
) -> dict[str, Any]:
    """Metrics of each group of subjects, with an interval over its subjects."""
    groups = np.array([group_of[name] for name in names])
    group_of_clip = groups[np.searchsorted(names, predictions.subjects)]
    table = {}
    for group in sorted(set(groups.tolist())):
        mine = group_of_clip == group
        table[group] = {
            "subjects": int((groups == group).sum()),
            "interval_95": list(bootstrap_intervals(matrices[groups == group])["accuracy"]),
            **summary(predictions.labels[mine], predictions.probabilities[mine]),
        }
    return table


def _sex(person: Person) -> str:
    return person.sex or UNKNOWN


def _group(person: Person) -> str:
    return person.group or UNKNOWN


def _age_group(person: Person) -> str:
    """BioVid recruited in these three groups."""
    if person.age is None:
        return UNKNOWN
    return "up to 35" if person.age <= 35 else "36 to 50" if person.age <= 50 else "51 and over"
