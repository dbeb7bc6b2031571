"""What an assessment of a recording says, and what it rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from painlit.report.traces import Trace

COLUMNS = (
    "start", "end", "score", "prediction", "uncertainty", "spread", "used", "reason",
    "face_found", "faces", "ecg_quality", "heart_rate",
)  # fmt: skip
"""Columns of the table, beside a probability for each class, `p_<class>`, which stand after `end`."""


class FacePicture(NamedTuple):
    """The face that was assessed, to look at."""

    time: float
    """s on the video's clock."""
    pixels: np.ndarray
    """(S, S, 3) uint8 RGB, as cropped for the model."""
    peak: bool
    """Whether it is of a window with one of the highest scores, rather than of a regular time."""


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
    """Heart rate of each whole second for which one can be told; `time` is where the second begins."""


@dataclass(frozen=True)
class Assessment:
    """Scores of a recording over time.

    Attributes:
        table: A row for each window, in order of time. start, end (s on the video's clock); `p_<class>` (probability
            of each class; NaN where there is no score); score (the expected class over the highest, 0 to 1: with two
            classes the probability of the second); prediction (name of the likeliest class, empty without a score);
            uncertainty (entropy of the probabilities over its greatest value, 0 to 1); spread (standard deviation of
            the score over the models of an ensemble; NaN of a single model); used (`video+heart_rate`, `video`,
            `heart_rate`, or empty); reason (why not all that the recording has was used, or why there is no score);
            face_found (share of frames); faces (the most seen in a frame); ecg_quality (0 to 1, NaN where a device
            told the rates); heart_rate (mean over the window, bpm).
        evidence: What they rest on.
        about: Plain values. recording (its name), video, ecg, heart_rate (paths or null), seconds (its length),
            classes, window (its seconds), step, task, is_pain (false where the model learnt from a stand-in), expected
            (of each part-model, `used` -> what bundle.json says under expected), temperature (`used` -> value or null),
            bundle (path, sha256), notes (sentences about the recording), seconds_taken (step -> s), version.
    """

    table: pd.DataFrame
    evidence: Evidence
    about: Mapping[str, Any]

    @property
    def classes(self) -> list[str]:
        """Names of the classes, in order."""
        return list(self.about["classes"])
