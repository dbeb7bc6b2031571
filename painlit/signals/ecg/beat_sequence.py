"""Which candidates are beats, all decided together: the likeliest sequence."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from painlit.signals.ecg.qrs_features import Array

REFRACTORY = 0.240  # s between two beats: 250 bpm
RECENT = 9  # beat intervals around a candidate make its usual one
REGULAR = 0.08  # least spread of intervals about the usual one, of its logarithm
WEIGHT = 0.5  # of an interval against the evidence of a candidate
LEAST = 4.0  # log-odds that all beats must have together, or there are none
REACH = 24  # candidates back to which the beat before may be


def likeliest_beats(times: Array, log_odds: Array) -> NDArray[np.int64]:
    """The sequence of beats with the greatest sum of log-odds and of what its intervals are worth.

    An interval is worth the less, the more it differs from those around it, as a ratio, and the more regular those are:
    so noise between the beats of a regular rhythm is rejected, a beat that noise hides is found where it is due, and
    in atrial fibrillation each beat stands for itself. No interval is impossible but one below 0.24 s.

    Args:
        times: Of the candidates, (k,) s, ascending.
        log_odds: Of each being a beat, (k,).

    Returns:
        Indices of the beats among the candidates, ascending.
    """
    beats = _likeliest(times, log_odds, None)
    for _ in range(2):
        if beats.size < 4:
            break
        beats = _likeliest(times, log_odds, _usual(times, times[beats]))
    return beats if log_odds[beats].sum() > LEAST else beats[:0]


def _usual(times: Array, beats: Array) -> tuple[Array, Array]:
    """Logarithm of the usual interval about each candidate, and how it spreads, (k,) each."""
    intervals, middle = np.log(np.diff(beats)), (beats[1:] + beats[:-1]) / 2
    around = min(RECENT, intervals.size)
    first = np.clip(np.searchsorted(middle, times) - around // 2, 0, intervals.size - around)
    windows = np.lib.stride_tricks.sliding_window_view(intervals, around)
    usual = np.median(windows, axis=1)
    spread = np.median(np.abs(windows - usual[:, None]), axis=1)
    return usual[first], np.maximum(1.5 * spread[first], REGULAR)


def _likeliest(times: Array, log_odds: Array, usual: tuple[Array, Array] | None) -> NDArray[np.int64]:
    """Viterbi's algorithm."""
    earlier = np.arange(times.size)[:, None] + np.arange(-REACH, 0)  # (k, REACH)
    intervals = times[:, None] - times[np.maximum(earlier, 0)]
    possible = (earlier >= 0) & (intervals >= REFRACTORY)
    worth = np.where(possible, 0.0, -np.inf)
    if usual is not None:
        unusual = (np.log(intervals, where=possible, out=np.zeros_like(intervals)) - usual[0][:, None]) / usual[1][
            :, None
        ]
        worth += WEIGHT * (1 - np.log1p(unusual**2))
    best, before = np.full(REACH + times.size, -np.inf), np.full(times.size, -1)  # best: of sequences that end here
    for now in range(times.size):
        value = best[now : now + REACH] + worth[now]
        at = int(value.argmax())
        best[REACH + now] = log_odds[now]
        if value[at] > 0:  # else it is the first
            best[REACH + now] += value[at]
            before[now] = now - REACH + at
    beats, now = [], int(best.argmax()) - REACH if best.max() > 0 else -1
    while now >= 0:
        beats.append(now)
        now = int(before[now])
    return np.array(beats[::-1], np.int64)
