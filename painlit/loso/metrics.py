"""Classification metrics from confusion matrices, in float64: pooled, per subject, with intervals, and calibration."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

METRICS = ("accuracy", "precision", "recall", "f1")
"""Accuracy, and the macro averages (plain means over classes) of the other three."""


def confusion_matrix(labels: NDArray, predictions: NDArray, classes: int) -> NDArray[np.int64]:
    """(classes, classes) counts: rows are true classes, columns predicted ones."""
    return np.bincount(labels * classes + predictions, minlength=classes**2).reshape(classes, classes)


def scores(confusion: NDArray) -> dict[str, NDArray[np.float64]]:
    """Accuracy and macro precision, recall and F1 of one or many confusion matrices, (..., C, C) -> (...) each.

    A ratio without a denominator (a class never predicted, or not there) counts 0, as in
    scikit-learn with all classes as its `labels`.
    """
    confusion = np.asarray(confusion, np.float64)
    hits = np.diagonal(confusion, axis1=-2, axis2=-1)  # (..., C)
    true, predicted = confusion.sum(-1), confusion.sum(-2)
    return {
        "accuracy": _ratio(hits.sum(-1), confusion.sum((-2, -1))),
        "precision": _ratio(hits, predicted).mean(-1),
        "recall": _ratio(hits, true).mean(-1),
        "f1": _ratio(2 * hits, true + predicted).mean(-1),
    }


def bootstrap_intervals(
    per_subject: NDArray, draws: int = 10_000, level: float = 0.95, seed: int = 0
) -> dict[str, tuple[float, float]]:
    """Percentile intervals of the pooled metrics when subjects, not clips, are drawn again.

    Args:
        per_subject: (S, C, C) confusion matrices.
        draws: Bootstrap samples.
        level: Coverage.
        seed: Of the draws.
    """
    subjects, classes = per_subject.shape[:2]
    generator = np.random.default_rng(seed)
    counts = generator.multinomial(subjects, np.full(subjects, 1 / subjects), size=draws)  # (draws, S)
    pooled = (counts @ per_subject.reshape(subjects, -1)).reshape(draws, classes, classes)
    tail = 100 * (1 - level) / 2
    return {
        name: (float(np.percentile(values, tail)), float(np.percentile(values, 100 - tail)))
        for name, values in scores(pooled).items()
    }


def brier_score(labels: NDArray, probabilities: NDArray) -> float:
    """Mean squared distance of the probabilities, (n, C), from the true class's one-hot vector; 0 to 2."""
    return float(np.square(probabilities - np.eye(probabilities.shape[1])[labels]).sum(1).mean())


def expected_calibration_error(labels: NDArray, probabilities: NDArray, bins: int = 15) -> float:
    """Mean gap between confidence and accuracy over equal-width confidence bins, weighted by their size (Guo 2017)."""
    confidence, hit = probabilities.max(1), probabilities.argmax(1) == labels
    at = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = np.abs(np.bincount(at, hit, bins) - np.bincount(at, confidence, bins))
    return float(gaps.sum() / len(labels))


def summary(labels: NDArray, probabilities: NDArray) -> dict[str, Any]:
    """Everything that describes one set of predictions, in plain types.

    Args:
        labels: (n,) true classes.
        probabilities: (n, C).
    """
    confusion = confusion_matrix(labels, probabilities.argmax(1), probabilities.shape[1])
    return {
        "clips": len(labels),
        **{name: float(value) for name, value in scores(confusion).items()},
        "brier": brier_score(labels, probabilities),
        "ece": expected_calibration_error(labels, probabilities),
        "confusion": confusion.tolist(),
    }


def _ratio(part: NDArray, whole: NDArray) -> NDArray[np.float64]:
    return np.divide(part, whole, out=np.zeros(np.broadcast(part, whole).shape), where=whole > 0)
