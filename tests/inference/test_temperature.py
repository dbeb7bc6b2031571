"""Temperature scaling against independent computations."""

import numpy as np
import pytest
import torch
from inference_runs import predictions
from scipy.special import log_softmax, softmax

from painlit.inference.bundles.temperature import (
    LEAST,
    MOST,
    apply_temperature,
    fit_temperature,
    held_out_probabilities,
)
from painlit.loso.metrics import expected_calibration_error


def nll(labels: np.ndarray, probabilities: np.ndarray, temperature: float) -> float:
    """By torch, from the definition."""
    logits = torch.from_numpy(np.log(np.maximum(probabilities, 5e-9))) / temperature
    return float(torch.nn.functional.cross_entropy(logits, torch.from_numpy(labels)))


@pytest.mark.parametrize("classes", [2, 3, 5])
@pytest.mark.parametrize("true", [0.5, 1.0, 2.5, 4.0])
def test_a_known_overconfidence_is_recovered(classes, true):
    generator = np.random.default_rng(classes)
    logits = generator.normal(0, 2, (20_000, classes))
    chances = softmax(logits, axis=1)
    labels = (chances.cumsum(1) < generator.random((len(logits), 1))).sum(1)  # drawn as the probabilities say
    predicted = softmax(logits * true, axis=1).round(8)  # overconfident, or underconfident
    assert fit_temperature(labels, predicted) == pytest.approx(true, rel=0.07)


@pytest.mark.parametrize("seed", range(5))
def test_no_temperature_of_a_grid_is_better(seed):
    of = predictions(seed)
    found = fit_temperature(of.labels, of.probabilities)
    grid = np.geomspace(LEAST, MOST, 2001)
    losses = [nll(of.labels, of.probabilities, temperature) for temperature in grid]
    assert nll(of.labels, of.probabilities, found) <= min(losses) + 1e-9
    assert found == pytest.approx(grid[int(np.argmin(losses))], rel=5e-3)


def test_scaling_is_a_softmax_of_logs_over_t():
    probabilities = softmax(np.random.default_rng(0).normal(0, 3, (50, 4)), axis=1)
    scaled = apply_temperature(probabilities, 2.5)
    assert np.allclose(scaled, np.exp(log_softmax(np.log(probabilities) / 2.5, axis=1)), atol=1e-7)
    assert (scaled.argmax(1) == probabilities.argmax(1)).all()
    assert np.allclose(apply_temperature(probabilities, 1.0), probabilities, atol=1e-7)


def test_what_was_rounded_to_zero():
    labels, sure = np.array([0, 1, 1]), np.array([[0.0, 1.0], [0.0, 1.0], [0.0, 1.0]])
    found = fit_temperature(labels, sure)
    assert np.isfinite(found)
    assert 1 < found <= MOST
    assert np.isfinite(apply_temperature(sure, found)).all()


def test_bounds_where_all_is_right_or_useless():
    labels = np.array([0, 1, 0, 1])
    assert fit_temperature(labels, np.eye(2)[labels] * 0.8 + 0.1) == pytest.approx(LEAST, rel=1e-3)
    assert fit_temperature(labels, np.array([[0.1, 0.9], [0.9, 0.1]] * 2)) == pytest.approx(MOST, rel=1e-3)
    with pytest.raises(ValueError, match="needs predictions"):
        fit_temperature(labels[:0], np.zeros((0, 2)))


def test_the_error_after_scaling_is_of_subjects_that_no_temperature_has_seen():
    of = predictions(clips=200)
    after = held_out_probabilities(of)
    for name in ("ann", "bob", "cid"):
        mine = of.subjects == name
        temperature = fit_temperature(of.labels[~mine], of.probabilities[~mine])
        assert np.array_equal(after[mine], apply_temperature(of.probabilities[mine], temperature))
    errors = [expected_calibration_error(of.labels, p) for p in (of.probabilities, after)]
    assert errors[1] < 0.5 * errors[0]
