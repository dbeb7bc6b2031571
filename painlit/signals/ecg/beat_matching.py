"""How well detected beats agree with annotated ones."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike


class BeatMatch(NamedTuple):
    """Counts of one comparison; counts of several recordings add up field by field.

    Attributes:
        true_positive: Pairs of a detected and an annotated beat.
        false_positive: Detected beats without an annotated one.
        false_negative: Annotated beats without a detected one.
    """

    true_positive: int
    false_positive: int
    false_negative: int

    @property
    def sensitivity(self) -> float:
        """Share of annotated beats that were detected, 0 to 1; NaN without any."""
        return _ratio(self.true_positive, self.true_positive + self.false_negative)

    @property
    def positive_predictivity(self) -> float:
        """Share of detected beats that are annotated, 0 to 1; NaN without any."""
        return _ratio(self.true_positive, self.true_positive + self.false_positive)

    @property
    def detection_error(self) -> float:
        """(False positives + false negatives) per annotated beat, 0 or more; NaN without any."""
        return _ratio(self.false_positive + self.false_negative, self.true_positive + self.false_negative)


def match_beats(detected: ArrayLike, reference: ArrayLike, tolerance: float) -> BeatMatch:
    """Pair detected with annotated beats, one to one, as many as possible.

    Walks both in time: with one tolerance for all, pairing the earliest two that fit never costs a later pair, so this
    is the optimum, in O(n).

    Args:
        detected: Ascending times or sample indices, (k,).
        reference: The annotated ones, ascending, in the same unit, (m,).
        tolerance: The largest distance of a pair, included, in the same unit; AAMI EC57 takes 150 ms.

    Raises:
        ValueError: If either does not ascend or `tolerance` is negative.

    >>> match_beats([10, 52, 90], [12, 50, 70, 150], tolerance=5)
    BeatMatch(true_positive=2, false_positive=1, false_negative=2)
    """
    found, true = (np.asarray(beats, dtype=np.float64) for beats in (detected, reference))
    for name, beats in (("detected", found), ("reference", true)):
        if beats.ndim != 1 or (np.diff(beats) < 0).any():
            raise ValueError(f"{name} must be (k,) ascending times, got shape {beats.shape}")
    if tolerance < 0:
        raise ValueError(f"tolerance must not be negative, got {tolerance}")
    pairs = i = j = 0
    founds, trues = found.tolist(), true.tolist()  # plain floats: numpy scalars are ten times slower in a loop
    while i < len(founds) and j < len(trues):
        if abs(founds[i] - trues[j]) <= tolerance:
            pairs, i, j = pairs + 1, i + 1, j + 1
        elif founds[i] < trues[j]:
            i += 1
        else:
            j += 1
    return BeatMatch(pairs, len(founds) - pairs, len(trues) - pairs)


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")
