"""Temperature scaling (Guo et al. 2017): one number that matches confidence to accuracy.

It is fitted on predictions of held-out subjects, never on training clips, on which a network is far overconfident.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from painlit.loso.results import Predictions

LEAST, MOST = 0.1, 10.0
"""Bounds of a temperature: predictions that are all right would have it at 0, useless ones at infinity."""
ROUNDING = 0.5e-8
"""predictions.csv has 8 decimals: a probability recorded as 0 is at most this."""


def fit_temperature(labels: NDArray, probabilities: NDArray) -> float:
    """The temperature T that minimises the mean negative log-likelihood of softmax(log p / T).

    The likelihood is concave in 1/T, so there is one minimum; it is sought between 0.1 and 10.

    Args:
        labels: (n,) true classes.
        probabilities: (n, C), of clips whose subjects were held out.

    Raises:
        ValueError: No predictions.

    >>> labels = np.array([0, 0, 0, 1])
    >>> sure = np.array([[0.99, 0.01]] * 4)  # right in 3 of 4
    >>> round(float(apply_temperature(sure, fit_temperature(labels, sure))[0, 0]), 3)
    0.75
    """
    if not len(labels):
        raise ValueError("a temperature needs predictions")
    logs = _logs(probabilities)
    own = np.arange(len(labels)), labels

    def loss(log_temperature: float) -> float:
        return -float(_log_softmax(logs / np.exp(log_temperature))[own].mean())

    found = minimize_scalar(loss, bounds=(np.log(LEAST), np.log(MOST)), method="bounded", options={"xatol": 1e-9})
    return float(np.exp(found.x))


def apply_temperature(probabilities: NDArray, temperature: float) -> NDArray[np.float64]:
    """softmax(log p / T) over the last axis, in float64; the likeliest class stays the likeliest.

    >>> apply_temperature(np.array([0.9, 0.1]), 2.0).round(3)
    array([0.75, 0.25])
    """
    return np.exp(_log_softmax(_logs(probabilities) / temperature))


def held_out_probabilities(predictions: Predictions) -> NDArray[np.float64]:
    """Probabilities (n, C) after temperatures of which each subject's is fitted on the other subjects alone."""
    after = predictions.probabilities.copy()
    for name in sorted(set(predictions.subjects.tolist())):
        mine = predictions.subjects == name
        if not mine.all():
            temperature = fit_temperature(predictions.labels[~mine], predictions.probabilities[~mine])
            after[mine] = apply_temperature(predictions.probabilities[mine], temperature)
    return after


def _logs(probabilities: NDArray) -> NDArray[np.float64]:
    return np.log(np.maximum(np.asarray(probabilities, np.float64), ROUNDING))


def _log_softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    shifted = logits - logits.max(-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))
