"""Stretches of a real ECG with their heart rates, and which of them belongs to a class."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from scipy.signal import resample_poly

from data_modules.heartbeats.mitbih import OTHER_BEATS, SYMBOLS
from data_modules.heartbeats.wfdb_records import read_annotation, read_lead
from painlit.config import ClipConfig
from painlit.errors import PainlitError

LEAST_BEATS = 4
"""Of a stretch, so that it has a heart rate."""
_BEATS = OTHER_BEATS.union(*SYMBOLS.values())


@dataclass
class Heart:
    """The stretches of one record, each used once."""

    stretches: np.ndarray
    """(n, samples) in mV."""
    bpm: np.ndarray
    """(n,) from the annotated beats."""
    used: set[int] = field(default_factory=set)

    def take(self, share: float) -> tuple[np.ndarray, float]:
        """The unused stretch whose heart rate is nearest to being faster than this share of the others, and its bpm.

        Of stretches with the same rate the earlier comes first, whatever a processor's sorting does with equals.
        """
        rank = self.bpm.argsort(kind="stable").argsort() / max(1, len(self.bpm) - 1)
        nearest = np.abs(rank - share).argsort(kind="stable")
        chosen = next(int(k) for k in nearest if int(k) not in self.used)
        self.used.add(chosen)
        return self.stretches[chosen], float(self.bpm[chosen])


def read_heart(record: Path, clip: ClipConfig, wanted: int) -> Heart:
    """The first lead of a record in stretches of a clip's length and rate.

    Args:
        record: Path without suffix.
        clip: Length and sampling rate.
        wanted: How many stretches will be taken.

    Raises:
        PainlitError: A file of the record is missing or damaged, or it has fewer stretches with `LEAST_BEATS` beats.
    """
    ecg, rate = read_lead(record, 0)
    at, symbols = read_annotation(record)
    beats = at[[symbol in _BEATS for symbol in symbols]] * clip.ecg_hz / rate
    signal = resample_poly(ecg, round(clip.ecg_hz * 10), round(rate * 10))
    stretches, bpm = [], []
    for start in range(0, len(signal) - clip.ecg_samples, clip.ecg_samples):
        inside = beats[(beats >= start) & (beats < start + clip.ecg_samples)]
        if len(inside) >= LEAST_BEATS:
            stretches.append(signal[start : start + clip.ecg_samples])
            bpm.append(60 * clip.ecg_hz / np.diff(inside).mean())
    if len(bpm) < wanted:
        raise PainlitError(
            f"{record} has {len(bpm)} stretches of {clip.seconds:g} s with {LEAST_BEATS} beats, and {wanted} clips are "
            "to be made",
            "fetch the record again, or set proxy.clips_per_class lower",
        )
    return Heart(np.array(stretches), np.array(bpm))
