"""Faces to look at: at regular times and at the highest scores, a bounded number of them."""

from __future__ import annotations

import math

import numpy as np

from painlit.inference.assessment import FacePicture
from painlit.system.even_sample import EvenSample

_REGULAR = 32  # at least, of a long recording, and less than twice as many
_PEAKS = 6


class Pictures:
    """Collects faces while windows go by.

    Args:
        apart: Least time between two peaks, in s.
    """

    def __init__(self, apart: float):
        self.apart = apart
        self._regular = EvenSample[FacePicture](_REGULAR)
        self._peaks: list[tuple[float, FacePicture]] = []

    def add(self, time: float, pixels: np.ndarray, score: float) -> None:
        """Offer the face of a window, with its score, NaN without one."""
        self._regular.add(FacePicture(time, pixels, peak=False))
        if math.isnan(score):
            return
        near = [peak for peak in self._peaks if abs(peak[1].time - time) < self.apart]
        if all(score > other for other, _ in near):
            self._peaks = [peak for peak in self._peaks if abs(peak[1].time - time) >= self.apart]
            self._peaks.append((score, FacePicture(time, pixels, peak=True)))
            self._peaks = sorted(self._peaks, key=lambda peak: -peak[0])[:_PEAKS]

    def chosen(self) -> tuple[FacePicture, ...]:
        """In order of time; a peak stands for the regular picture of the same time."""
        peaks = {picture.time: picture for _, picture in self._peaks}
        regular = {picture.time: picture for picture in self._regular.kept}
        return tuple(picture for _, picture in sorted({**regular, **peaks}.items()))
