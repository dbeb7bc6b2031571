import numpy as np
import pytest

from painlit.errors import ClipError
from painlit.signals.ecg.heart_rate import heart_rate, heart_rate_from_peaks


def pulses(beats: list[float], seconds: float, rate: float) -> np.ndarray:
    """Narrow upright waves at the given times."""
    time = np.arange(round(seconds * rate)) / rate
    return np.exp(-0.5 * ((time[:, None] - np.array(beats)) / 0.012) ** 2).sum(axis=1)


def test_overlap_weighs_each_interval_by_the_time_it_covers():
    # Intervals 0.5 s (0.25-0.75), 1.0 s (0.75-1.75), 0.8 s (1.75-2.55).
    rates = heart_rate_from_peaks([250, 750, 1750, 2550], 1000, 3)
    expected = [0.75 * 0.5 + 0.25 * 1.0, 0.75 * 1.0 + 0.25 * 0.8, 0.8]  # s; the ends go on outwards
    np.testing.assert_allclose(rates, 60 / np.array(expected))


def test_overlap_averages_intervals_and_not_rates():
    # Half a second of 0.5 s intervals and half of 1.5 s: 60 / 1.0 = 60, where the mean rate would be 80.
    rates = heart_rate_from_peaks([0, 500, 2000], 1000, 2)
    np.testing.assert_allclose(rates, [60.0, 40.0])


def test_overlap_takes_the_nearest_interval_for_whole_seconds_beyond_the_peaks():
    np.testing.assert_allclose(heart_rate_from_peaks([2000, 2500, 3500], 1000, 6), [120, 120, 80, 60, 60, 60])


def test_overlap_is_constant_for_a_constant_pulse():
    np.testing.assert_allclose(heart_rate_from_peaks(np.arange(100, 2816, 400), 512, 5), 76.8)


def test_paper_takes_only_intervals_within_the_second():
    # Second 0: 0.4 and 0.5 s. Second 1: 0.6 s; the interval from 0.95 to 1.3 s crosses and counts for neither.
    rates = heart_rate_from_peaks([50, 450, 950, 1300, 1900], 1000, 2, rule="paper")
    np.testing.assert_allclose(rates, [60 / 0.45, 100.0])


def test_paper_counts_a_beat_at_the_very_end_of_a_second_to_the_next():
    rates = heart_rate_from_peaks([0, 600, 1000, 1400, 1900], 1000, 2, "paper")
    np.testing.assert_allclose(rates, [60 / 0.6, 60 / 0.45])


def test_paper_fills_an_empty_second_with_the_mean_of_its_neighbours():
    rates = heart_rate_from_peaks([100, 600, 1500, 2100, 2850], 1000, 3, rule="paper")
    np.testing.assert_allclose(rates, [120, (120 + 80) / 2, 80])


def test_paper_fills_a_run_of_empty_seconds_and_the_edges_from_the_nearest_filled_ones():
    rates = heart_rate_from_peaks([1100, 1600, 2500, 3500, 4100, 4850], 1000, 7, rule="paper")
    np.testing.assert_allclose(rates, [120, 120, 100, 100, 80, 80, 80])


def test_paper_takes_all_intervals_of_a_clip_where_no_second_has_one():
    rates = heart_rate_from_peaks([500, 1600, 2900, 3800], 1000, 5, rule="paper")  # 1.1, 1.3 and 0.9 s
    np.testing.assert_allclose(rates, 60 / 1.1)


@pytest.mark.parametrize("bpm", [25, 50, 60, 65, 90, 180])
def test_paper_gives_every_clip_of_two_peaks_a_rate_for_each_second_and_keeps_those_it_has(bpm):
    generator = np.random.default_rng(bpm)
    for _ in range(200):
        times = np.cumsum(60 / bpm * generator.uniform(0.9, 1.1, 40))  # s
        times -= generator.uniform(0, 3)
        times = times[(times >= 0) & (times < 5.5)]
        if times.size < 2:
            continue
        rates = heart_rate_from_peaks(times, 1, 5, rule="paper")
        assert rates.shape == (5,)
        assert np.isfinite(rates).all()
        assert 0.85 * bpm < rates.min() <= rates.max() < 1.15 * bpm
        for second in range(5):
            inside = np.diff(times[(times >= second) & (times < second + 1)])
            if inside.size:
                assert rates[second] == pytest.approx(60 / inside.mean())


@pytest.mark.parametrize("rule", ["overlap", "paper"])
@pytest.mark.parametrize("peaks", [[], [700]])
def test_fewer_than_two_peaks_are_refused(rule, peaks):
    with pytest.raises(ClipError, match=f"has {len(peaks)} R peaks"):
        heart_rate_from_peaks(peaks, 512, 5, rule)


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match="overlap, paper, got 'median'"):
        heart_rate_from_peaks([0, 500], 512, 5, "median")
    with pytest.raises(ValueError, match="ascending"):
        heart_rate_from_peaks([500, 0], 512, 5)
    with pytest.raises(ValueError, match="seconds"):
        heart_rate_from_peaks([0, 500], 512, 0)


@pytest.mark.parametrize(
    ("samples", "rate", "seconds"), [(2816, 512, 5), (2815, 512, 5), (2560, 512, 5), (999, 333, 3)]
)
def test_one_rate_per_whole_second(samples, rate, seconds):
    ecg = pulses(list(np.arange(0.2, 6, 0.75)), 6, rate)[:samples]
    rates = heart_rate(ecg, rate)
    assert rates.shape == (seconds,)
    np.testing.assert_allclose(rates, 80, rtol=0.02)


def test_a_changing_pulse_is_followed():
    rates = heart_rate(pulses([0.2, 1.2, 2.2, 2.8, 3.4, 4.0, 4.6, 5.2], 5.5, 512), 512)
    np.testing.assert_allclose(rates, [60, 60, 60 / (0.2 * 1.0 + 0.8 * 0.6), 100, 100], rtol=0.02)


def test_the_ecg_is_checked_and_the_rule_passed_on():
    with pytest.raises(ClipError, match="flat"):
        heart_rate(np.zeros(2816), 512)
    ecg = pulses([0.3, 0.8, 1.6, 2.4, 3.2, 4.0, 4.8], 5.5, 512)
    np.testing.assert_allclose(heart_rate(ecg, 512, rule="paper")[0], 120, rtol=0.02)
    np.testing.assert_allclose(heart_rate(ecg, 512)[0], 60 / (0.8 * 0.5 + 0.2 * 0.8), rtol=0.02)


@pytest.mark.parametrize("beats", [[], [2.5]])
def test_noise_has_no_heart_rate_even_around_one_beat(beats):
    ecg = 0.02 * np.random.default_rng(0).normal(size=2816) + (pulses(beats, 5.5, 512) if beats else 0)
    with pytest.raises(ClipError, match="has 0 R peaks"):
        heart_rate(ecg, 512)
