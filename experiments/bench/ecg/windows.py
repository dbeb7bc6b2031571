"""Heart rates of clips of 5.5 s cut from whole records, each clip on its own, against the annotated beats in it."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly

from experiments.bench.ecg.records import Record
from painlit.errors import ClipError
from painlit.signals.ecg.heart_rate import Rule, heart_rate_from_peaks

CLIP = 5.5  # s, a clip of BioVid
RATE = 512.0  # Hz, of BioVid
SECONDS = 5  # whole ones


class Window(NamedTuple):
    """A clip of a record.

    Attributes:
        record: Its name.
        ecg: In mV at 512 Hz, (2816,).
        beats: Annotated R peaks in it, (k,), samples at 512 Hz; a beat cut by the edge counts where its R peak is.
    """

    record: str
    ecg: NDArray[np.float64]
    beats: NDArray[np.float64]


def windows(record: Record, every: int = 1, step: float = CLIP) -> list[Window]:
    """Every n-th clip of a record; those that meet ventricular flutter, where no beats are annotated, are left out.

    Args:
        record: The record.
        every: n.
        step: s from one clip to the next.
    """
    ratio = RATE / record.rate
    up, down = (int(part) for part in (RATE, record.rate))
    ecg: NDArray[np.float64] = resample_poly(record.ecg, up, down)
    size, beats, flutter = round(CLIP * RATE), np.asarray(record.beats * ratio), record.flutter * ratio
    cut = []
    for start in range(0, ecg.size - size + 1, every * round(step * RATE)):
        if any(start <= last and first < start + size for first, last in flutter):
            continue
        inside = beats[(beats >= start) & (beats < start + size)] - start
        cut.append(Window(record.name, ecg[start : start + size], inside))
    return cut


def errors(
    peaks: list[NDArray[np.int64] | None], cut: list[Window], rule: Rule
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Mean absolute error of each clip's heart rates, bpm, (n,), NaN where there is none; and where truth has one.

    Args:
        peaks: Of each clip, samples at 512 Hz, or None.
        cut: The clips.
        rule: For the annotated and the detected beats alike.
    """
    wrong, known = np.full(len(cut), np.nan), np.zeros(len(cut), bool)
    for k, (found, window) in enumerate(zip(peaks, cut, strict=True)):
        try:
            truth = heart_rate_from_peaks(window.beats, RATE, SECONDS, rule)
        except ClipError:
            continue
        known[k] = True
        try:
            rates = heart_rate_from_peaks(np.unique(found) if found is not None else [], RATE, SECONDS, rule)
        except (ClipError, ValueError):
            continue
        wrong[k] = np.abs(rates - truth).mean()
    return wrong, known
