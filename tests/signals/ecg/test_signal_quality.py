import numpy as np
import pytest

from painlit.errors import ClipError
from painlit.signals import pan_tompkins, signal_quality
from painlit.signals.ecg.pan_tompkins import find_r_peaks

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
def test_it_knows_neither_unit_nor_sign_nor_direction(change):
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


def test_without_two_beats_there_is_none():
    one = ecg(bpm=12)
    assert len(pan_tompkins(one, RATE)) < 2
    assert signal_quality(one, RATE) == 0


def test_one_low_beat_is_less_distinct_from_the_t_waves_than_the_others():
    t = np.arange(2816) / RATE
    values = []
    for height in (1.0, 0.6, 0.45):
        signal = ecg(noise=0.003)
        at = 0.4 + 3 * 60 / 70  # the fourth beat
        signal -= (1 - height) * np.exp(-(((t - at) / 0.012) ** 2))
        peaks = find_r_peaks(signal, RATE)
        assert peaks.at.size == 6
        values.append(peaks.distinctness)
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
    assert signal_quality(signal, RATE) > 0.5


@pytest.mark.parametrize("case", ["01", "02"])
def test_cases_of_beats_that_end_early(case, shared_data):
    (path,) = (shared_data / "cases").glob(f"{case}-*/*.csv")
    assert signal_quality(np.loadtxt(path, skiprows=1)[:, 2], 512) == 0
