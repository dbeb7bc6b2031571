"""ECGs to learn beats from: excerpts of real records, synthetic ones and noise, disturbed as recordings are."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.signal import butter, resample_poly, sosfiltfilt

from experiments.bench.ecg.records import NO_FLUTTER, Record

Array = NDArray[np.float64]

SECONDS = (3.0, 5.5, 5.5, 10.0, 10.0, 30.0)
RATES = (100, 128, 250, 360, 500, 512, 1000)  # Hz
RESAMPLED = 0.4  # share of excerpts


def excerpts(record: Record, other_lead: Array, count: int, generator: Generator) -> Iterator[Record]:
    """Disturbed excerpts of a record and of its second lead, at several rates; none with flutter."""
    for _ in range(count):
        size = round(generator.choice(SECONDS) * record.rate)
        start = int(generator.integers(0, record.ecg.size - size))
        if any(first < start + size and start < last for first, last in record.flutter):
            continue
        lead = record.ecg if generator.random() < 0.65 else other_lead
        ecg, rate = lead[start : start + size], record.rate
        beats = record.beats[(record.beats >= start) & (record.beats < start + size)] - start
        if generator.random() < RESAMPLED:
            new = int(generator.choice(RATES))
            ecg = resample_poly(ecg, new, round(rate))
            beats, rate = np.minimum(np.round(beats * new / rate).astype(np.int64), ecg.size - 1), float(new)
        yield disturbed(Record(record.name, ecg, rate, beats, NO_FLUTTER), generator)


def synthetic(generator: Generator) -> Record:
    """Sums of a Gaussian for each wave, of any rate from 33 to 225 bpm, regular or not, some beats wide."""
    rate, seconds = float(generator.choice(RATES)), float(generator.choice(SECONDS[:-1]))
    interval = 60 / np.exp(generator.uniform(np.log(33), np.log(225)))
    jitter, at, beats = generator.choice([0, 0.03, 0.1, 0.25]), generator.uniform(0.02, interval + 0.05), []
    while at < seconds:
        beats.append(at)
        at += max(0.26, interval * np.exp(generator.normal() * jitter))
    if generator.random() < 0.15:  # the heart or an electrode rests
        first, last = np.sort(generator.uniform(-0.5 * seconds, 1.5 * seconds, 2))
        beats = [beat for beat in beats if not first < beat < last]
    squeeze = min(1.0, float(np.sqrt(interval / 0.8)))
    waves = [  # s after the R wave, s of width, mV
        (-0.18 * squeeze, 0.022, generator.uniform(0, 0.2)), (-0.028, 0.008, -generator.uniform(0, 0.3)),
        (0.0, generator.uniform(0.008, 0.016), 1.2), (0.028, 0.009, -generator.uniform(0, 1.0)),
        (0.27 * squeeze, generator.uniform(0.03, 0.06),
         generator.choice([0.1, 0.3, 0.3, 1.0, 1.5]) * generator.uniform(0.5, 1) * generator.choice([1, 1, -1])),
    ]  # fmt: skip
    if generator.random() < 0.2:  # a peaked P or T wave
        waves.append((generator.choice([0.28 * squeeze, -0.24 * squeeze]), 0.018, generator.uniform(0.3, 0.8)))
    time = np.arange(round(seconds * rate)) / rate
    ecg = generator.normal(size=time.size) * 10 ** generator.uniform(-3, -0.8)
    ectopic, sizes = (
        generator.random() < 0.3,
        np.exp(generator.normal(size=len(beats)) * generator.choice([0, 0.1, 0.3])),
    )
    for beat, size in zip(beats, sizes, strict=True):
        wide = [(0.0, generator.uniform(0.025, 0.05), generator.uniform(0.6, 2) * generator.choice([-1, 1]))]
        for delay, width, height in wide if ectopic and generator.random() < 0.2 else waves:
            ecg += size * height * np.exp(-0.5 * ((time - beat - delay) / width) ** 2)
    found = np.round(np.array(beats) * rate).astype(np.int64)
    return Record("synthetic", ecg * generator.choice([-1, 1]), rate, found, NO_FLUTTER)


def noise(generator: Generator) -> Record:
    """What has no beat: white noise, a random walk, movement, muscle."""
    rate = float(generator.choice(RATES))
    size = round(generator.choice(SECONDS[:-1]) * rate)
    white = generator.normal(size=size)
    kinds = (
        lambda: white, lambda: np.cumsum(white), lambda: movement(size, rate, generator),
        lambda: _band(size, rate, 20, 150, generator),
        lambda: _band(size, rate, generator.uniform(0.5, 5), generator.uniform(8, 30), generator),
    )  # fmt: skip
    return Record("noise", kinds[generator.integers(len(kinds))](), rate, np.zeros(0, np.int64), NO_FLUTTER)


def disturbed(record: Record, generator: Generator) -> Record:
    """As electrodes, muscles, mains and amplifiers do it; some of it at a time."""
    ecg, beats, rate = record.ecg - np.median(record.ecg), record.beats, record.rate
    size, chance = ecg.size, generator.random
    spread = float(sosfiltfilt(_sections(0.5, 40, rate), ecg).std()) + 1e-9
    gain = chance()
    if gain < 0.15:
        ecg = ecg * np.exp(_course(size, 3, generator.normal(0, 0.6, 3), generator))
    elif gain < 0.25:
        ecg[generator.integers(size) :] *= np.exp(generator.uniform(-3, 1))
    if chance() < 0.3:
        ecg = ecg + movement(size, rate, generator) * spread * 10 ** generator.uniform(-1, 0.5)
    if chance() < 0.3:
        muscle = _band(size, rate, float(generator.choice([5, 20])), 150, generator)
        ecg = ecg + muscle * spread * 10 ** generator.uniform(-1.3, 0.2)
    if chance() < 0.15:
        phase = 2 * np.pi * generator.choice([50, 60]) * np.arange(size) / rate + generator.uniform(0, 2 * np.pi)
        ecg = ecg + np.sin(phase) * spread * 10 ** generator.uniform(-1, 0.5)
    if chance() < 0.15:
        ecg = sosfiltfilt(butter(2, min(generator.uniform(12, 40), 0.45 * rate), fs=rate, output="sos"), ecg)
    if chance() < 0.08:
        for _ in range(generator.integers(1, 5)):  # pulses
            at, long = generator.integers(size), generator.integers(1, max(2, round(0.4 * rate)))
            ecg[at : at + long] += spread * generator.normal() * 10 ** generator.uniform(0.5, 1.5)
    if chance() < 0.12:  # an electrode comes off, with a jump on either side, and drifts
        first = int(generator.uniform(0, 0.8) * size)
        last = min(size, first + int(generator.uniform(0.1, 0.9) * size))
        ecg = ecg.copy()
        ecg[first:last] = np.interp(np.arange(last - first), [0, last - first], generator.normal(0, 3 * spread, 2))
        ecg[first:last] += generator.normal(size=last - first) * spread * 10 ** generator.uniform(-2.5, 0)
        beats = beats[(beats < first) | (beats >= last)]
    return record._replace(ecg=ecg, beats=beats)


def movement(size: int, rate: float, generator: Generator) -> Array:
    """Electrodes that move: jumps that decay, and slow waves that come and go, (size,), of order one."""
    jumps = np.zeros(size)
    for _ in range(generator.integers(1, max(2, int(size / rate / 3)))):
        at = int(generator.integers(size))
        after = np.arange(size - at) / rate
        rise, decay = generator.uniform(0.01, 0.15), generator.uniform(0.05, 0.8)  # s
        jumps[at:] += generator.normal() * np.exp(-after / decay) * (1 - np.exp(-after / rise))
    waves = _band(size, rate, generator.uniform(0.3, 1), generator.uniform(4, 20), generator, order=1)
    envelope = _course(size, 6, np.abs(generator.normal(size=6)), generator)
    return jumps / (jumps.std() + 1e-9) * generator.uniform(0, 1) + waves * envelope


def _course(size: int, points: int, values: Array, generator: Generator) -> Array:
    return np.interp(np.arange(size), np.sort(generator.integers(0, size, points)), values)


def _sections(low: float, high: float, rate: float, order: int = 2) -> Array:
    return butter(order, [low, min(high, 0.45 * rate)], "bandpass", fs=rate, output="sos")


def _band(size: int, rate: float, low: float, high: float, generator: Generator, order: int = 2) -> Array:
    """Noise in a band, of unit variance, (size,)."""
    filtered = sosfiltfilt(_sections(low, high, rate, order), generator.normal(size=size))
    return filtered / filtered.std()
