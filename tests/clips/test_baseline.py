"""Means and what is left without them, against hand arithmetic."""

import numpy as np
import pytest

from painlit.clips.baseline import Baseline, BaselineMeans
from painlit.inference.face_windows import FaceWindow
from painlit.inference.heart_windows import HeartWindow
from painlit.inference.person import PersonMeans

RATES = [np.array([60.0, 62.0]), np.array([70.0, 80.0])]
ROWS = [
    np.array([[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], [[0.0, 0.0], [0.0, 3.0], [0.0, 0.0]]], np.float16),
    np.array([[[3.0, 2.0], [3.0, 2.0], [3.0, 2.0]], [[1.0, 1.0], [1.0, 1.0], [1.0, 1.0]]], np.float16),
]
"""Of two clips, (2, F, D): d_full and the tiles' sum of three frames."""


def test_means_are_over_all_seconds_and_all_frames():
    baseline = Baseline.of(RATES, ROWS)
    assert baseline.bpm == (60 + 62 + 70 + 80) / 4
    np.testing.assert_array_equal(baseline.embeddings, np.float32([[3, 3], [0.5, 1]]))
    assert baseline.embeddings.dtype == np.float32


def test_heart_rates_are_moved_to_the_models_centre_and_embeddings_to_zero():
    baseline = Baseline.of(RATES, ROWS)
    np.testing.assert_array_equal(baseline.subtract_bpm(np.float32(RATES)), np.float32([[67, 69], [77, 87]]))
    left = baseline.subtract_embeddings(ROWS[0])
    np.testing.assert_array_equal(left[0], [[-2, -1], [0, 1], [2, 3]])
    np.testing.assert_array_equal(left[1], [[-0.5, -1], [-0.5, 2], [-0.5, -1]])
    np.testing.assert_array_equal(baseline.subtract_embeddings(np.stack(ROWS))[0], left)
    assert (left.dtype, baseline.subtract_bpm(RATES[0]).dtype) == (np.float32, np.float32)
    assert np.mean([baseline.subtract_bpm(rates) for rates in RATES]) == 75
    assert np.mean([baseline.subtract_embeddings(rows) for rows in ROWS], axis=(0, 2)) == pytest.approx(0, abs=1e-6)


def test_half_precision_neither_overflows_nor_rounds():
    """Sums of float16 end at 65,504, and beside a large mean small differences would be lost."""
    rows = np.full((2, 500, 3), 2000, np.float16)
    rows[:, 0] = 2002
    baseline = Baseline.of((), [rows])
    np.testing.assert_allclose(baseline.embeddings, 2000 + 2 / 500, rtol=1e-7)
    np.testing.assert_allclose(baseline.subtract_embeddings(rows)[:, 0], 2 - 2 / 500, atol=2e-4)


def test_what_is_not_there_has_no_mean():
    assert (Baseline.of().bpm, Baseline.of().embeddings) == (None, None)
    assert Baseline.of(RATES).embeddings is None
    with pytest.raises(AssertionError, match="heart rates"):
        Baseline.of((), ROWS).subtract_bpm(RATES[0])


def test_plain_values_give_the_very_same():
    baseline = Baseline.of(RATES, [row * np.float16(0.1) for row in ROWS])
    again = Baseline.from_plain(baseline.plain())
    assert again.bpm == baseline.bpm
    np.testing.assert_array_equal(again.embeddings, baseline.embeddings)
    assert again.embeddings.dtype == np.float32
    assert Baseline.from_plain(Baseline().plain()) == Baseline()


def test_windows_of_a_recording_give_what_clips_give():
    """Training takes means over clips, an assessment over windows; of the same inputs they are the same bits."""
    means = PersonMeans()
    lost = FaceWindow({}, 0.0, 0, None, [], "no face")
    means.add(lost, HeartWindow(RATES[0], 0.9))
    means.add(face(ROWS[0]), HeartWindow(problem="flat"))
    means.add(face(ROWS[1]), None)
    means.add(None, HeartWindow(RATES[1]))
    own, clips = means.baseline().of("spatial"), Baseline.of(RATES, ROWS)
    assert own.bpm == clips.bpm
    np.testing.assert_array_equal(own.embeddings, clips.embeddings)
    assert means.baseline().of(None).embeddings is None
    assert (means.faces, means.hearts) == (2, 2)
    assert "heart rate 68.0 bpm over 2 windows, face over 2 windows" in means.note("session")


def face(rows: np.ndarray) -> FaceWindow:
    return FaceWindow({"spatial": [rows[:, k] for k in range(rows.shape[1])]}, 1.0, 1, None, [], "")


def test_memory_does_not_grow_with_the_number_of_clips():
    means = BaselineMeans()
    for _ in range(1000):
        means.add_embeddings(ROWS[0])
        means.add_bpm(RATES[0])
    held = [value for value in vars(means).values() if isinstance(value, np.ndarray)]
    assert [value.shape for value in held] == [(2, 2)]
