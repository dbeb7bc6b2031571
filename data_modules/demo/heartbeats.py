"""Demo heartbeats in the layouts of MIT-BIH and PTB, synthesised: they show only that the stage runs.

A normal beat is biosppy's. The others are changes of it in the spirit of their names: a supraventricular beat is early
and short, a ventricular one early, wide and tall, a fusion beat the mean of a normal and a ventricular one, and a paced
one wide with its T wave turned over. "Infarction" lifts the stretch between QRS and T wave.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import wfdb
from biosppy.synthesizers.ecg import ecg as synthesised
from scipy.signal import resample

from painlit.system.files import write_text

RATE = 250  # Hz
SECONDS = 100
SHARES = {"N": 0.6, "A": 0.12, "V": 0.12, "F": 0.08, "/": 0.08}
"""Annotation symbol -> how often."""


def make_demo_heartbeats(root: Path, seed: int = 0) -> Path:
    """Write `mitdb/` (6 records) and `ptbdb/` (8 patients) below `root`; what is complete is left as it is."""
    if (root / "complete").is_file():
        return root
    normal = _normal_beat()
    for number in range(6):
        generator = np.random.default_rng([seed, number])
        signal, at, symbols = _recording(normal, SHARES, generator)
        _write_signal(root / "mitdb" / f"{300 + number}", "MLII", signal)
        wfdb.wrann(f"{300 + number}", "atr", at, symbol=symbols, write_dir=str(root / "mitdb"))
    for number in range(8):
        generator = np.random.default_rng([seed, 100 + number])
        ill = number % 2 == 1
        signal, _, _ = _recording(_lifted(normal) if ill else normal, {"N": 1.0}, generator)
        comment = f"Reason for admission: {'Myocardial infarction' if ill else 'Healthy control'}"
        _write_signal(root / "ptbdb" / f"patient{number:03d}" / "s0001_re", "ii", signal, [comment])
    write_text(root / "complete", "synthesised; no recording of a heart\n")  # last: it marks the data as complete
    return root


def _write_signal(record: Path, lead: str, signal: np.ndarray, comments: list[str] | None = None) -> None:
    """Header and signal of a record of one lead in mV."""
    record.parent.mkdir(parents=True, exist_ok=True)
    about = {"fs": RATE, "units": ["mV"], "sig_name": [lead], "fmt": ["16"], "write_dir": str(record.parent)}
    wfdb.wrsamp(record.name, p_signal=signal[:, None], comments=comments, **about)


def _normal_beat() -> np.ndarray:
    """From P to T wave in mV at RATE, (n,), its R peak at the maximum."""
    beat = np.asarray(synthesised(sampling_rate=10 * RATE, var=0)[0], np.float64)
    beat = resample(beat - np.linspace(beat[0], beat[-1], len(beat)), len(beat) // 10)
    return beat / beat.max()


def _lifted(beat: np.ndarray) -> np.ndarray:
    """The stretch after the QRS complex lifted."""
    after = np.arange(len(beat)) - beat.argmax() - 0.12 * RATE
    return beat + 0.35 * np.exp(-((after / (0.08 * RATE)) ** 2))


def _recording(
    normal: np.ndarray, shares: dict[str, float], generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """A recording in mV, its R peaks and their symbols."""
    length = SECONDS * RATE
    signal = np.zeros(length + 2 * len(normal))
    interval = 60 / generator.uniform(60, 85) * RATE
    at = 0.5 * interval
    marks: list[int] = []
    symbols: list[str] = []
    while at < length - 1:
        symbol = str(generator.choice(list(shares), p=list(shares.values())))
        if symbol in "AV" and symbols and symbols[-1] == "N":
            at -= 0.3 * interval  # early
        beat = _kind(normal, symbol) * generator.normal(1, 0.05)
        start = int(at) - int(np.abs(beat).argmax()) + len(normal)
        signal[start : start + len(beat)] += beat[: len(signal) - start]
        marks.append(int(at))
        symbols.append(symbol)
        at += interval * generator.normal(1.3 if symbol in "AV" else 1, 0.04)
    seconds = np.arange(length) / RATE
    wander = 0.1 * np.sin(2 * np.pi * (0.25 * seconds + generator.random()))
    return signal[len(normal) :][:length] + wander + generator.normal(0, 0.02, length), np.array(marks), symbols


def _kind(normal: np.ndarray, symbol: str) -> np.ndarray:
    """A beat of a symbol, of the length of a normal one."""
    wide = 1.4 * np.interp(np.arange(len(normal)) / 2.2 + 0.27 * len(normal), np.arange(len(normal)), normal)
    wide -= np.linspace(wide[0], wide[-1], len(wide))  # no step at its ends
    if symbol == "V":
        return wide
    if symbol == "F":
        return 0.5 * (normal + np.roll(wide, int(normal.argmax() - wide.argmax())))
    if symbol == "A":
        return np.interp(1.25 * np.arange(len(normal)), np.arange(len(normal)), normal, right=0.0)
    if symbol == "/":
        return 0.8 * wide * np.tanh((wide.argmax() + 0.16 * RATE - np.arange(len(wide))) / (0.04 * RATE))
    return normal
