from pathlib import Path

import numpy as np
import pytest

from painlit.errors import ClipError
from painlit.signals.ecg.heart_rate import heart_rate_from_peaks
from painlit.signals.heart_rates.beats import interval_series
from painlit.signals.heart_rates.cleaning import Origin, bpm_series

HERE = Origin(Path("rates.csv"), "table")


def bpm_of(times, bpm):
    return bpm_series(HERE, np.array(times, float), np.array(bpm, float))


def intervals_of(intervals, times=None):
    return interval_series(HERE, np.array(intervals, float), None if times is None else np.array(times, float))


@pytest.mark.parametrize("start", [0, 0.3, 2.0, 7.125, 11.9])
@pytest.mark.parametrize("seed", range(3))
def test_beat_intervals_give_what_their_r_peaks_would(start, seed):
    intervals = np.random.default_rng(seed).uniform(0.4, 1.6, 25)
    beats = np.concatenate([[0], np.cumsum(intervals)])
    seconds = 5
    rates, filled = intervals_of(intervals).per_second(start, seconds, longest_gap=0)
    np.testing.assert_allclose(rates, heart_rate_from_peaks(beats - start, 1, seconds), rtol=1e-12)
    assert filled == 0


@pytest.mark.parametrize("start", [-0.4, -2.7])
def test_before_the_first_beat_its_interval_goes_on_as_for_r_peaks(start):
    intervals = [0.5, 1.0, 0.8, 0.9, 0.7, 1.1, 0.6]
    beats = np.concatenate([[0], np.cumsum(intervals)])
    rates, filled = intervals_of(intervals).per_second(start, 5, longest_gap=3)
    np.testing.assert_allclose(rates, heart_rate_from_peaks(beats - start, 1, 5), rtol=1e-12)
    assert filled == int(-start)


def test_after_the_last_beat_its_interval_goes_on():
    rates, filled = intervals_of([1.0, 0.5, 0.75]).per_second(0, 5, longest_gap=3)
    np.testing.assert_allclose(rates, heart_rate_from_peaks([0, 1, 1.5, 2.25], 1, 5), rtol=1e-12)
    assert filled == 2  # 3 and 4; second 2 has a beat interval until 2.25


def test_bpm_holds_from_its_time_to_the_next_and_intervals_are_averaged():
    rates, filled = bpm_of([0.5, 1.5, 2.5, 3.5], [60, 120, 60, 90]).per_second(0.5, 3, longest_gap=0)
    np.testing.assert_allclose(rates, [60, 120, 60])
    assert filled == 0
    rates, _ = bpm_of([0.5, 1.5, 2.5, 3.5], [60, 120, 60, 90]).per_second(1, 2, longest_gap=0)
    np.testing.assert_allclose(rates, [80, 80])  # 60 / (half of 1 s and half of 0.5 s), not the mean of 60 and 120


def test_several_values_a_second():
    rates, _ = bpm_of(np.arange(8) / 4, [60, 60, 120, 120, 100, 100, 100, 50]).per_second(0, 2, longest_gap=0)
    np.testing.assert_allclose(rates, [60 / 0.75, 60 / (0.75 * 0.6 + 0.25 * 1.2)])


def test_a_value_holds_no_longer_than_the_usual_spacing():
    series = bpm_of([0, 1, 2, 3, 7, 8, 9], [60, 60, 60, 60, 120, 120, 120])
    assert series.ends[3] == 4
    with pytest.raises(ClipError, match=r"3 of the clip's 8 seconds \(4-6; .*longest stretch without is 3.0 s"):
        series.per_second(0, 8, longest_gap=2.9)
    rates, filled = series.per_second(0, 8, longest_gap=3)
    np.testing.assert_allclose(rates, [60, 60, 60, 60, 60, 80, 120, 120])  # 4 to 5.5 goes on at 60, 5.5 to 7 at 120
    assert filled == 3


def test_a_gap_is_as_long_as_it_is_and_not_as_the_clip_sees_it():
    series = bpm_of([*range(10), *range(60, 70)], [70] * 20)
    for start in (5, 12, 30, 57):
        with pytest.raises(ClipError, match=r"longest stretch without is 50\.0 s"):
            series.per_second(start, 6, longest_gap=6)


@pytest.mark.parametrize(("start", "seconds"), [(-20, 5), (10, 5), (500, 3)])
def test_a_clip_outside_the_series(start, seconds):
    with pytest.raises(ClipError, match=r"rates.csv \(table\) has no heart rate for \d of the clip's \d seconds"):
        bpm_of(range(10), [70] * 10).per_second(start, seconds, longest_gap=2)


@pytest.mark.parametrize("shift", [0, 0.4, 1e9])
def test_only_seconds_without_any_data_are_filled(shift):
    # Of the second from 2 on, a fifth has data: no second is without.
    series = bpm_of(np.array([0, 1, 1.2, 3, 4, 5]) + shift, [60, 60, 100, 60, 60, 60])
    rates, filled = series.per_second(shift, 5, longest_gap=0)
    assert filled == 0
    np.testing.assert_allclose(rates[0], 60, rtol=1e-6)
    np.testing.assert_allclose(rates[2], 60 / (0.6 * 0.6 + 0.4 * 1.0), rtol=1e-6)  # 100 bpm from 1.2 to 2.6


def test_values_without_contact_are_gaps_and_end_the_value_before():
    series = bpm_of(range(8), [60, 0, 0, 400, np.nan, 20, 90, 90])
    assert series.bpm.tolist() == [60, 90, 90]
    assert series.ends.tolist() == [1, 7, 8]
    assert series.notes == (
        "3 of 8 values are 0 or missing (no contact): gaps",
        "2 of 8 values are outside 25 to 250 bpm: gaps",
    )
    with pytest.raises(ClipError, match="5 of the clip's 8 seconds"):
        series.per_second(0, 8, longest_gap=4)
    assert series.per_second(0, 8, longest_gap=5)[1] == 5


def test_lost_contact_ends_the_value_before_even_within_the_spacing():
    series = bpm_of([0, 1, 2, 2.5, 4, 5], [60, 60, 60, 0, 60, 60])
    assert series.ends.tolist() == [1, 2, 2.5, 5, 6]


@pytest.mark.parametrize("bad", [(0, 0, 0), (0, 2, np.nan), (np.inf, 2, 0)])
def test_impossible_clips(bad):
    with pytest.raises(ValueError, match="a clip has a start and whole seconds"):
        bpm_of(range(10), [70] * 10).per_second(*bad)


def test_a_long_series_costs_only_its_clip():
    series = bpm_of(np.arange(1e6), np.full(1_000_000, 70.0))
    np.testing.assert_allclose(series.per_second(654_321, 5, 0)[0], 70)
