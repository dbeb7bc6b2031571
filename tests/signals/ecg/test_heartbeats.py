"""Cutting beats as Kachuee et al. (2018) did."""

import numpy as np
import pytest

from painlit.signals.ecg.heartbeats import LAST, cut_heartbeats


def spikes(rate: float, at: np.ndarray, seconds: float) -> np.ndarray:
    """Narrow bumps of 1 mV at given samples, on a slope."""
    n = np.arange(round(seconds * rate))
    ecg = sum(np.exp(-(((n - k) / (0.02 * rate)) ** 2)) for k in at)
    return ecg + 0.05 * np.sin(2 * np.pi * 0.2 * n / rate)


@pytest.mark.parametrize("rate", [100.0, 125.0, 250.0, 360.0, 1000.0])
def test_a_beat_begins_at_its_r_peak_and_lasts_1_2_intervals(rate):
    at = np.round(np.arange(0.5, 29, 0.8) * rate).astype(int)
    cut = cut_heartbeats(spikes(rate, at, 30), rate, at)
    assert cut.beats.shape == (len(at) - 1, 187)
    assert cut.beats.dtype == np.float32
    assert cut.skipped == {len(at) - 1: LAST}
    np.testing.assert_array_equal(cut.peaks, np.arange(len(at) - 1))
    assert cut.beats[:, 0].min() > 0.85  # the R peak, up to half a sample at 125 Hz
    length = round(1.2 * 0.8 * 125)
    assert (cut.beats[1:-1, 100] > 0.5).all(), "the next beat, 0.8 s later, is in it"
    assert not cut.beats[:, length + 1 :].any(), "zeros after 1.2 intervals"
    assert cut.beats[0, length - 1] > 0


def test_each_window_of_ten_seconds_has_its_own_scale():
    at = np.arange(60, 30 * 125, 100)
    ecg = spikes(125, at, 30)
    ecg[1250:2500] *= 7
    cut = cut_heartbeats(ecg, 125, at)
    heights = [cut.beats[k].max() for k in range(len(cut.beats)) if at[k] % 1250 < 1100]
    np.testing.assert_allclose(heights, 1, atol=0.12)
    assert cut.beats.min() >= 0
    assert cut.beats.max() <= 1


def test_slow_hearts_are_cut_at_187_samples():
    at = np.arange(100, 30 * 125, 250)  # 30 bpm: 1.2 intervals are 300 samples
    cut = cut_heartbeats(spikes(125, at, 30), 125, at)
    assert (cut.beats[:, -1] > 0).all()


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda ecg: ecg.__setitem__(slice(1000, 1010), np.nan), "in a gap"),
        (lambda ecg: ecg.__setitem__(slice(1000, 1020), 5.0), "saturated"),
        (lambda ecg: ecg.__setitem__(slice(2500, 3750), 0.3), "flat line"),
    ],
    ids=["gap", "saturated", "lead off"],
)
def test_beats_on_bad_signal_are_skipped_and_the_others_kept(damage, reason):
    at = np.arange(60, 5000, 100)
    whole = cut_heartbeats(spikes(125, at, 40), 125, at)
    ecg = spikes(125, at, 40)
    damage(ecg)
    cut = cut_heartbeats(ecg, 125, at)
    lost = {k: why for k, why in cut.skipped.items() if why != LAST}
    assert lost
    assert all(reason in why for why in lost.values())
    assert len(cut.beats) + len(cut.skipped) == len(at)
    far = [k for k in range(len(at) - 1) if at[k] > 3800]  # in windows that hold no damage
    kept = [int(np.flatnonzero(cut.peaks == k)[0]) for k in far]
    np.testing.assert_array_equal(cut.beats[kept], whole.beats[far])


def test_a_recording_without_two_beats_has_none():
    assert cut_heartbeats(np.zeros(500), 125, [100]).skipped == {0: LAST}
    assert cut_heartbeats(np.zeros(500), 125, []).beats.shape == (0, 187)
    assert len(cut_heartbeats(np.full(500, np.nan), 125, [100, 200]).beats) == 0


def test_peaks_outside_or_out_of_order_are_errors():
    with pytest.raises(ValueError, match="reach from 10 to 600"):
        cut_heartbeats(np.zeros(500), 125, [10, 600])
    with pytest.raises(ValueError, match="ascending"):
        cut_heartbeats(np.zeros(500), 125, [30, 20])


def test_one_long_interval_does_not_lengthen_the_beats_of_its_window():
    peaks = np.array([100, 200, 300, 400, 500, 750])  # at 125 Hz: 0.8 s, and one of 2 s
    signal = np.random.default_rng(0).uniform(1, 2, 1000)
    beats = cut_heartbeats(signal, 125, peaks).beats
    assert {int(np.flatnonzero(beat)[-1]) + 1 for beat in beats} <= {119, 120}, "1.2 times the median of 0.8 s"
