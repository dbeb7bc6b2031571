"""Single heartbeats cut out of an ECG as Kachuee et al. (2018) cut them."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.signal import resample_poly

RATE = 125.0  # Hz
SAMPLES = 187
WINDOW = 10.0  # s that are scaled together
REACH = 1.2  # median intervals that a beat lasts
SATURATED = 0.040  # s at the very top or bottom of the recording
FLAT = 1e-6  # share of the window's range that a beat must exceed


@dataclass(frozen=True)
class Heartbeats:
    """Beats of one recording.

    Attributes:
        beats: (k, 187) float32 in 0..1, from each beat's R peak on, zeros after its end.
        peaks: Which of the given peaks each beat begins at, (k,).
        skipped: Position of a peak that gave no beat -> why.
    """

    beats: NDArray[np.float32]
    peaks: NDArray[np.int64]
    skipped: dict[int, str]


def cut_heartbeats(ecg: ArrayLike, sampling_rate: float, peaks: ArrayLike) -> Heartbeats:
    """Cut an ECG into single beats at 125 Hz.

    The ECG is taken in windows of 10 s, each scaled to 0..1 by its own minimum and maximum. T is the median of the
    intervals that begin in a window, and of the whole recording where none does. From each R peak, 1.2·T are taken,
    1.496 s at most, and padded with zeros to 187 samples; what runs on into the next window keeps its own window's
    scale, clipped to 0..1. The last beat has no interval and is left out: with that, the 109,494 annotated beats of the
    MIT-BIH Arrhythmia Database become the 109,446 of the published files, class by class.

    Args:
        ecg: One lead, (n,), any unit; NaN where the recording has gaps.
        sampling_rate: In Hz.
        peaks: Sample indices of its R peaks, (m,), ascending.

    Returns:
        The beats. Left out are the last one and those on a flat line, in a gap or in 40 ms or more of saturation.

    Raises:
        ValueError: If shapes are wrong, a peak lies outside the ECG, or peaks do not ascend.

    Source: M. Kachuee, S. Fazeli, M. Sarrafzadeh, "ECG heartbeat classification: a deep transferable representation",
    IEEE ICHI 2018, section III-A.
    """
    signal, at = np.asarray(ecg, np.float64), np.asarray(peaks, np.int64)
    if signal.ndim != 1 or at.ndim != 1 or (np.diff(at) <= 0).any():
        raise ValueError(f"ecg must be (n,) and peaks (m,) ascending, got {signal.shape} and {at.shape}")
    if at.size and not (at[0] >= 0 and at[-1] < signal.size):
        raise ValueError(f"peaks reach from {at[0]} to {at[-1]}, the ECG has samples 0 to {signal.size - 1}")
    if at.size < 2:
        skipped = dict.fromkeys(range(at.size), LAST)
        return Heartbeats(np.empty((0, SAMPLES), np.float32), np.empty(0, np.int64), skipped)
    missing = ~np.isfinite(signal)
    resampled = _resample(signal, missing, sampling_rate)
    ratio = RATE / sampling_rate
    start = np.minimum(np.round(at[:-1] * ratio).astype(np.int64), resampled.size - 1)  # (k,)
    window = (start / (RATE * WINDOW)).astype(np.int64)
    length = _lengths(np.diff(at) / sampling_rate, window)
    index = start[:, None] + np.arange(SAMPLES)  # (k, 187)
    inside = (np.arange(SAMPLES) < length[:, None]) & (index < resampled.size)
    index = np.minimum(index, resampled.size - 1)
    low, high = _window_range(resampled)
    spread = (high - low)[window]  # (k,)
    values = resampled[index]
    with np.errstate(divide="ignore", invalid="ignore"):
        beats = np.clip((values - low[window, None]) / spread[:, None], 0, 1)
    cut: NDArray[np.float32] = np.where(inside, beats, 0).astype(np.float32)
    skipped = {at.size - 1: LAST}
    flat = np.where(inside, values, -np.inf).max(axis=1) - np.where(inside, values, np.inf).min(axis=1) <= FLAT * spread
    for reason, bad in (
        ("in a gap of the recording", _touches(missing, start, length, ratio)),
        ("in a saturated stretch", _touches(_saturated(signal, sampling_rate), start, length, ratio)),
        ("on a flat line", flat | (spread == 0)),
    ):
        skipped |= {int(k): reason for k in np.flatnonzero(bad) if int(k) not in skipped}
    kept = np.array([k for k in range(start.size) if k not in skipped], np.int64)
    return Heartbeats(cut[kept], kept, skipped)


LAST = "the last of its recording: no interval follows"


def _resample(signal: NDArray[np.float64], missing: NDArray[np.bool_], sampling_rate: float) -> NDArray[np.float64]:
    """To 125 Hz, (n,) -> (n',); gaps are bridged by lines, and no beat in them is kept."""
    if missing.any() and not missing.all():
        signal = signal.copy()
        signal[missing] = np.interp(np.flatnonzero(missing), np.flatnonzero(~missing), signal[~missing])
    elif missing.all():
        signal = np.zeros_like(signal)
    factor = Fraction(RATE / sampling_rate).limit_denominator(1000)
    return resample_poly(signal, factor.numerator, factor.denominator, padtype="line")


def _lengths(intervals: NDArray[np.float64], window: NDArray[np.int64]) -> NDArray[np.int64]:
    """Samples that each beat lasts, (k,), from the intervals, (k,) in s, that begin in its window."""
    of_window = np.full(window[-1] + 1, np.median(intervals))
    for number in np.unique(window):
        of_window[number] = np.median(intervals[window == number])
    return np.minimum(np.round(REACH * of_window[window] * RATE).astype(np.int64), SAMPLES)


def _window_range(resampled: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Minimum and maximum of each window of 10 s; the last one may be shorter."""
    starts = np.arange(0, resampled.size, round(RATE * WINDOW))
    return np.minimum.reduceat(resampled, starts), np.maximum.reduceat(resampled, starts)


def _saturated(signal: NDArray[np.float64], sampling_rate: float) -> NDArray[np.bool_]:
    """(n,): where the recording stays at its very top or bottom for 40 ms or more."""
    marks = np.zeros(signal.size, bool)
    if not np.isfinite(signal).any():
        return marks
    least = max(2, round(SATURATED * sampling_rate))
    for extreme in (np.nanmax(signal), np.nanmin(signal)):
        edges = np.flatnonzero(np.diff(np.r_[False, signal == extreme, False]))
        for first, end in edges.reshape(-1, 2):
            marks[first:end] = end - first >= least
    return marks


def _touches(
    marks: NDArray[np.bool_], start: NDArray[np.int64], length: NDArray[np.int64], ratio: float
) -> NDArray[np.bool_]:
    """(k,): whether a beat, given at 125 Hz, meets a marked sample of the recording."""
    before = np.concatenate([[0], np.cumsum(marks)])
    first = np.minimum((start / ratio).astype(np.int64), marks.size)
    end = np.minimum(np.ceil((start + length) / ratio).astype(np.int64), marks.size)
    return before[end] > before[first]
