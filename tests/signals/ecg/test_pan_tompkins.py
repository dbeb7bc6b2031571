import numpy as np
import pytest
from numpy.typing import NDArray

from painlit.errors import ClipError
from painlit.signals.ecg.pan_tompkins import pan_tompkins

RATES = [100, 250, 360, 512, 1000]
# Delay after the R peak in s, width in s, height in mV of P, Q, R, S and T.
WAVES = [(-0.18, 0.022, 0.15), (-0.028, 0.008, -0.15), (0.0, 0.010, 1.2), (0.028, 0.009, -0.3), (0.27, 0.045, 0.30)]


def synthetic_ecg(beats: list[float], seconds: float, rate: float, t_wave: float = 0.30) -> NDArray[np.float64]:
    """Sum of one Gaussian per wave around every beat, in mV, with a little noise of a fixed seed."""
    time = np.arange(round(seconds * rate)) / rate
    ecg = 0.01 * np.random.default_rng(0).normal(size=time.size)
    for beat in beats:
        for delay, width, height in [*WAVES[:-1], (0.27, 0.045, t_wave)]:
            ecg += height * np.exp(-0.5 * ((time - beat - delay) / width) ** 2)
    return ecg


def assert_found(peaks: NDArray[np.int64], beats: list[float], rate: float, within: float = 0.015) -> None:
    assert len(peaks) == len(beats), f"found {peaks / rate}, expected {beats}"
    assert np.abs(peaks / rate - beats).max() <= within


BEATS = [0.3, 1.1, 1.85, 2.7, 3.4, 4.2, 5.1]


@pytest.mark.parametrize("rate", RATES)
def test_finds_every_beat_of_a_clip_at_any_rate(rate):
    peaks = pan_tompkins(synthetic_ecg(BEATS, 5.5, rate), rate)
    assert peaks.dtype.kind == "i"
    assert_found(peaks, BEATS, rate)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("first", [0.05, 0.1, 0.4])
def test_finds_the_beats_beside_both_edges(rate, first):
    beats = [first, 0.9, 1.8, 2.7, 3.6, 4.5, 5.5 - first]
    assert_found(pan_tompkins(synthetic_ecg(beats, 5.5, rate), rate), beats, rate)


@pytest.mark.parametrize("bpm", [35, 60, 110, 180, 220])
def test_finds_slow_and_fast_beats(bpm):
    beats = list(np.arange(0.25, 10, 60 / bpm))
    assert_found(pan_tompkins(synthetic_ecg(beats, 10.5, 250, t_wave=0.1), 250), beats, 250)


@pytest.mark.parametrize(("gain", "offset"), [(1e-6, 0), (1, 40), (5000, -2e5), (-1, 0), (-2000, 32768)])
def test_unit_offset_and_polarity_do_not_matter(gain, offset):
    ecg = synthetic_ecg(BEATS, 5.5, 360)
    expected = pan_tompkins(ecg, 360)
    np.testing.assert_array_equal(pan_tompkins(gain * ecg + offset, 360), expected)


def test_t_waves_taller_than_the_r_wave_are_no_beats():
    assert_found(pan_tompkins(synthetic_ecg(BEATS, 5.5, 512, t_wave=1.5), 512), BEATS, 512)


@pytest.mark.parametrize("delay", [0.28, -0.24])
def test_peaked_t_and_p_waves_are_no_beats(delay):
    # Narrow enough to pass the filters and both thresholds: only their gentler slope gives them away.
    time = np.arange(2816) / 512
    ecg = synthetic_ecg(BEATS, 5.5, 512, t_wave=0.0)
    for beat in BEATS:
        ecg += 0.8 * np.exp(-0.5 * ((time - beat - delay) / 0.018) ** 2)
    assert_found(pan_tompkins(ecg, 512), BEATS, 512)


def test_baseline_wander_and_mains_hum_do_not_matter():
    time = np.arange(2816) / 512
    ecg = synthetic_ecg(BEATS, 5.5, 512) + 3 * np.sin(2 * np.pi * 0.3 * time) + 0.3 * np.sin(2 * np.pi * 50 * time)
    assert_found(pan_tompkins(ecg, 512), BEATS, 512)


def test_a_low_beat_is_found_by_searching_back():
    beats = list(np.arange(0.4, 12, 0.8))
    time = np.arange(12 * 250) / 250
    ecg = synthetic_ecg(beats, 12, 250)
    low = np.abs(time - beats[8]) < 0.35
    ecg[low] *= 0.25  # below the threshold, above half of it
    assert_found(pan_tompkins(ecg, 250), beats, 250)


