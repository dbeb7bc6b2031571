"""Where an ECG, its R peaks and the heart rates stand in their chart."""

import re
from itertools import pairwise

import numpy as np
import pytest

from painlit.report.traces import HEIGHT, LEFT, WIDTH, Trace, chart


def points(path: str) -> np.ndarray:
    assert re.fullmatch(r"M[\d.]+ [\d.]+(L[\d.]+ [\d.]+)*", path)
    return np.array([[float(v) for v in p.split()] for p in path[1:].split("L")])


@pytest.mark.parametrize(("rate", "seconds"), [(512, 5.5), (128, 5.5), (1000, 60), (250, 3)])
@pytest.mark.parametrize(("scale", "offset"), [(1, 0), (-1, 0), (1e-6, 3), (4000, -1e5)])
def test_every_beat_is_drawn_under_its_peak(rate: int, seconds: float, scale: float, offset: float):
    size = int(rate * seconds)
    peaks = np.arange(rate // 3, size, int(0.8 * rate))
    values = np.zeros(size)
    values[peaks] = 1
    found = chart(Trace(offset + scale * values, rate, peaks), np.full(int(seconds), 75.0))
    drawn = points(found.path)
    assert len(drawn) <= 4 * WIDTH, "however long the clip is"
    assert (np.diff(drawn[:, 0]) >= 0).all()
    assert drawn.min() >= 0
    assert drawn[:, 0].max() <= WIDTH
    assert drawn[:, 1].max() <= HEIGHT
    beat = drawn[:, 1].min() if scale > 0 else drawn[:, 1].max()
    for k, (x, y) in zip(peaks, found.peaks, strict=True):
        assert x == pytest.approx(LEFT + k / rate / seconds * (WIDTH - 2 * LEFT), abs=0.1)
        assert y == pytest.approx(beat, abs=0.1)
        assert np.abs(drawn - [x, y]).max(axis=1).min() < 0.1


def test_heart_rates_stand_above_their_seconds_the_faster_the_higher():
    found = chart(Trace(np.arange(2816.0), 512.0, np.zeros(0, int)), np.array([60.0, 90, 75, 60, 61]))
    assert [s.bpm for s in found.seconds] == [60, 90, 75, 60, 61]
    y = [s.y for s in found.seconds]
    assert y[1] < y[2] < y[4] < y[0] == y[3]
    at = [x for x, _ in found.marks]
    assert [(s.start, s.end) for s in found.seconds] == list(pairwise(at))
    assert [number for _, number in found.marks] == [0, 1, 2, 3, 4, 5]
    steady = chart(None, np.array([70.0, 71, 70]))
    assert np.ptp([s.y for s in steady.seconds]) < 2, "1 bpm is not made to look like a jump"


def test_heart_rates_without_a_signal_are_drawn_alone():
    found = chart(None, np.full(30, 64.0))
    assert not found.path
    assert not found.peaks
    assert len(found.seconds) == 30
    assert sum(s.numbered for s in found.seconds) <= 12
    assert len(found.marks) <= 13


@pytest.mark.parametrize("values", [np.zeros(300), np.full(300, np.nan), np.r_[np.nan, np.ones(299)], np.ones(1)])
def test_signals_without_a_beat_or_with_gaps_are_drawn(values: np.ndarray):
    found = chart(Trace(values, 100.0, np.zeros(0, int)), None)
    assert "nan" not in found.path
    assert bool(found.path) == bool(np.isfinite(values).any())
    assert found.seconds == []
