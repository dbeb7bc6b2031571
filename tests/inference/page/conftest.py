"""An assessment as the engine leaves it: a face that is lost for a while, an ECG that is unreadable for another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest

from painlit.inference.assessment import Assessment, Evidence, FacePicture
from painlit.report.traces import Trace

WINDOW = 5.5
LOST, UNREADABLE = (70.0, 100.0), (180.0, 215.0)
"""s without a face, and without a readable ECG."""
NO_FACE = "face found in 12 % of the frames, fewer than 50 %"
NO_ECG = "the ECG is unreadable: heart rate was not used"


def make(
    seconds: float = 300.0,
    step: float = 1.0,
    classes: Sequence[str] = ("no pain", "moderate", "severe"),
    ecg: bool = True,
    spread: bool = True,
    rate: float = 512.0,
    face: Callable[[int], np.ndarray] | None = None,
    pictures: int = 24,
    **about: Any,
) -> Assessment:
    """Scores that rise and fall twice, of which some are missing."""
    generator = np.random.default_rng(0)
    start = np.arange(0, seconds - WINDOW + 1e-9, step)
    middle, top = start + WINDOW / 2, len(classes) - 1
    level = 0.12 + 0.75 * np.exp(-(((middle - 0.45 * seconds) / (0.06 * seconds)) ** 2))
    level = np.clip(level + 0.5 * np.exp(-(((middle - 0.85 * seconds) / (0.05 * seconds)) ** 2)), 0, 0.97)
    level = np.clip(level + 0.04 * np.cumsum(generator.normal(0, 0.25, len(start))) / 3, 0.02, 0.98)
    far = np.abs(np.arange(top + 1)[None] / max(top, 1) - level[:, None])
    p = np.exp(-((far / (0.35 if top > 1 else 0.6)) ** 2))
    p /= p.sum(axis=1, keepdims=True)
    lost = (middle > LOST[0]) & (middle < LOST[1])
    unreadable = (middle > UNREADABLE[0]) & (middle < UNREADABLE[1]) & ecg
    p[lost] = np.nan
    score = p @ np.arange(top + 1) / max(top, 1)
    entropy = -(p * np.log(p)).sum(axis=1) / np.log(top + 1)
    rates = 70 + 22 * level + generator.normal(0, 1, len(start))
    table = pd.DataFrame(
        {
            "start": start,
            "end": start + WINDOW,
            **{f"p_{name}": p[:, k] for k, name in enumerate(classes)},
            "score": score,
            "prediction": ["" if gone else classes[int(row.argmax())] for gone, row in zip(lost, p, strict=True)],
            "uncertainty": entropy,
            "spread": np.where(lost | (not spread), np.nan, 0.04 + 0.03 * generator.random(len(start))),
            "used": np.where(lost, "", np.where(unreadable | (not ecg), "video", "video+heart_rate")),
            "reason": np.where(lost, NO_FACE, np.where(unreadable, NO_ECG, "")),
            "face_found": np.where(lost, 0.12, 0.98),
            "faces": np.where((middle > 240) & (middle < 250), 2, 1),
            "ecg_quality": np.where(ecg, np.where(unreadable, 0.1, 0.86), np.nan),
            "heart_rate": np.where(unreadable | (not ecg), np.nan, rates),
        }
    )
    return Assessment(
        table,
        _evidence(seconds, ecg, rate, face or textured, pictures),
        {
            "recording": "visit-07",
            "video": "visit-07.mp4",
            "ecg": "visit-07.edf" if ecg else None,
            "heart_rate": None,
            "seconds": seconds,
            "classes": list(classes),
            "window": WINDOW,
            "step": step,
            "task": "multilevel",
            "is_pain": True,
            "expected": {"video+heart_rate": figures(0.712, 0.655, 0.768), "video": figures(0.668, 0.61, 0.724)},
            "temperature": {"video+heart_rate": 1.31, "video": None},
            "bundle": {"path": "bundles/fusion", "sha256": "ab" * 32},
            "notes": ["The frame rate varies between 24 and 31 Hz; times are those of the file."] if ecg else [],
            "seconds_taken": {"video": 41.2, "ecg": 0.8, "scores": 6.1},
            "version": "0.1.0",
            **about,
        },
    )


def figures(accuracy: float, low: float, high: float) -> dict[str, Any]:
    """What a bundle records of a part-model, as far as the page reads it."""
    return {"subjects": 87, "pooled": {"accuracy": accuracy}, "interval_95": {"accuracy": [low, high]}}


def textured(k: int) -> np.ndarray:
    """A picture full of detail, another one for each k."""
    return np.random.default_rng(k).integers(0, 256, (64, 64, 3), np.uint8)


def _evidence(seconds: float, ecg: bool, rate: float, face: Callable[[int], np.ndarray], pictures: int) -> Evidence:
    generator = np.random.default_rng(1)
    time = np.arange(0, seconds, 16 / WINDOW / 16)
    lost = (time > LOST[0] - 2) & (time < LOST[1] + 2)
    frames = pd.DataFrame(
        {"time": time, "found": ~lost, "faces": np.where(lost, 0, np.where((time > 238) & (time < 252), 2, 1))}
    )
    at = np.linspace(0.02 * seconds, 0.98 * seconds, pictures)
    shown = [FacePicture(float(t), face(k), k in (pictures * 45 // 100, pictures * 85 // 100)) for k, t in enumerate(at)
             if not LOST[0] < t < LOST[1]]  # fmt: skip
    if not ecg:
        return Evidence(frames, tuple(shown))
    beats = np.cumsum(generator.normal(60 / 76, 0.03, int(1.5 * seconds)))
    beats = beats[beats < seconds - 0.5]
    clock = np.arange(int(seconds * rate)) / rate
    before = np.searchsorted(beats, clock, side="right")
    since, until = clock - np.r_[-1, beats][before], np.r_[beats, seconds + 1][before] - clock
    values = np.exp(-((np.minimum(since, until) / 0.012) ** 2)) + 0.2 * np.exp(-(((since - 0.28) / 0.05) ** 2))
    values += 0.03 * np.sin(0.4 * clock) + generator.normal(0, 0.015, len(clock))
    bad = (clock > UNREADABLE[0]) & (clock < UNREADABLE[1])
    values[bad] = 0.6 * generator.normal(0, 1, int(bad.sum()))
    readable = beats[(beats < UNREADABLE[0]) | (beats > UNREADABLE[1])]
    second = np.arange(int(seconds) - 1)
    second = second[(second < UNREADABLE[0]) | (second >= UNREADABLE[1])]
    bpm = 76 + 12 * np.exp(-(((second - 0.45 * seconds) / (0.08 * seconds)) ** 2)) + generator.normal(0, 1, len(second))
    return Evidence(
        frames,
        tuple(shown),
        Trace(values, rate, np.round(readable * rate).astype(int)),
        0.0,
        pd.DataFrame({"time": second.astype(float), "bpm": bpm}),
    )


@pytest.fixture
def make_assessment() -> Callable[..., Assessment]:
    return make
