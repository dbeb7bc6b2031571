"""Classification metrics from confusion matrices, in float64: pooled, per subject, with intervals, and calibration."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm
from scipy.stats import t as student_t

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


def subject_scores(confusion: NDArray) -> dict[str, NDArray[np.float64]]:
    """The same of one or many people, with macro means over those classes alone that have the ratio.

    Of few clips of a person some classes are never predicted, or not there. Their precision and recall are not 0: there
    are none, and how often that happens depends on the number of clips. So precision is the mean over the classes that
    are predicted, recall over those that are there, and F1 over those that are either, (..., C, C) -> (...) each.
    """
    confusion = np.asarray(confusion, np.float64)
    true, predicted = confusion.sum(-1), confusion.sum(-2)
    hits = np.diagonal(confusion, axis1=-2, axis2=-1)
    return {
        "accuracy": scores(confusion)["accuracy"],
        **{
            name: _ratio(_ratio(part, whole).sum(-1), (whole > 0).sum(-1))
            for name, part, whole in (
                ("precision", hits, predicted),
                ("recall", hits, true),
                ("f1", 2 * hits, true + predicted),
            )
        },
    }


def never_predicted(confusion: NDArray) -> NDArray[np.bool_]:
    """Whether a class that a person has clips of is predicted for none of theirs, (..., C, C) -> (...)."""
    return ((confusion.sum(-1) > 0) & (confusion.sum(-2) == 0)).any(-1)


def bootstrap_intervals(
    per_subject: NDArray, draws: int = 10_000, level: float = 0.95, seed: int = 0
) -> dict[str, tuple[float, float]]:
    """Expanded percentile intervals of the pooled metrics when subjects, not clips, are drawn again.

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
    return {name: interval(values, subjects, level) for name, values in scores(pooled).items()}


def interval(values: NDArray, subjects: int, level: float = 0.95) -> tuple[float, float]:
    """Expanded percentile interval of bootstrap values over so many subjects (Hesterberg 2015, section 5.3).

    Percentiles of a bootstrap over few subjects cover too little: the spread lacks a factor sqrt(n / (n - 1)), and the
    normal distribution stands for Student's t. Both are made up for by taking percentiles further out.

    >>> low, high = interval(np.arange(10_001) / 10_000, subjects=20)
    >>> round(low, 4), round(high, 4)
    (0.0159, 0.9841)
    """
    if subjects < 2:
        return float(values.min()), float(values.max())
    quantile = student_t.ppf((1 - level) / 2, subjects - 1)
    tail = 100 * float(norm.cdf(math.sqrt(subjects / (subjects - 1)) * quantile))
    return float(np.percentile(values, tail)), float(np.percentile(values, 100 - tail))


def brier_score(labels: NDArray, probabilities: NDArray) -> float:
    """Mean squared distance of the probabilities, (n, C), from the true class's one-hot vector; 0 to 2."""
    return float(np.square(probabilities - np.eye(probabilities.shape[1])[labels]).sum(1).mean())


def cross_entropy(labels: NDArray, probabilities: NDArray) -> float:
    """Mean negative logarithm of the true class's probability, (n, C) -> nats; one of 0 counts as the least float32."""
    least = np.finfo(np.float32).tiny
    return float(-np.log(np.maximum(probabilities[np.arange(len(labels)), labels], least)).mean())


def expected_calibration_error(labels: NDArray, probabilities: NDArray, bins: int = 15) -> float:
    """Mean gap between confidence and accuracy over equal-width confidence bins, weighted by their size (Guo 2017)."""
    _, hits, confidences = _by_confidence(labels, probabilities, bins)
    return float(np.abs(hits - confidences).sum() / len(labels))


def reliability(labels: NDArray, probabilities: NDArray, bins: int = 15) -> list[dict[str, float]]:
    """For each equal-width confidence bin that has clips: their number, mean confidence and accuracy."""
    clips, hits, confidences = _by_confidence(labels, probabilities, bins)
    return [
        {"clips": int(n), "confidence": float(confidence / n), "accuracy": float(hit / n)}
        for n, hit, confidence in zip(clips, hits, confidences, strict=True)
        if n
    ]


def _by_confidence(labels: NDArray, probabilities: NDArray, bins: int) -> tuple[NDArray, NDArray, NDArray]:
    """Clips, hits and summed confidence in each bin, (bins,) each."""
    confidence, hit = probabilities.max(1), probabilities.argmax(1) == labels
    at = np.minimum((confidence * bins).astype(int), bins - 1)
    return np.bincount(at, minlength=bins), np.bincount(at, hit, bins), np.bincount(at, confidence, bins)


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
