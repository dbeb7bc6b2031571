"""ECG in, QRS candidates out: the filter bank of Pan and Tompkins (1985) in two bands, and the features of each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import maximum_filter1d, median_filter, percentile_filter, uniform_filter1d
from scipy.signal import butter, find_peaks, sosfiltfilt

from painlit.errors import ClipError

Array = NDArray[np.float64]

MIN_SECONDS = 1.0  # less cannot hold two beats at a resting rate
MIN_RATE, MAX_RATE = 60.0, 10_000.0  # Hz
REFRACTORY = 0.200  # s, in which the heart cannot beat twice

QRS = (5.0, 18.0, 0.150)  # Hz, Hz and s of integration: where QRS energy stands out from P and T waves, wander and hum
SHARP = (20.0, 40.0, 0.100)  # where it stands out from movement and from all that is as tall but smoother
SLOW = (1.0, 6.0, 0.250)  # where it does not: T waves and movement

NEAR = 0.050  # s by which a band's maximum may lie beside the candidate
ABOUT = 0.075  # s from a candidate within which its height and slope are read
BLOCK, LEVEL = 1.5, 8.0  # s that hold a beat unless the pulse is below 40; s over which their maxima make a level
STEP = 0.25  # s between the samples of a level
QUIET, QUIET_OVER, QUIET_STEP = 20, 2.0, 0.05  # percentile of energy that lies between beats, over s, every s
CLOSE, WIDE, AROUND = 0.4, 0.7, 1.2  # s within which a stronger candidate is looked for
MOST, MOST_OF_ALL = 3.0, 8.0  # log ratio to it, and any other, beyond which more says no more
SHAPE_BAND = (2.0, 30.0)  # Hz in which shapes are compared
SHAPE, SHAPE_RATE, LAGS = 10, 100, 3  # samples on either side and per s; by how many shapes may be shifted
LIKE, ALIKE = 14, (3, 6)  # candidates on either side to compare with; the 3rd and 6th likest count

FEATURES = (
    "energy", "energy of QRS", "energy of sharp", "energy of slow", "height", "slope",
    "energy over close before", "slope over close before", "energy over close after", "slope over close after",
    "energy over wide before", "slope over wide before", "energy over wide after", "slope over wide after",
    "energy over all around", "energy over quiet", "level over quiet", "3rd likest", "6th likest",
)  # fmt: skip
"""Logarithms of ratios, but the last two, which are correlations: of no unit, so neither gain nor polarity matters."""


@dataclass(frozen=True)
class Candidates:
    """Local maxima of QRS energy, at least one refractory period apart, in order of time.

    Attributes:
        at: Sample index of each, (k,).
        features: Features that separate beats from other candidates, (k, len(FEATURES)).
    """

    at: NDArray[np.int64]
    features: Array


def check_ecg(ecg: ArrayLike, sampling_rate: float) -> Array:
    """Return the ECG as float64, (n,), or raise if no heartbeat can be found in it.

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


def bandpass(signal: Array, sampling_rate: float, low: float, high: float) -> Array:
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
def _sections(low: float, high: float, sampling_rate: float) -> Array:
    """Of `bandpass`: designing it takes longer than filtering a clip."""
    return butter(2, [low, min(high, 0.45 * sampling_rate)], "bandpass", fs=sampling_rate, output="sos")


