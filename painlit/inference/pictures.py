"""Faces to look at: at regular times and at the highest scores, a bounded number of them."""

from __future__ import annotations

import math

import numpy as np

from painlit.inference.assessment import FacePicture

_REGULAR = 32  # from this many on every other one is dropped
_PEAKS = 6


class Pictures:
    """Collects faces while windows go by.

    Args:
        apart: Least time between two peaks, in s.
    """

    def __init__(self, apart: float):
        self.apart = apart
        self._every, self._seen = 1, 0
        self._regular: list[FacePicture] = []
        self._peaks: list[tuple[float, FacePicture]] = []

    def add(self, time: float, pixels: np.ndarray, score: float) -> None:
        """Offer the face of a window, with its score, NaN without one."""
        if self._seen % self._every == 0:
            self._regular.append(FacePicture(time, pixels, peak=False))
            if len(self._regular) == 2 * _REGULAR:
                self._regular = self._regular[::2]
                self._every *= 2
        self._seen += 1
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
        regular = {picture.time: picture for picture in self._regular}
        return tuple(picture for _, picture in sorted({**regular, **peaks}.items()))
