"""Paired comparison of two runs."""

import numpy as np
import pytest
from scipy.stats import binom

from painlit.errors import PainlitError
from painlit.loso.comparison import compare
from painlit.loso.results import Predictions


def predictions(right: np.ndarray, subjects: np.ndarray, labels: np.ndarray | None = None) -> Predictions:
    """Two classes; each clip classified right or wrong."""
    labels = np.arange(len(right)) % 2 if labels is None else labels
    predicted = np.where(right, labels, 1 - labels)
    clips = [f"c{k}" for k in range(len(right))]
    return Predictions(clips, subjects, labels, np.eye(2)[predicted])


def test_difference_and_mcnemar_are_those_of_the_formulas():
    subjects = np.repeat(["a", "b", "c"], 20)
    one = np.ones(60, bool)
    other = np.ones(60, bool)
    one[:9] = False  # of these only the other is right
    other[30:32] = False
    values = compare(predictions(one, subjects), predictions(other, subjects))
    assert (values["only_one"], values["only_other"]) == (2, 9)
    assert values["difference"] == pytest.approx(7 / 60)
    assert values["accuracy"] == pytest.approx([51 / 60, 58 / 60])
    assert values["mcnemar_p"] == pytest.approx(2 * binom.cdf(2, 11, 0.5))
    assert values["interval_95"][0] <= values["difference"] <= values["interval_95"][1]


def test_the_permutation_test_takes_people_as_the_units():
    """Eight people who all gain, by ever so many clips: two of 256 exchanges are as far from 0."""
    for clips in (3, 300):
        subjects = np.repeat(list("abcdefgh"), clips)
        one = np.tile([False, True, True], 8 * clips // 3)
        values = compare(predictions(one, subjects), predictions(np.ones(8 * clips, bool), subjects))
        assert values["subjects_p"] == pytest.approx(2 / 256, abs=0.003)


def test_the_permutation_test_of_two_alike_is_seldom_small():
    generator = np.random.default_rng(3)
    subjects = np.repeat(np.arange(20), 10)
    small = 0
    for _ in range(200):
        one, other = (predictions(generator.random(200) < 0.7, subjects) for _ in range(2))
        small += compare(one, other, draws=300)["subjects_p"] <= 0.05
    assert small / 200 <= 0.09


def test_the_order_of_clips_makes_no_difference():
    generator = np.random.default_rng(0)
    subjects = np.repeat(["a", "b", "c", "d"], 10)
    one, other = (predictions(generator.random(40) < p, subjects) for p in (0.6, 0.8))
    order = generator.permutation(40)
    shuffled = Predictions(
        [other.clips[k] for k in order], subjects[order], other.labels[order], other.probabilities[order]
    )
    assert compare(one, shuffled) == compare(one, other)


def test_a_run_does_not_differ_from_itself():
    one = predictions(np.random.default_rng(1).random(40) < 0.7, np.repeat(list("abcd"), 10))
    values = compare(one, one)
    assert (values["difference"], values["interval_95"]) == (0, [0, 0])
    assert (values["subjects_p"], values["mcnemar_p"]) == (1.0, 1.0)


def test_the_interval_covers_the_true_difference_where_people_differ():
    """Simulated: people differ in how much the second run gains on them; clips of a person share that."""
    generator = np.random.default_rng(2)
    covered = 0
    subjects = np.repeat(np.arange(40), 25)
    for _ in range(200):
        base = generator.uniform(0.5, 0.8, 40)
        gain = generator.uniform(-0.1, 0.2, 40)  # 0.05 on average
        one = generator.random(1000) < base[subjects]
        other = generator.random(1000) < (base + gain)[subjects]
        low, high = compare(predictions(one, subjects), predictions(other, subjects), draws=500)["interval_95"]
        covered += low <= 0.05 <= high
    assert 0.90 <= covered / 200 <= 0.98


def test_runs_on_other_clips_or_labels_are_refused():
    subjects = np.repeat(["a", "b"], 5)
    one = predictions(np.ones(10, bool), subjects)
    fewer = predictions(np.ones(9, bool), subjects[:9])
    with pytest.raises(PainlitError, match="1 clips are predicted by one of the two runs only, such as c9"):
        compare(one, fewer)
    with pytest.raises(PainlitError, match="10 clips have another label"):
        compare(one, predictions(np.ones(10, bool), subjects, 1 - one.labels))
    five = Predictions(one.clips, subjects, one.labels, np.eye(5)[one.labels])
    with pytest.raises(PainlitError, match="2 and 5 classes"):
        compare(one, five)
