"""What the collections of heartbeats have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

RANDOM_BEATS, INTER_PATIENT = "random_beats", "inter_patient"
"""Splits: beats at random, as published work does (a patient's beats fall on both sides), or patients."""


@dataclass(frozen=True)
class RecordBeats:
    """Beats of one record, or rows of one table.

    Attributes:
        beats: (k, 187) float32 in 0..1.
        labels: (k,) class of each.
        skipped: Why beats were left out -> where, as a user finds it: seconds or lines.
    """

    beats: NDArray[np.float32]
    labels: NDArray[np.int64]
    skipped: dict[str, list[str]]


class HeartbeatSource(Protocol):
    """A collection of labelled heartbeats in records."""

    name: str
    classes: tuple[str, ...]
    root: Path
    settings: dict[str, str]
    """What cutting depends on, besides the files."""

    def records(self) -> list[str]:
        """Names, in order.

        Raises:
            PainlitError: There is none.
        """

    def files(self, record: str) -> list[Path]:
        """What a record is read from; a missing one is for `read` to tell."""

    def read(self, record: str) -> RecordBeats:
        """Beats of a record.

        Raises:
            PainlitError: It cannot be read, or none of its beats can be used.
        """

    def left_out(self) -> dict[str, list[str]]:
        """Why records are not among those of `records` -> which."""

    def division(self, records: Sequence[str], split: str, share: float, seed: int) -> NDArray[np.int8] | None:
        """Of each record, whether it is for training (0), validation (1) or left out (-1); None: beats at random.

        Raises:
            PainlitError: The split cannot be made of these records.
        """
