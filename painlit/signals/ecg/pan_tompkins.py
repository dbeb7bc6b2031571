"""R peaks of an ECG: candidates of the filter bank of Pan and Tompkins (1985), decided together."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from painlit.signals.ecg.beat_sequence import likeliest_beats
from painlit.signals.ecg.dead_stretches import without_dead_stretches
from painlit.signals.ecg.qrs_features import MIN_SECONDS, Array, bandpass, check_ecg, qrs_candidates
from painlit.signals.ecg.qrs_network import SURE, beat_log_odds

R_BAND = (2.0, 30.0)  # Hz: drops wander and noise, keeps the R wave where it is
R_REACH = 0.075  # s from the middle of the QRS to its R extremum at most
R_FLIP = 2.0  # times taller a beat must be on the other side of the baseline to be measured there


class RPeaks(NamedTuple):
    """What `find_r_peaks` found.

    Attributes:
        at: Sample indices of the R peaks, (k,), ascending.
        wrong: How many of the decisions that made them, for a candidate or against it, are to be expected to be wrong.
    """

    at: NDArray[np.int64]
    wrong: float


def pan_tompkins(ecg: ArrayLike, sampling_rate: float) -> NDArray[np.int64]:
    """Find the R peaks of one ECG lead, from its first beat to its last.

    Neither polarity, unit nor offset matters, and no part of the clip is spent on learning. The filters are those of
    Pan and Tompkins, forwards and backwards (no delay) and in a second, sharper band. Their adaptive thresholds,
    T-wave rule and search-back, which decide from beat to beat, give way to what a whole clip allows: small networks
    say how likely each candidate is a beat by what it is beside those around it, and the likeliest sequence is taken.

    Args:
        ecg: One lead, (n,), any unit, at least 1 s.
        sampling_rate: In Hz.

    Returns:
        Sample indices of the R peaks, (k,), ascending; empty if nothing looks like a beat. Each is its beat's
        extremum between 2 and 30 Hz on the side of the baseline that most beats of the clip point to, or on the other
        side if the beat is twice as tall there.

    Raises:
        ValueError: If `ecg` is not one-dimensional or the rate is unusable.
        ClipError: If `ecg` has NaN or infinite samples, is flat, or is too short.

    Source: J. Pan, W. J. Tompkins, "A real-time QRS detection algorithm", IEEE Trans. Biomed. Eng. 32 (1985) 230-236;
    section 3.1.2 of the paper.
    """
    return find_r_peaks(ecg, sampling_rate).at


def find_r_peaks(ecg: ArrayLike, sampling_rate: float) -> RPeaks:
    """`pan_tompkins`, and how sure it is."""
    signal, at, joints = without_dead_stretches(check_ecg(ecg, sampling_rate), sampling_rate)
    if signal.size < MIN_SECONDS * sampling_rate:
        return RPeaks(at[:0], 0.0)
    candidates = qrs_candidates(signal, sampling_rate)
    log_odds = beat_log_odds(candidates.features)
    cut = np.abs(candidates.at[:, None] - joints).min(axis=1, initial=signal.size) < R_REACH * sampling_rate
    log_odds[cut] = -SURE
    beats = likeliest_beats(at[candidates.at] / sampling_rate, log_odds)
    against = log_odds.copy()
    against[beats] *= -1
    wrong = float((1 / (1 + np.exp(-against))).sum())
    return RPeaks(at[_r_peaks(signal, candidates.at[beats], sampling_rate)], wrong)


def _r_peaks(signal: Array, at: NDArray[np.int64], sampling_rate: float) -> NDArray[np.int64]:
    """Move detections, (k,), from the middle of their QRS complex to its R extremum."""
    if not at.size:
        return at
    smooth = bandpass(signal, sampling_rate, *R_BAND)
    reach = round(R_REACH * sampling_rate)
    around = np.clip(at[:, None] + np.arange(-reach, reach + 1), 0, signal.size - 1)  # (k, 2 reach + 1)
    windows = smooth[around]
    up, down = windows.max(axis=1), -windows.min(axis=1)
    # One side for all beats: picking the larger of R and S beat by beat would make the intervals jump.
    upright = up * R_FLIP >= down if np.median(up) >= np.median(down) else up > down * R_FLIP
    offset = np.where(upright, windows.argmax(axis=1), windows.argmin(axis=1))
    return around[np.arange(at.size), offset]
