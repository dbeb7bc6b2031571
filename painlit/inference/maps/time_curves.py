"""When in a clip scores are found, over all clips of a class: are they at the end, as section 4.6 reports?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from painlit.loso.metrics import interval

_DRAWS = 1000


@dataclass(frozen=True)
class TimeCurve:
    """Of a class: the share of a map that lies at each time, mean over subjects and, of each, over clips."""

    name: str
    mean: np.ndarray
    """(T,) summing to 1."""
    low: np.ndarray
    """(T,) lower end of the 95 % interval over subjects."""
    high: np.ndarray
    """(T,) its upper end."""
    last_third: tuple[float, float, float]
    """Share of the map in the last third of the clip, which is a third if no time is before another, and its 95 %
    interval over subjects."""
    clips: int


def time_curves(
    shares: np.ndarray, labels: np.ndarray, subjects: np.ndarray, classes: tuple[str, ...]
) -> list[TimeCurve]:
    """The curve of each class that has clips.

    Args:
        shares: (n, T) maps over time, each summing to 1; rows of NaN, where nothing speaks for the score, are left out.
        labels: (n,) in the order of `classes`.
        subjects: (n,).
        classes: Their names.
    """
    there, curves = np.isfinite(shares).all(1), []
    for label, name in enumerate(classes):
        chosen = there & (labels == label)
        people = sorted({*subjects[chosen].tolist()})
        if not people:
            continue
        means = np.stack([shares[chosen & (subjects == person)].mean(0) for person in people])  # (people, T)
        draws = np.random.default_rng(0).integers(len(people), size=(_DRAWS, len(people)))
        drawn = means[draws].mean(1)  # (draws, T)
        ends = np.array([interval(column, len(people)) for column in drawn.T])  # (T, 2)
        weights = _last_third(shares.shape[1])
        third = interval(drawn @ weights, len(people))
        curve = means.mean(0)
        share = (float(curve @ weights), *third)
        curves.append(TimeCurve(name, curve, ends[:, 0], ends[:, 1], share, int(chosen.sum())))
    return curves


def as_shares(maps: np.ndarray) -> np.ndarray:
    """Maps over time, (n, T), each over its sum; NaN where it is 0."""
    total = maps.sum(1, keepdims=True)
    return np.divide(maps, total, out=np.full_like(maps, np.nan), where=total > 0)


def _last_third(times: int) -> np.ndarray:
    """(T,) how much of each of so many equal stretches lies in the last third."""
    begin = np.arange(times) / times
    return np.clip((begin + 1 / times - 2 / 3) * times, 0, 1)
