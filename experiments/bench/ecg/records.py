"""Annotated ECGs: the records of the MIT-BIH Arrhythmia Database."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from data_modules.heartbeats.wfdb_records import read_annotation, read_lead, record_names

BEAT_SYMBOLS = list("NLRBAaJSVrFejnE/fQ?")


class Record(NamedTuple):
    """One ECG with its annotation.

    Attributes:
        name: Of the record, such as "100".
        ecg: First channel in mV, (n,).
        rate: In Hz.
        beats: Sample indices of annotated beats, (k,).
        flutter: First and last sample of each episode of ventricular flutter, in which beats are not annotated, (e, 2).
    """

    name: str
    ecg: NDArray[np.float64]
    rate: float
    beats: NDArray[np.int64]
    flutter: NDArray[np.int64]


def load_record(path: Path, channel: int = 0) -> Record:
    """Read a WFDB record and its `atr` annotation; `path` has no suffix."""
    ecg, rate = read_lead(path, channel)
    at, marks = read_annotation(path, rate)
    symbols = np.array(marks)
    flutter = np.stack([at[symbols == "["], at[symbols == "]"]], axis=1)
    return Record(path.name, ecg, rate, at[np.isin(symbols, BEAT_SYMBOLS)], flutter)


def load_records(folder: Path) -> list[Record]:
    """Read every record of a folder.

    Raises:
        PainlitError: If there is none.
    """
    return [load_record(folder / name) for name in record_names(folder, "*")]


def first_minutes(record: Record, minutes: float) -> Record:
    """The beginning of a record."""
    end = min(record.ecg.size, round(60 * minutes * record.rate))
    flutter = np.minimum(record.flutter[record.flutter[:, 0] < end], end - 1)
    return Record(record.name, record.ecg[:end], record.rate, record.beats[record.beats < end], flutter)
