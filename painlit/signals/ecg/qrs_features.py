"""The filter bank of Pan and Tompkins (1985): ECG in, QRS candidates out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import uniform_filter1d
from scipy.signal import butter, find_peaks, sosfiltfilt

from painlit.errors import ClipError

MIN_SECONDS = 1.0  # less cannot hold two beats at a resting rate
MIN_RATE, MAX_RATE = 60.0, 10_000.0  # Hz
BAND = (5.0, 18.0)  # Hz: where QRS energy stands out from P and T waves, baseline wander and mains hum
INTEGRATION = 0.150  # s, about the width of a QRS complex
REFRACTORY = 0.200  # s, in which the heart cannot beat twice


@dataclass(frozen=True)
class Candidates:
    """Local maxima of the integrated signal, at least one refractory period apart, in order of time.

    Attributes:
        at: Sample index of each, (k,).
        energy: Root of the integrated squared slope there, (k,), in ECG units per second.
        height: Largest absolute band-passed ECG within the integration window, (k,), in ECG units.
        slope: Largest absolute slope of the band-passed ECG within that window, (k,), in ECG units per second.
    """

    at: NDArray[np.int64]
    energy: NDArray[np.float64]
    height: NDArray[np.float64]
    slope: NDArray[np.float64]


@dataclass(frozen=True)
class FilterBank:
    """The signals that the decisions read, each (n,).

    Attributes:
        bandpassed: ECG between 5 and 18 Hz, in ECG units.
        energy: Root of the moving average of its squared slope, in ECG units per second. Pan and Tompkins keep the
            square; its root makes thresholds linear in amplitude, so that one tall beat does not hide those after it.
        candidates: The local maxima of `energy`.
    """

    bandpassed: NDArray[np.float64]
    energy: NDArray[np.float64]
    candidates: Candidates

    def between(self, start: int, end: int) -> FilterBank:
        """Samples [start, end), with the candidates in them."""
        inside = slice(*np.searchsorted(self.candidates.at, [start, end]))
        c = self.candidates
        candidates = Candidates(c.at[inside] - start, c.energy[inside], c.height[inside], c.slope[inside])
        return FilterBank(self.bandpassed[start:end], self.energy[start:end], candidates)


def check_ecg(ecg: ArrayLike, sampling_rate: float) -> NDArray[np.float64]:
    """Return the ECG as float64, (n,), or say why no heart beat can be found in it.

    Args:
        ecg: One lead, (n,), any unit.
        sampling_rate: In Hz.

    Raises:
        ValueError: If `ecg` is not one-dimensional or `sampling_rate` is no usable rate (programming errors).
        ClipError: If samples are NaN or infinite, all equal, or fewer than one second of them.
    """
    signal = np.asarray(ecg, dtype=np.float64)
    if signal.ndim != 1:
        raise ValueError(f"ecg must be one lead of shape (n,), got {signal.shape}: pass one channel, such as ecg[:, 0]")
    if not MIN_RATE <= sampling_rate <= MAX_RATE:
        raise ValueError(f"sampling_rate must be {MIN_RATE:g} to {MAX_RATE:g} Hz, got {sampling_rate!r}")
    if signal.size < MIN_SECONDS * sampling_rate:
        raise ClipError(
            f"ECG is too short: {signal.size} samples are {signal.size / sampling_rate:.2f} s at {sampling_rate:g} Hz",
            f"pass at least {MIN_SECONDS:g} s, or check the sampling rate",
        )
    bad = np.flatnonzero(~np.isfinite(signal))
    if bad.size:
        raise ClipError(
            f"ECG has {bad.size} NaN or infinite samples of {signal.size}, the first at index {bad[0]}",
            "leave the clip out, or fill the gap before looking for beats",
        )
    if np.ptp(signal) <= 1e-9 * np.abs(signal).max():
        raise ClipError(
            f"ECG is flat: all {signal.size} samples are {signal[0]:g}",
            "check the electrode and that the right column was read",
        )
    return signal


def bandpass(signal: NDArray[np.float64], sampling_rate: float, low: float, high: float) -> NDArray[np.float64]:
    """Filter without delay or edge transients, (n,) -> (n,): second-order Butterworth, forwards and backwards.

    Odd padding continues the signal through its first and last sample, so beats next to the edges keep their height.

    Args:
        signal: Samples, (n,).
        sampling_rate: In Hz.
        low: Lower corner in Hz.
        high: Upper corner in Hz; lowered where the sampling rate does not reach it.
    """
    return sosfiltfilt(
        _sections(low, high, sampling_rate), signal, padtype="odd", padlen=min(signal.size - 1, round(sampling_rate))
    )


@lru_cache
def _sections(low: float, high: float, sampling_rate: float) -> NDArray[np.float64]:
    """Of `bandpass`: designing it takes longer than filtering a clip."""
    return butter(2, [low, min(high, 0.45 * sampling_rate)], "bandpass", fs=sampling_rate, output="sos")


def filter_bank(signal: NDArray[np.float64], sampling_rate: float) -> FilterBank:
    """Band-pass, differentiate, square and integrate an ECG, (n,), and find the maxima of the result.

    Args:
        signal: A checked ECG, (n,), any unit.
        sampling_rate: In Hz.
    """
    bandpassed = bandpass(signal, sampling_rate, *BAND)
    slope = np.gradient(bandpassed) * sampling_rate
    window = round(INTEGRATION * sampling_rate) | 1  # odd, so that it is centred
    energy = np.sqrt(np.maximum(uniform_filter1d(slope**2, window, mode="reflect"), 0))
    # A zero on either side lets a maximum at the very edge count: half a beat there is still a beat.
    at = find_peaks(np.pad(energy, 1), distance=max(1, round(REFRACTORY * sampling_rate)))[0] - 1
    around = np.clip(at[:, None] + np.arange(-(window // 2), window // 2 + 1), 0, signal.size - 1)  # (k, window)
    candidates = Candidates(
        at=at,
        energy=energy[at],
        height=np.abs(bandpassed[around]).max(axis=1),
        slope=np.abs(slope[around]).max(axis=1),
    )
    return FilterBank(bandpassed, energy, candidates)
