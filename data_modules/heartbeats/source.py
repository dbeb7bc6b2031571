"""What the collections of heartbeats have in common."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from painlit.errors import PainlitError
from painlit.signals.ecg.heartbeats import LAST, cut_heartbeats

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


def cut_record(
    root: Path,
    record: str,
    ecg: NDArray[np.float64],
    rate: float,
    peaks: NDArray[np.int64],
    labels: NDArray[np.int64],
    skipped: Mapping[str, list[str]],
) -> RecordBeats:
    """Beats at the R peaks of a record.

    Args:
        root: Of the collection.
        record: Its name.
        ecg: One lead, (n,).
        rate: In Hz.
        peaks: Samples of the R peaks, (m,).
        labels: Class of each peak's beat, (m,); -1 where it is not learnt.
        skipped: Why beats were left out before -> where.

    Raises:
        PainlitError: None of them can be used.
    """
    cut = cut_heartbeats(ecg, rate, peaks)
    why = defaultdict(list, skipped)
    for position, reason in cut.skipped.items():
        if reason != LAST:
            why[reason].append(f"{peaks[position] / rate:.2f} s")
    known = labels[cut.peaks] >= 0
    if not known.any():
        raise PainlitError(
            f"{root / record}: none of {len(peaks)} beats can be used"
            + "".join(f"; {len(where)} are {reason}" for reason, where in why.items()),
            f"leave the record out: ecg.leave_out=[{record}]",
        )
    return RecordBeats(cut.beats[known], labels[cut.peaks][known], dict(why))


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
        """What a record is read from; a missing one is reported by `read`."""

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
