from pathlib import Path

import numpy as np
import pytest

from painlit.errors import ClipError
from painlit.signals import heart_rate, pan_tompkins, signal_quality
from painlit.signals.ecg.pan_tompkins import RPeaks

RATE = 512


def ecg(bpm: float = 70, seconds: float = 5.5, noise: float = 0.01, seed: int = 0) -> np.ndarray:
    """Sharp R waves with a T wave behind each, in mV."""
    t = np.arange(round(seconds * RATE)) / RATE
    signal = np.random.default_rng(seed).normal(0, noise, t.size)
    for at in np.arange(0.4, seconds, 60 / bpm):
        signal += np.exp(-(((t - at) / 0.012) ** 2)) + 0.25 * np.exp(-(((t - at - 0.28) / 0.05) ** 2))
    return signal


def test_clean_is_high_and_noise_lowers_it():
    values = [signal_quality(ecg(noise=noise), RATE) for noise in (0.01, 0.1, 0.3, 0.6)]
    assert values[0] > 0.7
    assert values == sorted(values, reverse=True)
    assert values[-1] < 0.3
    assert signal_quality(np.random.default_rng(0).normal(size=2816), RATE) < 0.15


@pytest.mark.parametrize("change", [lambda x: -x, lambda x: 1000 * x + 7, lambda x: x[::-1]])
def test_it_depends_on_neither_unit_nor_sign_nor_direction(change):
    assert signal_quality(change(ecg()), RATE) == pytest.approx(signal_quality(ecg(), RATE), abs=0.02)


def test_lead_off_and_saturation_that_could_hide_a_beat_give_none():
    for level in (0.0, 5.0):
        off = ecg()
        off[1000:1900] = level
        assert signal_quality(off, RATE) == 0
        short = ecg()
        short[1000:1015] = level  # 29 ms
        assert signal_quality(short, RATE) > 0.3


def test_coarse_steps_of_a_converter_are_no_lead_off():
    assert signal_quality(np.round(ecg() / 0.02) * 0.02, RATE) > 0.7


@pytest.mark.parametrize("seed", range(10))
def test_without_two_beats_there_is_none(seed):
    """One beat, then silence: noise taken for the second would be seconds after it."""
    assert signal_quality(ecg(bpm=10, seed=seed), RATE) == 0


def test_a_low_beat_is_less_sure_than_the_others():
    t = np.arange(2816) / RATE
    values = []
    for height in (1.0, 0.6, 0.45):
        signal = ecg(noise=0.003)
        at = 0.4 + 3 * 60 / 70  # the fourth beat
        signal -= (1 - height) * np.exp(-(((t - at) / 0.012) ** 2))
        assert pan_tompkins(signal, RATE).size == 6
        values.append(signal_quality(signal, RATE))
    assert values[0] > values[1] > values[2] > 0


@pytest.mark.parametrize("bad", [np.full(2816, np.nan), np.zeros(2816), np.zeros(100)])
def test_what_is_no_ecg_is_an_error(bad):
    with pytest.raises(ClipError):
        signal_quality(bad, RATE)


def test_a_dead_stretch_is_judged_by_the_usual_interval_and_not_by_the_one_it_makes():
    dead = ecg()
    dead[round(1.8 * RATE) : round(2.5 * RATE)] = 0.0  # hides the beat at 2.11 s: 0.7 s of intervals of 0.86 s
    assert signal_quality(dead, RATE) == 0


@pytest.mark.parametrize("off", [1.5, 2.0, 2.4])
@pytest.mark.parametrize("part", ["end", "beginning", "middle"])
@pytest.mark.parametrize("bpm", [60, 72, 100])
def test_seconds_without_a_beat_are_no_quality(off, part, bpm):
    """An electrode comes off: noise of 10 µV remains."""
    first = {"end": off, "beginning": 0.0, "middle": 1.5}[part]
    signal, gone = ecg(bpm), slice(round(first * RATE), round((first + 5.5 - off) * RATE))
    signal[gone] = np.random.default_rng(1).normal(0, 0.01, signal[gone].size)
    assert signal_quality(signal, RATE) == 0


def test_a_beat_dropped_is_no_loss_of_quality():
    signal, at = ecg(bpm=60), round(2.4 * RATE)
    signal[at - 100 : at + 250] = np.random.default_rng(1).normal(0, 0.01, 350)
    assert np.diff(pan_tompkins(signal, RATE)).max() > 1.9 * RATE
    assert signal_quality(signal, RATE) > 0.4


def case(shared_data: Path, number: str) -> np.ndarray:
    (path,) = (shared_data / "cases").glob(f"{number}-*/*.csv")
    return np.loadtxt(path, skiprows=1)[:, 2]


def test_a_lead_that_came_off_after_two_beats_has_no_quality(shared_data):
    assert signal_quality(case(shared_data, "01"), RATE) == 0


def test_an_amplitude_that_falls_eightfold_loses_no_beat(shared_data):
    signal = case(shared_data, "02")
    np.testing.assert_allclose(heart_rate(signal, RATE), [72, 72, 67, 120, 120], atol=3)
    assert signal_quality(signal, RATE) > 0.4


def test_quality_is_lower_where_the_odds_the_gaps_or_the_intervals_are_worse():
    even, signal = np.arange(200, 2816, 400), ecg()
    sure = signal_quality(signal, RATE, RPeaks(even, 0.1))
    assert sure == pytest.approx(np.exp(-0.1))
    assert signal_quality(signal, RATE, RPeaks(even, 1.1)) == pytest.approx(sure / np.e)
    gap = sure * np.exp(-0.25 - 2 * np.log(2) / 5)  # half an interval late, and one of five is twice the others
    assert signal_quality(signal, RATE, RPeaks(np.delete(even, 3), 0.1)) == pytest.approx(gap)
    uneven = even + np.array([0, 80, 0, 80, 0, 80, 0])
    assert signal_quality(signal, RATE, RPeaks(uneven, 0.1)) < 0.75 * sure


def test_the_length_of_an_ecg_is_no_doubt_about_it():
    long, short = ecg(seconds=55), ecg()
    peaks = [pan_tompkins(x, RATE) for x in (long, short)]
    quality = [
        signal_quality(x, RATE, RPeaks(at, w)) for x, at, w in zip((long, short), peaks, (5.0, 0.5), strict=True)
    ]
    assert quality[0] == pytest.approx(quality[1], rel=0.02)


def test_a_fast_hearts_beat_hides_in_a_short_saturation():
    """Shorter than what counts as dead, but longer than half of an interval at 185 bpm."""
    whole = ecg(bpm=185)
    clipped = whole.copy()
    clipped[1200:1290] = 5.0  # 0.18 s
    assert signal_quality(whole, RATE) > 0.15
    assert signal_quality(clipped, RATE) == 0
