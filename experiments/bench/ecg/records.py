"""Annotated ECGs: the MIT-BIH Arrhythmia Database, 10 s of a wearable challenge, noise added to ECGs in the field."""

import json
from pathlib import Path
from typing import Any, NamedTuple

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
        scored: First and last sample within which beats count; None for all.
    """

    name: str
    ecg: NDArray[np.float64]
    rate: float
    beats: NDArray[np.int64]
    flutter: NDArray[np.int64]
    scored: tuple[int, int] | None = None


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


NO_FLUTTER = np.zeros((0, 2), np.int64)


def load_challenge(folder: Path) -> list[Record]:
    """Records of the China Physiological Signal Challenge 2019, 10 s each, half a second at either end not scored."""
    ecgs, annotation = np.load(folder / "cpsc2019_ecg.npy"), _json(folder / "cpsc2019_r_peaks.json")
    rate, scored = float(annotation["rate_hz"]), tuple(annotation["scored_samples"])
    return [
        Record(name, ecg.astype(np.float64), rate, np.array(annotation["r_peaks"][name]), NO_FLUTTER, scored)
        for name, ecg in zip(annotation["names"], ecgs, strict=True)
    ]


def load_noise_stress(folder: Path, name: str) -> Record:
    """Two minutes of the MIT-BIH Noise Stress Test Database: noise of moving electrodes added to record 118."""
    annotation = _json(folder / f"nstdb_{name}.json")
    ecg = np.load(folder / f"nstdb_{name}.npy").astype(np.float64)
    return Record(name, ecg, float(annotation["rate_hz"]), np.array(annotation["r_peaks"]), NO_FLUTTER)


def _json(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


def halves(records: list[Record]) -> tuple[list[Record], list[Record]]:
    """Every other record, which our detector has learned from, and the others."""
    return records[::2], records[1::2]


def first_minutes(record: Record, minutes: float) -> Record:
    """The beginning of a record."""
    end = min(record.ecg.size, round(60 * minutes * record.rate))
    flutter = np.minimum(record.flutter[record.flutter[:, 0] < end], end - 1)
    return Record(record.name, record.ecg[:end], record.rate, record.beats[record.beats < end], flutter)
