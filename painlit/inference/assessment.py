"""The assessment of a recording: its scores and their evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from painlit.inference.evidence import Evidence, FacePicture

if TYPE_CHECKING:
    import plotly.graph_objects as go

__all__ = ["COLUMNS", "Assessment", "Evidence", "FacePicture"]

COLUMNS = (
    "start", "end", "score", "prediction", "uncertainty", "spread", "used", "reason",
    "face_found", "faces", "ecg_quality", "heart_rate",
)  # fmt: skip
"""Columns of the table, beside a probability for each class, `p_<class>`, which stand after `end`."""


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
            measured the rates); heart_rate (mean over the window, bpm).
        evidence: What they rest on.
        about: Plain values. recording (its name), video, ecg, heart_rate (paths or null), seconds (its length), offset,
            start, rest (files and times of a recording at rest, or null), baseline (what the bundle subtracts: none,
            session or rest), classes, window (its seconds), step, task, is_pain (false where the model was trained on
            stand-in data), expected (part of the bundle -> what bundle.json says under expected), temperature (part ->
            value), bundle (path, sha256), notes (sentences about the recording), seconds_taken (step -> s), version.
    """

    table: pd.DataFrame
    evidence: Evidence
    about: Mapping[str, Any]

    @property
    def classes(self) -> list[str]:
        """Names of the classes, in order."""
        return list(self.about["classes"])

    def plot(self, faces: str = "blur") -> go.Figure:
        """The scores and what they rest on, over one axis of time.

        Args:
            faces: blur, show, or none. The pixels are blurred before they enter the figure.

        Raises:
            PainlitError: `faces` is something else.
        """
        from painlit.inference.pages.page import drawn  # plotly and the templates take a second to import

        return drawn(self, faces)

    def save(self, folder: str | Path, faces: str = "blur") -> Path:
        """Write `assessment.html`, `assessment.csv` and, when these are finished, `assessment.json`.

        Args:
            folder: Is made if it is missing; an existing assessment is replaced.
            faces: blur, show, or none. The pixels are blurred before they are written.

        Returns:
            The page.

        Raises:
            PainlitError: `faces` is something else, or the disk is full.
            OSError: The folder cannot be written.
        """
        from painlit.inference.pages.page import write

        return write(self, Path(folder), faces)
