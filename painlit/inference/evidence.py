"""What the scores of a recording rest on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np
import pandas as pd

from painlit.report.traces import Trace


class FacePicture(NamedTuple):
    """The face that was assessed, to look at."""

    time: float
    """s on the video's clock."""
    pixels: np.ndarray
    """(S, S, 3) uint8 RGB, as cropped for the model."""
    peak: bool
    """Whether it is of a window with one of the highest scores, rather than of a regular time."""
    map: np.ndarray | None = None
    """(S, S) in 0..1: evidence for the last class; None if no map was requested, or no model reads whole faces."""


@dataclass(frozen=True)
class Evidence:
    """What the scores rest on. Times are in s on the video's clock."""

    frames: pd.DataFrame
    """A row for each frame that was looked at: time, found (bool), faces (how many)."""
    pictures: tuple[FacePicture, ...] = ()
    """In order of time, at most some dozens however long the recording is."""
    ecg: Trace | None = None
    """The whole ECG and its R peaks; None without one."""
    ecg_start: float = 0.0
    """Time of its first sample."""
    heart_rates: pd.DataFrame = field(default_factory=lambda: pd.DataFrame({"time": [], "bpm": []}))
    """Heart rate of each whole second that has one; `time` is where the second begins."""


class Assessed(Protocol):
    """What is drawn and written: see `Assessment`."""

    @property
    def table(self) -> pd.DataFrame:
        """A row for each window."""

    @property
    def evidence(self) -> Evidence:
        """What they rest on."""

    @property
    def about(self) -> Mapping[str, Any]:
        """Plain values."""

    @property
    def classes(self) -> list[str]:
        """Names of the classes, in order."""
