"""When something is: the stretch of time that a window stands for, stretches without a score, the highest scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.signal import find_peaks

PROMINENCE = 0.1
"""By how much a score has to stand out to be a peak."""
LONG = 120.0
"""s from which on axes show times in minutes and seconds."""


class Stretch(NamedTuple):
    """A part of the recording without a score."""

    start: float
    end: float
    reason: str
    windows: int
    """Windows whose middle is in it."""


def clock(seconds: float) -> str:
    """A time as minutes and seconds, with hours where there are any.

    >>> clock(65), clock(12.54), clock(3725), clock(59.97), clock(-1.5)
    ('1:05', '0:12.5', '1:02:05', '1:00', '−0:01.5')
    """
    tenths = round(abs(seconds) * 10)
    minutes, tenths = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    rest = f"{tenths // 10:02d}" + (f".{tenths % 10}" if tenths % 10 else "")
    sign = "−" if seconds < 0 and (hours or minutes or tenths) else ""
    return sign + (f"{hours}:{minutes:02d}:{rest}" if hours else f"{minutes}:{rest}")


def span(start: float, end: float, length: float) -> str:
    """A stretch of a recording; of a long one in whole seconds.

    >>> span(70.2, 100.8, 300), span(0, 5.5, 6)
    ('1:10–1:41', '0:00–0:05.5')
    """
    return "–".join(clock(round(at) if length >= LONG else at) for at in (start, end))


def bounds(table: pd.DataFrame, about: Mapping[str, Any]) -> tuple[float, float]:
    """Where the assessed part of the recording begins and ends, with all of its windows."""
    begin = float(about.get("start") or 0)
    return min(begin, *table["start"][:1]), max(begin + float(about["seconds"]), *table["end"][-1:])


def middles(table: pd.DataFrame) -> np.ndarray:
    """(k,) The middle of each window, where its score is drawn."""
    return (table["start"].to_numpy(np.float64) + table["end"].to_numpy(np.float64)) / 2


def extents(table: pd.DataFrame, step: float) -> np.ndarray:
    """(k, 2) The stretch around the middle of each window that it stands for.

    It is as long as a step where windows overlap, and else the window: stretches of neighbours touch, at most.
    """
    half = (table["end"] - table["start"]).to_numpy(np.float64) / 2
    if step > 0 and len(table) > 1:
        half = np.minimum(half, step / 2)
    return middles(table)[:, None] + half[:, None] * np.array([-1.0, 1.0])


def without_score(table: pd.DataFrame, step: float) -> list[Stretch]:
    """Stretches without a score, in order of time; neighbours of the same reason are one."""
    found: list[Stretch] = []
    around = extents(table, step)
    last = -2  # no window
    for k in np.flatnonzero(table["score"].isna().to_numpy()):
        start, end, reason = float(around[k, 0]), float(around[k, 1]), str(table["reason"].iloc[k])
        if k == last + 1 and found[-1].reason == reason and start - found[-1].end < max(step, 1e-6):
            found[-1] = Stretch(found[-1].start, end, reason, found[-1].windows + 1)
        else:
            found.append(Stretch(start, end, reason, 1))
        last = int(k)
    return found


def highest(table: pd.DataFrame, most: int) -> list[int]:
    """Positions of the windows with the highest scores, the highest first.

    Each is a peak: the score falls by `PROMINENCE` on both sides of it, or ends, before it is higher. None overlaps
    another. The highest of all is always among them.
    """
    score, start, end = (table[name].to_numpy(np.float64) for name in ("score", "start", "end"))
    if not np.isfinite(score).any():
        return []
    known = np.flatnonzero(np.isfinite(score))
    low = score[known].min()  # before the beginning and after the end
    found, _ = find_peaks(np.r_[low, score[known], low], prominence=PROMINENCE)
    chosen: list[int] = []
    peaks = {int(np.nanargmax(score)), *(int(known[k - 1]) for k in found)}
    for k in sorted(peaks, key=lambda k: (-score[k], k)):
        if len(chosen) < most and all(end[k] <= start[other] or end[other] <= start[k] for other in chosen):
            chosen.append(k)
    return chosen


def nearest(table: pd.DataFrame, time: float) -> int:
    """Position of the window whose middle is nearest to a time."""
    return int(np.abs(middles(table) - time).argmin())


def ticks(begin: float, end: float, most: int = 10) -> tuple[list[float], list[str]]:
    """Round times from `begin` to `end` and their labels: as minutes and seconds if they come to `LONG`.

    >>> ticks(70, 300, 6)
    ([120.0, 180.0, 240.0, 300.0], ['2:00', '3:00', '4:00', '5:00'])
    """
    steps = (0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600)
    step = next((s for s in steps if (end - begin) / s <= most), 86400)
    values = [float(v) for v in np.arange(np.ceil(begin / step) * step, end + 1e-9, step)]
    return values, [clock(v) if end >= LONG else f"{v:g}" for v in values]


def apart(times: Sequence[float], first: Sequence[bool], gap: float) -> list[bool]:
    """Which of the times to show so that no two are nearer than `gap`; those marked `first` are preferred."""
    shown: list[int] = []
    for k in sorted(range(len(times)), key=lambda k: not first[k]):
        if all(abs(times[k] - times[other]) >= gap for other in shown):
            shown.append(k)
    return [k in shown for k in range(len(times))]
