import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, precision_recall_fscore_support
from torchmetrics.classification import MulticlassCalibrationError

from painlit.loso.metrics import (
    METRICS,
    bootstrap_intervals,
    brier_score,
    confusion_matrix,
    cross_entropy,
    expected_calibration_error,
    never_predicted,
    reliability,
    scores,
    subject_scores,
    summary,
)


@pytest.mark.parametrize("classes", [2, 5])
@pytest.mark.parametrize("case", ["all", "class never predicted", "class not there", "neither", "one clip"])
def test_scores_are_scikit_learns(classes: int, case: str):
    generator = np.random.default_rng(classes)
    n = 1 if case == "one clip" else 200
    labels, predictions = generator.integers(0, classes, (2, n))
    if case in ("class never predicted", "neither"):
        predictions[predictions == 1] = 0
    if case in ("class not there", "neither"):
        labels[labels == 1] = 0
    ours = scores(confusion_matrix(labels, predictions, classes))
    theirs = precision_recall_fscore_support(
        labels, predictions, labels=range(classes), average="macro", zero_division=0
    )
    expected = dict(zip(METRICS, [accuracy_score(labels, predictions), *theirs[:3]], strict=True))
    assert {k: float(v) for k, v in ours.items()} == pytest.approx(expected, abs=1e-12)


def test_confusion_has_true_classes_in_rows():
    confusion = confusion_matrix(np.array([0, 0, 0, 2]), np.array([0, 1, 1, 2]), 3)
    assert confusion.tolist() == [[1, 2, 0], [0, 0, 0], [0, 0, 1]]


def test_many_confusion_matrices_at_once():
    matrices = np.random.default_rng(0).integers(0, 9, (7, 3, 3))
    for name, values in scores(matrices).items():
        np.testing.assert_array_equal(values, [scores(matrix)[name] for matrix in matrices])


@pytest.mark.parametrize("seed", range(20))
def test_a_subjects_scores_are_means_over_the_classes_that_have_them(seed: int):
    """Beside scikit-learn's figure of each class alone."""
    generator = np.random.default_rng(seed)
    labels, predictions = generator.integers(0, 5, (2, 5))
    found = subject_scores(confusion_matrix(labels, predictions, 5))
    of_class = precision_recall_fscore_support(labels, predictions, labels=range(5), zero_division=np.nan)
    expected = [accuracy_score(labels, predictions), *(np.nanmean(values) for values in of_class[:3])]
    assert {k: float(v) for k, v in found.items()} == pytest.approx(dict(zip(METRICS, expected, strict=True)))
    assert never_predicted(confusion_matrix(labels, predictions, 5)) == bool({*labels} - {*predictions})


def test_many_subjects_at_once():
    matrices = np.random.default_rng(0).integers(0, 3, (7, 3, 3)) + np.eye(3, dtype=int)
    matrices[2] = [[3, 0, 0], [2, 0, 0], [0, 0, 0]]
    for name, values in subject_scores(matrices).items():
        np.testing.assert_array_equal(values, [subject_scores(matrix)[name] for matrix in matrices])
    assert never_predicted(matrices).tolist() == [k == 2 for k in range(7)]


PROBABILITIES = np.array([[0.9, 0.1], [0.6, 0.4], [0.3, 0.7], [0.8, 0.2]])
LABELS = np.array([0, 0, 1, 1])


def test_brier_score_of_an_example():
    assert brier_score(LABELS, PROBABILITIES) == pytest.approx((0.02 + 0.32 + 0.18 + 1.28) / 4)
    assert brier_score(LABELS, np.eye(2)[LABELS]) == 0
    assert brier_score(LABELS, np.eye(2)[1 - LABELS]) == 2


def test_cross_entropy_is_torchs_and_finite():
    theirs = torch.nn.functional.nll_loss(torch.tensor(PROBABILITIES).log(), torch.tensor(LABELS))
    assert cross_entropy(LABELS, PROBABILITIES) == pytest.approx(float(theirs))
    assert np.isfinite(cross_entropy(LABELS, np.eye(2)[1 - LABELS]))


def test_calibration_error_of_an_example():
    ece = expected_calibration_error
    assert ece(LABELS, PROBABILITIES, bins=10) == pytest.approx((0.1 + 0.4 + 0.3 + 0.8) / 4)  # a bin each
    assert ece(LABELS, PROBABILITIES, bins=1) == pytest.approx(abs(3 / 4 - (0.9 + 0.6 + 0.7 + 0.8) / 4))
    assert ece(LABELS, np.eye(2)[LABELS]) == 0
    assert ece(LABELS, np.eye(2)[1 - LABELS]) == 1


