"""Faces to look at: at regular times and at the highest scores, a bounded number of them."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from painlit.inference.assessment import FacePicture
from painlit.system.even_sample import EvenSample

_REGULAR = 32  # at least, of a long recording, and less than twice as many
_PEAKS = 6


class _Kept(NamedTuple):
    picture: FacePicture
    window: Any


class Pictures:
    """Collects faces from windows, one at a time.

    Args:
        apart: Least time between two peaks, in s.
    """

    def __init__(self, apart: float):
        self.apart = apart
        self._regular = EvenSample[_Kept](_REGULAR)
        self._peaks: list[tuple[float, _Kept]] = []

    def add(self, time: float, pixels: np.ndarray, score: float, window: Any = None) -> None:
        """Offer the face of a window, with its score, NaN without one, and the inputs of its map."""
        self._regular.add(_Kept(FacePicture(time, pixels, peak=False), window))
        if math.isnan(score):
            return
        near = [peak for peak in self._peaks if abs(peak[1].picture.time - time) < self.apart]
        if all(score > other for other, _ in near):
            self._peaks = [peak for peak in self._peaks if abs(peak[1].picture.time - time) >= self.apart]
            self._peaks.append((score, _Kept(FacePicture(time, pixels, peak=True), window)))
            self._peaks = sorted(self._peaks, key=lambda peak: -peak[0])[:_PEAKS]

    def chosen(self) -> tuple[FacePicture, ...]:
        """In order of time; a peak stands for the regular picture of the same time."""
        return tuple(picture for picture, _ in self.with_windows())

    def with_windows(self) -> list[_Kept]:
        """The same, each with the inputs of its map."""
        peaks = {kept.picture.time: kept for _, kept in self._peaks}
        regular = {kept.picture.time: kept for kept in self._regular.kept}
        return [kept for _, kept in sorted({**regular, **peaks}.items())]
