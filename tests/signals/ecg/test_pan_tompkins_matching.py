import math

import pytest

from painlit.signals.ecg.beat_matching import BeatMatch, match_beats


@pytest.mark.parametrize(
    ("detected", "reference", "expected"),
    [
        ([10, 20], [10, 20], (2, 0, 0)),
        ([], [10, 20], (0, 0, 2)),
        ([10, 20], [], (0, 2, 0)),
        ([15], [10], (1, 0, 0)),  # the tolerance itself is included
        ([16], [10], (0, 1, 1)),
        ([9, 11], [10], (1, 1, 0)),  # one to one: the second finds nothing left
        ([10], [8, 12], (1, 0, 1)),
        ([14, 18], [10, 15], (2, 0, 0)),  # pairing 14 with its nearest, 15, would lose a pair
    ],
)
def test_pairs_by_hand(detected, reference, expected):
    assert match_beats(detected, reference, tolerance=5) == expected


def test_figures_by_hand():
    match = BeatMatch(true_positive=90, false_positive=5, false_negative=10)
    assert match.sensitivity == pytest.approx(0.9)
    assert match.positive_predictivity == pytest.approx(90 / 95)
    assert match.detection_error == pytest.approx(0.15)
    assert math.isnan(BeatMatch(0, 0, 0).sensitivity)


@pytest.mark.parametrize(("detected", "reference"), [([2, 1], [1]), ([1], [2, 1]), ([[1]], [1])])
def test_disorder_is_refused(detected, reference):
    with pytest.raises(ValueError, match="ascending"):
        match_beats(detected, reference, 5)


def test_a_negative_tolerance_is_refused():
    with pytest.raises(ValueError, match="tolerance"):
        match_beats([1], [1], -1)
