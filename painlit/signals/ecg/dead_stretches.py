"""Stretches in which nothing was recorded, and the ECG without them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

FLAT = 0.200  # s without any change: shorter ones are the coarse steps of a converter


class Living(NamedTuple):
    """An ECG without its dead stretches.

    Attributes:
        signal: Joined without a jump, (k,): the jumps at their edges are as steep as beats, and a level estimated
            from their silence lets noise pass.
        at: Which samples of the ECG these are, (k,).
        joints: Where each stretch was, (m,): the first sample after it as an index of `signal`, k if there is none.
    """

    signal: NDArray[np.float64]
    at: NDArray[np.int64]
    joints: NDArray[np.int64]


def without_dead_stretches(signal: NDArray[np.float64], sampling_rate: float) -> Living:
    """Leave out the stretches that do not change.

    Args:
        signal: One lead, (n,).
        sampling_rate: In Hz.
    """
    kept, steps = np.ones(signal.size + 1, bool), np.diff(signal, prepend=signal[0], append=0)
    stretches = dead_stretches(signal, sampling_rate)
    for first, end in stretches:
        kept[first:end] = False
        steps[end] = 0
    kept, steps = kept[:-1], steps[:-1]
    before = np.concatenate([[0], np.cumsum(kept)])  # samples kept before each
    return Living(np.cumsum(steps[kept]), np.flatnonzero(kept), before[stretches[:, 0]])


def dead_stretches(signal: NDArray[np.float64], sampling_rate: float) -> NDArray[np.int64]:
    """First sample and the one past the last of each stretch that does not change for 0.2 s or more, (m, 2).

    Args:
        signal: One lead, (n,).
        sampling_rate: In Hz.
    """
    stretches = runs(np.diff(signal) == 0, FLAT * sampling_rate)
    stretches[:, 1] += 1
    return stretches


def runs(marks: NDArray[np.bool_], least: float) -> NDArray[np.int64]:
    """First index and the one past the last of each run of at least so many `marks`, (n,) -> (m, 2)."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], marks, [False]]))).reshape(-1, 2)
    return edges[edges[:, 1] - edges[:, 0] >= least]