def test_an_artefact_does_not_hide_the_beats_after_it():
    ecg = synthetic_ecg(BEATS, 5.5, 512)
    ecg[round(2.25 * 512) : round(2.25 * 512) + 8] += 30  # a spike of 25 times the R wave
    peaks = pan_tompkins(ecg, 512) / 512
    missed = [beat for beat in BEATS if np.abs(peaks - beat).min() > 0.05]
    assert missed == []


def test_the_r_peak_stays_on_one_side_of_a_biphasic_beat():
    rng = np.random.default_rng(1)
    beats, rate = list(np.arange(0.5, 20, 0.8)), 360
    time = np.arange(20 * rate) / rate
    ecg = np.zeros(time.size)
    for beat in beats:  # R and S alternate in which is the taller
        up, down = rng.uniform(0.8, 1.2, 2)
        ecg += up * np.exp(-0.5 * ((time - beat) / 0.012) ** 2)
        ecg -= down * np.exp(-0.5 * ((time - beat - 0.05) / 0.012) ** 2)
    intervals = np.diff(pan_tompkins(ecg, rate)) / rate
    assert intervals.size == len(beats) - 1
    assert np.abs(intervals - 0.8).max() < 0.02


@pytest.mark.parametrize("seed", range(20))
def test_noise_has_no_beats(seed):
    noise = np.random.default_rng(seed).normal(size=2816)
    assert pan_tompkins(noise, 512).size == 0
    assert pan_tompkins(np.cumsum(noise), 512).size == 0


def test_nan_and_infinite_samples_are_refused_by_index():
    ecg = synthetic_ecg(BEATS, 5.5, 512)
    ecg[[700, 1500]] = np.nan, np.inf
    with pytest.raises(ClipError, match=r"2 NaN or infinite samples of 2816, the first at index 700"):
        pan_tompkins(ecg, 512)


@pytest.mark.parametrize("level", [0.0, -3.7, 1e6])
def test_a_flat_signal_is_refused(level):
    with pytest.raises(ClipError, match="flat"):
        pan_tompkins(np.full(2816, level), 512)


def test_a_short_signal_is_refused():
    with pytest.raises(ClipError, match=r"400 samples are 0.78 s at 512 Hz"):
        pan_tompkins(synthetic_ecg([0.4], 5.5, 512)[:400], 512)


@pytest.mark.parametrize("shape", [(2816, 1), (1, 2816), ()])
def test_only_one_lead_is_taken(shape):
    with pytest.raises(ValueError, match="one lead"):
        pan_tompkins(np.ones(shape), 512)


@pytest.mark.parametrize("rate", [0, -512, 5, float("nan")])
def test_an_impossible_rate_is_refused(rate):
    with pytest.raises(ValueError, match="sampling_rate"):
        pan_tompkins(np.ones(2816), rate)


LONG = list(np.arange(0.5, 119.5, 60 / 70))


@pytest.mark.parametrize("rate", [250, 512])
@pytest.mark.parametrize("factor", [3, 5, 7, 10, 30])
@pytest.mark.parametrize("since", [0.3, 0.5, 0.8])
def test_a_gain_that_falls_loses_no_beat(rate, factor, since):
    ecg = synthetic_ecg(LONG, 120, rate)
    ecg[int(since * ecg.size) :] /= factor
    peaks = pan_tompkins(ecg, rate) / rate
    assert len(peaks) == pytest.approx(len(LONG), abs=1)
    assert np.median([np.abs(peaks - beat).min() for beat in LONG]) < 0.01


@pytest.mark.parametrize("rate", [250, 512])
@pytest.mark.parametrize("seconds", [3, 4, 6, 8])
def test_movement_at_the_beginning_does_not_deafen_it(rate, seconds):
    ecg = synthetic_ecg(LONG, 120, rate)
    for second in range(seconds):
        at, n = int((second + 0.3) * rate), int(0.4 * rate)
        ecg[at : at + n] += 8 * 1.2 * np.sin(np.linspace(0, 4 * np.pi, n))
    later = [beat for beat in LONG if beat > seconds + 1]
    peaks = pan_tompkins(ecg, rate) / rate
    assert len(peaks[peaks > seconds + 1]) == len(later)


def test_a_long_flat_or_noisy_end_has_no_beats():
    ecg = synthetic_ecg([beat for beat in LONG if beat < 30], 120, 250)
    assert (pan_tompkins(ecg, 250) < 30 * 250).all()


@pytest.mark.parametrize("rate", RATES)
def test_an_inverted_ecg_has_the_same_peaks(rate):
    ecg = synthetic_ecg(BEATS, 5.5, rate)
    np.testing.assert_array_equal(pan_tompkins(ecg, rate), pan_tompkins(-ecg, rate))