def qrs_candidates(signal: Array, sampling_rate: float) -> Candidates:
    """Where a beat could be, and what speaks for each.

    Energy is, as in Pan and Tompkins, the moving average of the squared slope after a band-pass filter; of its root,
    which makes everything linear in amplitude. The candidates are the maxima of the geometric mean of that in the band
    of QRS complexes and in a sharper one: what is tall and smooth (T waves, movement) has little of the latter, what
    is sharp alone (muscle) little of the former, and the mean of both, unlike a sum, needs no weights.

    Args:
        signal: A checked ECG, (n,), any unit.
        sampling_rate: In Hz.
    """
    rate, tiny = sampling_rate, 1e-9 * float(np.ptp(signal))
    filtered, slope = _sloped(signal, rate, QRS)
    bands = [_energy(slope, rate, QRS[2]), *(_energy(_sloped(signal, rate, b)[1], rate, b[2]) for b in (SHARP, SLOW))]
    energy = np.sqrt((bands[0] + tiny) * (bands[1] + tiny))
    # A zero on either side lets a maximum at the very edge count: half a beat there is still a beat.
    at = find_peaks(np.pad(energy, 1), distance=max(1, round(REFRACTORY * rate)))[0] - 1

    levels, tops = [_level(energy, rate, at)], [energy[at]]
    for signals, reach in ((bands, NEAR), ((np.abs(filtered), np.abs(slope)), ABOUT)):
        for one in signals:
            levels.append(_level(one, rate, at))
            tops.append(maximum_filter1d(one, 2 * round(reach * rate) + 1)[at])
    over_level = [np.log((top + tiny) / (level + tiny)) for top, level in zip(tops, levels, strict=True)]

    strength, steepness, times = np.log(tops[0]), np.log(tops[-1] + tiny), at / rate
    over_others = []
    for within in (CLOSE, WIDE):
        for before, after in ((within, 0.0), (0.0, within)):
            over_others += [_over_others(values, times, before, after) for values in (strength, steepness)]
    over_all = np.minimum(_over_others(strength, times, AROUND, AROUND), 0)
    step = max(1, round(QUIET_STEP * rate))
    few = np.log(energy[::step])
    quiet = percentile_filter(few, QUIET, size=min(few.size | 1, round(QUIET_OVER / QUIET_STEP) + 1), mode="nearest")
    quiet = quiet[at // step]
    noise = [strength - quiet, np.log(levels[0]) - quiet]
    alike = _likest(bandpass(signal, rate, *SHAPE_BAND), rate, times, strength)
    features = np.stack([*over_level, *over_others, over_all, *noise, *alike], axis=1)
    return Candidates(at, np.clip(features, -MOST_OF_ALL, MOST_OF_ALL))


def _sloped(signal: Array, rate: float, band: tuple[float, float, float]) -> tuple[Array, Array]:
    filtered = bandpass(signal, rate, band[0], band[1])
    return filtered, np.gradient(filtered) * rate


def _energy(slope: Array, rate: float, integration: float) -> Array:
    window = round(integration * rate) | 1  # odd, so that it is centred
    return np.sqrt(np.maximum(uniform_filter1d(slope**2, window, mode="reflect"), 0))


def _level(values: Array, rate: float, at: NDArray[np.int64]) -> Array:
    """What a beat has around each candidate, (n,) and (k,) -> (k,): the median of the maxima of blocks that hold one.

    Whatever ectopics there are, the median is a typical one; and it follows when the gain falls or movement ends.
    """
    step = max(1, round(STEP * rate))
    few = np.maximum.reduceat(values, np.arange(0, values.size, step))
    tops = maximum_filter1d(few, round(BLOCK / STEP), mode="nearest")
    return median_filter(tops, size=min(few.size | 1, round(LEVEL / STEP) | 1), mode="nearest")[at // step]


def _over_others(values: Array, times: Array, before: float, after: float) -> Array:
    """How far each candidate is above the highest other one from `before` it to `after` it (s), (k,), up to `MOST`."""
    highest = np.full(values.size, -np.inf)
    for shift in range(1, int(max(before, after) / REFRACTORY) + 2):
        if shift >= values.size:
            break
        apart = times[shift:] - times[:-shift]
        left, right = highest[:-shift], highest[shift:]  # views
        np.maximum(left, np.where(apart <= after, values[shift:], -np.inf), out=left)
        np.maximum(right, np.where(apart <= before, values[:-shift], -np.inf), out=right)
    return np.clip(values - highest, -MOST, MOST)


def _likest(smooth: Array, rate: float, times: Array, strength: Array) -> list[Array]:
    """Correlation with the candidates around that are likest in shape and size, (k,) for each of `ALIKE`.

    Beats repeat; noise does not.
    """
    grid, k = np.arange(-SHAPE - LAGS, SHAPE + LAGS + 1) / SHAPE_RATE, times.size
    wide = np.interp((times[:, None] + grid).ravel(), np.arange(smooth.size) / rate, smooth).reshape(k, grid.size)
    shapes = np.lib.stride_tricks.sliding_window_view(wide, 2 * SHAPE + 1, axis=1)  # (k, lags, samples)
    shapes = shapes - shapes.mean(axis=2, keepdims=True)
    shapes = shapes / np.maximum(np.linalg.norm(shapes, axis=2, keepdims=True), 1e-12 * np.ptp(smooth))
    found = np.zeros((k, 2 * LIKE))
    for shift in range(1, min(LIKE, k - 1) + 1):
        alike = np.einsum("kls,ks->kl", shapes[shift:], shapes[:-shift, LAGS]).max(axis=1)
        alike *= np.exp(-np.abs(strength[shift:] - strength[:-shift]))
        found[:-shift, shift - 1], found[shift:, LIKE + shift - 1] = alike, alike
    found.sort(axis=1)
    return [found[:, -rank] for rank in ALIKE]
