"""Beats found against beats annotated, after AAMI EC57: one to one, within 150 ms, all beats of each record.

Unlike EC57 the first five minutes count: a clip of 5.5 s has no time to learn. Ventricular flutter, in which single
beats are not annotated (2.4 min of record 207), is left out by default.
"""

import numpy as np
from numpy.typing import NDArray

from experiments.bench.ecg.records import Record
from painlit.signals.ecg.beat_matching import BeatMatch, match_beats

TOLERANCE = 0.150  # s


def score(peaks: NDArray[np.int64] | None, record: Record, flutter: bool = False) -> BeatMatch:
    """Compare R peaks of a whole record with its annotation; a detector that failed found none.

    Args:
        peaks: Ascending sample indices, (k,), or None.
        record: The record.
        flutter: Count what is found during flutter, all of it as false.
    """
    found = np.empty(0, np.int64) if peaks is None else peaks
    if not flutter:
        for first, last in record.flutter:
            found = found[(found < first) | (found > last)]
    beats = record.beats
    if record.scored:
        found, beats = (x[(x >= record.scored[0]) & (x <= record.scored[1])] for x in (found, beats))
    return match_beats(found, beats, TOLERANCE * record.rate)


def gross(matches: list[BeatMatch]) -> BeatMatch:
    """The summed counts of several records."""
    return BeatMatch(*(sum(column) for column in zip(*matches, strict=True)))
