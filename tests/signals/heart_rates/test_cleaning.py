from pathlib import Path

import numpy as np
import pytest

from painlit.errors import ClipError
from painlit.signals.heart_rates.beats import interval_series
from painlit.signals.heart_rates.cleaning import Origin, bpm_series

PATH = Path("rates.csv")


def bpm_of(times, bpm, **origin):
    return bpm_series(Origin(PATH, "table", **origin), np.array(times, float), np.array(bpm, float))


def intervals_of(intervals, times=None):
    return interval_series(
        Origin(PATH, "table"), np.array(intervals, float), None if times is None else np.array(times, float)
    )


def test_newest_first_is_turned_round():
    series = bpm_of([9, 8, 7, 6], [90, 80, 70, 60])
    assert (series.times.tolist(), series.bpm.tolist()) == ([6, 7, 8, 9], [60, 70, 80, 90])
    assert any("turned round" in note for note in series.notes)


def test_records_in_any_order_are_sorted_and_noted():
    series = bpm_of([3, 1, 2, 0], [90, 70, 80, 60], records=True)
    assert series.bpm.tolist() == [60, 70, 80, 90]
    assert any("sorted" in note for note in series.notes)


@pytest.mark.parametrize(
    ("times", "message"),
    [
        ([0, 1, 2, 1, 2, 3], "line 13: time runs back by 1 s"),
        ([0, 100, 1, 101, 2, 102], "line 12: time runs back by 99 s, and in 1 other places: the clocks of two devices"),
        ([0, 1, 2, 3 - 3600, 4 - 3600, 5 - 3600], "line 13: the clock is set back by an hour, as at the end of summer"),
    ],
)
def test_times_that_run_back(times, message):
    with pytest.raises(ClipError, match=message):
        bpm_of(times, [70] * 6, places=range(10, 16))


def test_repeated_values_and_few_conflicts_at_one_time():
    times = np.sort(np.concatenate([np.arange(300), [7, 7, 42]]))
    bpm = np.where(times == 42, 80.0, 70.0)
    bpm[np.flatnonzero(times == 42)[0]] = 81
    series = bpm_of(times, bpm)
    assert series.times.size == 300
    assert series.bpm[42] == 80
    assert series.notes == (
        "1 times have two values; the last of them counts",
        "2 values are there twice; one of each is kept",
    )


def test_a_value_beats_no_contact_at_the_same_time():
    series = bpm_of([0, 1, 1, 2], [70, 0, 71, 72])
    assert series.bpm.tolist() == [70, 71, 72]


def test_two_devices_with_the_same_clock():
    with pytest.raises(ClipError, match=r"line 1 and line 2: 70 and 90 bpm at the same time, and so in 50 places: two"):
        bpm_of(np.repeat(np.arange(50), 2), np.tile([70, 90], 50), places=range(1, 101))


@pytest.mark.parametrize(
    ("bpm", "message"),
    [
        ([0, 0, 0], "they are all 0 or missing"),
        ([np.nan] * 3, "they are all 0"),
        ([800, 812, 0], "between 800 and 812"),
    ],
)
def test_no_heart_rate_at_all(bpm, message):
    with pytest.raises(ClipError, match=message):
        bpm_of([0, 1, 2], bpm)


@pytest.mark.parametrize(("spacing", "hold"), [(1, 1), (5, 5), (15, 15), (60, 15), (300, 15)])
def test_rare_values_hold_for_15_s_at_most(spacing, hold):
    series = bpm_of(spacing * np.arange(5), [70] * 5)
    np.testing.assert_allclose(series.ends - series.times, hold)
    assert series.notes == (
        (f"the values are {spacing} s apart; each is taken to hold for 15 s",) if spacing > 15 else ()
    )


def test_one_value():
    series = bpm_of([5], [70])
    assert series.ends.tolist() == [6]
    assert series.notes == ("its one value is taken to hold for 1 s",)


def test_beats_with_exact_times_and_one_lost():
    # The beat at 3.0 is lost: 2.2 to 3.8 has no data, as in an Empatica's IBI.csv.
    series = intervals_of([0.8, 0.7, 0.9, 0.8], [1.5, 2.2, 4.7, 5.5])
    np.testing.assert_allclose(series.times, [0.7, 1.5, 3.8, 4.7])
    np.testing.assert_allclose(series.ends, [1.5, 2.2, 4.7, 5.5])
    assert series.per_second(0, 6, longest_gap=1.6)[1] == 0  # all seconds have some data
    lost = intervals_of([0.8, 0.7, 0.9], [1.5, 2.2, 5.0])  # none from 2.2 to 4.1
    assert lost.per_second(0, 5, longest_gap=1.91)[1] == 1
    with pytest.raises(ClipError, match=r"1 of the clip's 5 seconds \(3; .*without is 1.9 s"):
        lost.per_second(0, 5, longest_gap=1.8)


def test_times_of_the_beat_that_begins_each_interval():
    series = intervals_of([0.8, 0.7, 1.1, 0.9], [0, 0.8, 1.5, 2.6])
    np.testing.assert_allclose(series.times, [0, 0.8, 1.5, 2.6])
    assert any("begins each interval" in note for note in series.notes)


@pytest.mark.parametrize("seed", range(4))
def test_times_of_arrival_do_not_move_the_beats(seed):
    generator = np.random.default_rng(seed)
    intervals = generator.uniform(0.6, 1.1, 200)
    beats = np.cumsum(intervals)
    arrival = np.sort(np.ceil(beats) + generator.uniform(0, 0.3, 200))  # once a second, several at a time
    series = intervals_of(intervals, arrival)
    np.testing.assert_allclose(np.diff(series.ends), intervals[1:])
    assert any("of arrival" in note for note in series.notes)
    assert not any("anew" in note for note in series.notes)


def test_after_a_pause_arrivals_begin_anew():
    intervals = np.tile([0.7, 0.9, 0.8], 20)
    arrival = np.ceil(np.cumsum(intervals))
    arrival[30:] += 40
    series = intervals_of(intervals, arrival)
    gaps = series.times[1:] - series.ends[:-1]
    assert np.flatnonzero(gaps > 1e-9).tolist() == [29]
    assert 36 < gaps[29] < 41
    assert any("1 times they begin anew" in note for note in series.notes)


def test_intervals_longer_than_the_time():
    with pytest.raises(ClipError, match=r"value 5: its intervals add up to 4\.0 s more than its times"):
        intervals_of([2.0] * 20, np.arange(20))


def test_intervals_out_of_range_are_gaps_in_which_time_passes():
    series = intervals_of([0.8, 5.0, 0.8, 0.1, 0, 0.8])
    np.testing.assert_allclose(series.times, [0, 5.8, 6.7])
    assert "1 of 6 intervals are 0 or missing (no contact): gaps" in series.notes
    assert "2 of 6 intervals are outside 25 to 250 bpm: gaps" in series.notes


def test_a_missing_interval_without_times():
    with pytest.raises(ClipError, match="value 3: there is no interval"):
        intervals_of([0.8, 0.8, np.nan, 0.8])


@pytest.mark.parametrize(("odd", "count"), [(1.6, 1), (0.4, 1), (0.9, 0)])
def test_missed_and_premature_beats_are_counted_and_kept(odd, count):
    series = intervals_of([0.8, 0.8, odd, 0.8, 0.8])
    np.testing.assert_allclose(60 / series.bpm, [0.8, 0.8, odd, 0.8, 0.8])
    assert sum("premature or missed" in note for note in series.notes) == count