def test_calibration_error_is_torchmetrics():
    generator = np.random.default_rng(0)
    probabilities = generator.dirichlet(np.ones(5), 500)
    labels = generator.integers(0, 5, 500)
    theirs = MulticlassCalibrationError(5, n_bins=15, norm="l1")(torch.tensor(probabilities), torch.tensor(labels))
    assert expected_calibration_error(labels, probabilities) == pytest.approx(float(theirs), abs=1e-5)


def per_subject(subjects: int, seed: int = 0) -> np.ndarray:
    """Confusion matrices of subjects of whom some are easy and some are not."""
    generator = np.random.default_rng(seed)
    matrices = []
    for share in generator.uniform(0.5, 0.9, subjects):
        labels = np.repeat([0, 1], 20)
        matrices.append(confusion_matrix(labels, np.where(generator.random(40) < share, labels, 1 - labels), 2))
    return np.stack(matrices)


def test_intervals_contain_the_estimate_and_narrow_with_more_subjects():
    widths = []
    for subjects in (10, 90):
        matrices = per_subject(subjects)
        intervals = bootstrap_intervals(matrices, draws=2000)
        for name, value in scores(matrices.sum(0)).items():
            low, high = intervals[name]
            assert low < value < high
        widths.append(intervals["accuracy"][1] - intervals["accuracy"][0])
    assert widths[1] < widths[0] / 2  # a third, by the square root of 9


def test_intervals_repeat_with_their_seed():
    matrices = per_subject(20)
    first = bootstrap_intervals(matrices, draws=500, seed=1)
    assert bootstrap_intervals(matrices, draws=500, seed=1) == first
    assert bootstrap_intervals(matrices, draws=500, seed=2) != first


def test_the_interval_is_over_subjects_not_clips():
    # 20 subjects all right or all wrong: the sd of the accuracy is sqrt(0.25 / 20), whatever the number of clips.
    right, wrong = np.diag([50, 50]), 50 * np.ones((2, 2)) - np.diag([50, 50])
    matrices = np.stack([right] * 10 + [wrong + wrong.T * 0] * 10).astype(int)
    low, high = bootstrap_intervals(matrices, draws=4000)["accuracy"]
    assert high - low == pytest.approx(2 * 2.093 * np.sqrt(0.25 / 19), abs=0.06)  # Student's t of 19 degrees


def test_the_interval_of_equal_subjects_is_a_point():
    intervals = bootstrap_intervals(np.stack([np.array([[15, 5], [5, 15]])] * 8), draws=100)
    assert intervals["accuracy"] == (0.75, 0.75)


@pytest.mark.parametrize("subjects", [12, 24, 87])
def test_an_interval_covers_what_it_says(subjects: int):
    """Of 500 samples of so many subjects, 93 to 97 % have an interval with the true accuracy in it."""
    generator = np.random.default_rng(subjects)
    covered = 0
    for seed in range(500):
        hits = generator.binomial(40, generator.beta(7, 3, subjects))  # mean 0.7
        matrices = np.zeros((subjects, 2, 2), int)
        matrices[:, 0, 0], matrices[:, 0, 1] = hits, 40 - hits
        low, high = bootstrap_intervals(matrices, draws=400, seed=seed)["accuracy"]
        covered += low <= 0.7 <= high
    assert 0.93 <= covered / 500 <= 0.97


def test_reliability_is_what_the_calibration_error_is_made_of():
    generator = np.random.default_rng(4)
    labels, probabilities = generator.integers(0, 3, 300), generator.dirichlet([1, 1, 1], 300)
    bins = reliability(labels, probabilities, bins=10)
    assert sum(b["clips"] for b in bins) == 300
    gaps = sum(b["clips"] * abs(b["confidence"] - b["accuracy"]) for b in bins) / 300
    assert gaps == pytest.approx(expected_calibration_error(labels, probabilities, bins=10), abs=1e-12)
    assert all(b["confidence"] >= 1 / 3 and b["clips"] > 0 for b in bins), "no empty bin, and nothing below chance"


def test_summary_is_of_plain_types():
    result = summary(LABELS, PROBABILITIES)
    assert result["clips"] == 4
    assert result["accuracy"] == 0.75
    assert result["confusion"] == [[2, 0], [1, 1]]
    assert result["precision"] == pytest.approx((2 / 3 + 1) / 2)
    assert result["recall"] == pytest.approx((1 + 1 / 2) / 2)
    assert all(type(value) in (int, float, list) for value in result.values())
