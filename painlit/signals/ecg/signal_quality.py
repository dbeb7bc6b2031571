"""Whether the heart rates of a clip can be trusted."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from painlit.signals.ecg.dead_stretches import dead_stretches, runs
from painlit.signals.ecg.pan_tompkins import RPeaks, find_r_peaks
from painlit.signals.ecg.qrs_features import check_ecg

SATURATED = 0.040  # s at the very top or bottom
HIDES_A_BEAT = 0.5  # intervals that a dead stretch may last before a beat could lie in it
BEATLESS, PAUSE = 3.0, 2.0  # intervals and s without a beat: an electrode came off, rather than a beat dropped
OVER = 5.5  # s, a clip, over which wrong decisions are counted
LATE, GAP = 1.5, 0.5  # intervals without a beat that are usual; what each more counts
IRREGULAR = 2.0  # what intervals count that differ e-fold: noise is irregular, and so are rates that rest on it


def signal_quality(ecg: ArrayLike, sampling_rate: float, peaks: RPeaks | None = None) -> float:
    """Quality of an ECG for the purpose of heart rates, 0 (do not trust them) to 1.

    It is the likelihood that no decision about a candidate in 5.5 s was wrong, exp(-n) with n the number to be expected
    by the odds of each; less where the longest gap is over one and a half intervals, and where the intervals differ.
    Fewer than two beats, a stretch that is flat (lead off) or saturated for more than half a beat interval, or one
    without beats for more than 2 s and three intervals give 0.

    `make bench ARGS=r_peaks` prints how well it separates 5.5 s whose rates err by more than 5 bpm from others: on the
    MIT-BIH Arrhythmia Database, the same with noise, and two other databases.

    Args:
        ecg: One lead, (n,), any unit.
        sampling_rate: In Hz.
        peaks: What `find_r_peaks` gave for it, if that is known already.

    Raises:
        ValueError: As `pan_tompkins`.
        ClipError: As `pan_tompkins`.
    """
    signal = check_ecg(ecg, sampling_rate)
    peaks = find_r_peaks(signal, sampling_rate) if peaks is None else peaks
    if peaks.at.size < 2:
        return 0.0
    interval = float(np.median(np.diff(peaks.at)))  # samples
    beatless = np.diff([0, *peaks.at, signal.size]).max()
    others = np.sort(np.diff(peaks.at))[:-1]  # a beatless stretch within is no usual interval
    usual = np.median(others) if others.size else 0.0
    if beatless > max(BEATLESS * usual, PAUSE * sampling_rate):
        return 0.0
    if _longest_dead(signal, sampling_rate) > HIDES_A_BEAT * interval:
        return 0.0
    wrong = peaks.wrong * min(1.0, OVER * sampling_rate / signal.size)
    logarithms = np.log(np.diff(peaks.at))
    irregular = np.mean(np.abs(logarithms - np.median(logarithms)))
    return float(np.exp(-wrong - GAP * max(0.0, beatless / interval - LATE) - IRREGULAR * irregular))


def _longest_dead(signal: NDArray[np.float64], sampling_rate: float) -> int:
    """Samples of the longest stretch that is saturated or does not change; irrelevantly short ones count 0."""
    saturated = runs((signal == signal.max()) | (signal == signal.min()), SATURATED * sampling_rate)
    return int(np.diff(np.concatenate([saturated, dead_stretches(signal, sampling_rate)])).max(initial=0))
