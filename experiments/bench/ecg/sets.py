"""Sets of annotated ECGs to judge detectors and quality on, in halves where settings were chosen on one of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy.signal import resample_poly

from experiments.bench.ecg.noise import KINDS, with_noise
from experiments.bench.ecg.records import (
    NO_FLUTTER,
    Record,
    first_minutes,
    halves,
    load_challenge,
    load_noise_stress,
    load_records,
)
from experiments.bench.ecg.training_ecgs import movement

MINUTES = 3.0  # of each record with noise
SNR = 0  # dB
RATES = (128, 360, 1000)  # Hz, of synthetic ECGs
BPM = range(40, 191, 10)


def annotated_sets(mitdb: Path, hard: Path) -> dict[str, list[Record]]:
    """All of them by name; A is the half on which our detector learned and was set, B the other.

    Args:
        mitdb: Folder of the MIT-BIH Arrhythmia Database.
        hard: Folder with the records of the challenge and of the noise-stress database.
    """
    sets: dict[str, list[Record]] = {}
    for half, records, hardest in zip("AB", halves(load_records(mitdb)), halves(load_challenge(hard)), strict=True):
        sets[f"MIT-BIH {half}"] = records
        short = [first_minutes(record, MINUTES) for record in records]
        for kind in KINDS:
            sets[f"{kind} {SNR} dB {half}"] = [
                record._replace(ecg=with_noise(record.ecg, record.rate, kind, SNR, record.name)) for record in short
            ]
        sets[f"movement {half}"] = [_moved(record) for record in short]
        sets[f"CPSC 2019 {half}"] = hardest
    sets |= {name: [load_noise_stress(hard, name)] for name in ("118e24", "118e06")}
    return sets | {f"synthetic {rate} Hz": [synthetic(bpm, rate) for bpm in BPM] for rate in RATES}


def _moved(record: Record) -> Record:
    generator = np.random.default_rng(int(record.name))
    moved = movement(record.ecg.size, record.rate, generator) * 1.5 * record.ecg.std()
    return record._replace(ecg=record.ecg + moved)


def synthetic(bpm: float, rate: float, seconds: float = 60.0) -> Record:
    """A regular ECG: one Gaussian for each wave, the T wave earlier at fast rates, 10 µV of noise."""
    beats = np.arange(0.3, seconds - 0.3, 60 / bpm)
    time, shift = np.arange(round(seconds * rate)) / rate, min(1.0, np.sqrt(75 / bpm))
    ecg = 0.01 * np.random.default_rng(int(bpm)).normal(size=time.size)
    waves = ((-0.18 * shift, 0.022, 0.15), (-0.028, 0.008, -0.15), (0, 0.01, 1.2), (0.028, 0.009, -0.3))
    for delay, width, height in (*waves, (0.27 * shift, 0.045 * shift, 0.3)):
        for beat in beats:
            ecg += height * np.exp(-0.5 * ((time - beat - delay) / width) ** 2)
    return Record(f"{bpm} bpm", ecg, float(rate), np.round(beats * rate).astype(np.int64), NO_FLUTTER)


def at_rate(record: Record, rate: float) -> Record:
    """A record resampled."""
    ecg = resample_poly(record.ecg, round(rate), round(record.rate))
    beats, flutter = (np.round(x * rate / record.rate).astype(np.int64) for x in (record.beats, record.flutter))
    return record._replace(ecg=ecg, rate=float(rate), beats=beats, flutter=flutter)
