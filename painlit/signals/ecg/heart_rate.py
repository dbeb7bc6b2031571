"""Heart rate of each whole second of an ECG (eq. 1-2)."""

from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from painlit.errors import ClipError
from painlit.signals.ecg.pan_tompkins import pan_tompkins

Rule = Literal["overlap", "paper"]


def heart_rate(ecg: ArrayLike, sampling_rate: float, rule: Rule = "overlap") -> NDArray[np.float64]:
    """Heart rate of each whole second of a clip; a last part of a second has none, so 5.5 s give 5 values.

    R peaks are found once on the whole clip, the part after its last whole second included.

    Args:
        ecg: One lead, (n,), any unit, at least 1 s.
        sampling_rate: In Hz.
        rule: How beat intervals become one rate per second; see `heart_rate_from_peaks`.

    Returns:
        Heart rates in bpm, (whole seconds,).

    Raises:
        ValueError: If `ecg` is not one-dimensional, or the rate or rule is not a possible one.
        ClipError: If the ECG is unusable (`pan_tompkins`), or has fewer than two R peaks.

    Source: eq. 1-2, sections 3.1.2 and 3.2.2 of the paper.
    """
    peaks = pan_tompkins(ecg, sampling_rate)
    # A hair more than the exact quotient: 3.0 s at 333.3 Hz are three seconds, whatever the rounding.
    seconds = int(np.size(ecg) / sampling_rate + 1e-9)
    return heart_rate_from_peaks(peaks, sampling_rate, seconds, rule)


def heart_rate_from_peaks(
    peaks: ArrayLike, sampling_rate: float, seconds: int, rule: Rule = "overlap"
) -> NDArray[np.float64]:
    """Heart rate of each second from R peaks.

    Both rules average inter-beat intervals, never rates, and then take 60 over that average, as eq. 1-2 do.

    - `overlap`: a second's interval is the mean of the intervals that cover it, each weighted by the time for which it
      does. Before the first peak its interval goes on backwards, and after the last peak the last one goes on forwards.
    - `paper`: a second's interval is the plain mean of those that begin and end within it. A second without one, as any
      is below 60 bpm, takes the mean of the rates of the nearest second with one before it and the nearest after it,
      however far they are; at the edges, where there is one on one side only, that one. If no second has one, each
      takes the mean of all intervals of the clip: section 3.2.2 wants as many rates as seconds of every recording.

    Args:
        peaks: Sample indices of the R peaks, (k,), ascending; fractions are allowed.
        sampling_rate: In Hz.
        seconds: How many whole seconds to give a rate.
        rule: "overlap" or "paper".

    Returns:
        Heart rates in bpm, (seconds,).

    Raises:
        ValueError: If peaks do not ascend, `seconds` is below 1, or `rule` is unknown.
        ClipError: If there are fewer than two peaks.

    >>> heart_rate_from_peaks([100, 600, 1100, 2100], sampling_rate=1000, seconds=2)
    array([120.        ,  63.15789474])
    """
    if rule not in get_args(Rule):
        raise ValueError(f"rule must be one of {', '.join(get_args(Rule))}, got {rule!r}")
    if seconds < 1:
        raise ValueError(f"seconds must be at least 1, got {seconds}")
    times = np.asarray(peaks, dtype=np.float64) / sampling_rate  # (k,) s
    if times.ndim != 1 or (np.diff(times) <= 0).any():
        raise ValueError(f"peaks must be (k,) ascending sample indices, got shape {times.shape}")
    if times.size < 2:
        raise ClipError(
            f"ECG of {seconds} whole seconds has {times.size} R peaks; a heart rate needs two",
            "leave the clip out, or check its electrode contact and sampling rate",
        )
    return _overlap(times, seconds) if rule == "overlap" else _paper(times, seconds)


def rates_by_overlap(
    starts: NDArray[np.float64], ends: NDArray[np.float64], intervals: NDArray[np.float64], seconds: int
) -> NDArray[np.float64]:
    """Heart rate of each second: 60 over the mean interval, each weighted by the time for which its span covers it.

    Args:
        starts: Of the spans for which the intervals hold, (n,) s.
        ends: (n,) s.
        intervals: Inter-beat intervals, (n,) s.
        seconds: How many whole seconds from 0 on; each is covered in part at least.

    Returns:
        Heart rates in bpm, (seconds,).
    """
    second = np.arange(seconds)[:, None]
    weights = np.clip(np.minimum(ends, second + 1) - np.maximum(starts, second), 0, None)  # (seconds, n)
    return 60 / (weights @ intervals / weights.sum(axis=1))


def _overlap(times: NDArray[np.float64], seconds: int) -> NDArray[np.float64]:
    starts, ends = times[:-1].copy(), times[1:].copy()
    starts[0], ends[-1] = min(starts[0], 0), max(ends[-1], seconds)
    return rates_by_overlap(starts, ends, np.diff(times), seconds)


def _paper(times: NDArray[np.float64], seconds: int) -> NDArray[np.float64]:
    second = np.arange(seconds)[:, None]
    inside = (times[:-1] >= second) & (times[1:] < second + 1)  # (seconds, intervals)
    count = inside.sum(axis=1)
    filled = np.flatnonzero(count)
    if not filled.size:
        return np.full(seconds, 60 / np.diff(times).mean())
    rates = 60 * count[filled] / (inside[filled] @ np.diff(times))  # (filled,)
    before = np.searchsorted(filled, np.arange(seconds), side="right") - 1  # itself where it is filled
    after = np.searchsorted(filled, np.arange(seconds), side="left")
    return (rates[np.maximum(before, 0)] + rates[np.minimum(after, filled.size - 1)]) / 2
