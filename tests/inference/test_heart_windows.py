"""Heart rates of windows: those of a clip of the same stretch, from R peaks found once."""

from pathlib import Path

import numpy as np
import pytest

from painlit.config import load
from painlit.errors import ClipError
from painlit.inference.heart_windows import DeviceWindows, EcgWindows, check_overlap

CONFIG = load(["clip.seconds=4"])
RATE = 250


def ecg(bpm: float = 75, seconds: float = 20, dead: tuple[float, float] = (0, 0)) -> np.ndarray:
    """(n,) mV: narrow R waves on a little noise; flat in between `dead`."""
    times = np.arange(round(seconds * RATE)) / RATE
    since = (times - 0.2) % (60 / bpm)
    around = np.minimum(since, 60 / bpm - since)
    wave = np.exp(-((around / 0.012) ** 2)) + 0.2 * np.exp(-(((since - 0.28) / 0.05) ** 2))
    wave += np.random.default_rng(0).normal(0, 0.01, len(times))
    wave[(times >= dead[0]) & (times < dead[1])] = 0
    return wave


@pytest.fixture
def written(tmp_path):
    def write(start: float = 0.0, **options) -> Path:
        values = ecg(**options)
        lines = [f"{start + k / RATE:.4f},{value:.4f}" for k, value in enumerate(values)]
        path = tmp_path / "ecg.csv"
        path.write_text("\n".join(["time (s),ecg (mV)", *lines, ""]))
        return path

    return write


def test_rates_are_those_of_the_heart(written):
    heart = EcgWindows(written(bpm=75), CONFIG)
    assert heart.span == pytest.approx((0, 20), abs=0.01)
    assert len(heart.trace.peaks) == 25
    for start in (0.0, 3.3, 16.0):
        window = heart.window(start)
        assert window.bpm == pytest.approx([75] * 4, rel=0.01)
        assert window.quality > 0.5
        assert not window.problem
    rates = heart.per_second(0, 20)
    assert rates["bpm"].to_numpy() == pytest.approx(75, rel=0.01)
    assert list(rates["time"][:2]) == [1, 2]


def test_the_offset_is_the_signals_lead(written):
    """What is at t in the video is at t + offset in the signal."""
    path = written(start=100.0)
    assert EcgWindows(path, CONFIG, offset=98).span[0] == pytest.approx(2.0)
    heart = EcgWindows(path, CONFIG, offset=98)
    assert heart.window(2.0).bpm is not None
    assert "samples are missing" in heart.window(0.0).problem
    with pytest.raises(ClipError, match="no time in common"):
        check_overlap(EcgWindows(path, CONFIG), 0, 20)
    check_overlap(heart, 0, 20)


def test_a_dead_stretch_refuses_the_windows_that_hold_it(written):
    heart = EcgWindows(written(seconds=40, dead=(15, 22)), CONFIG)
    good = [not heart.window(float(start)).problem for start in range(0, 36, 2)]
    assert good == [not (start + 4 > 15.5 and start < 21.5) for start in range(0, 36, 2)]
    assert "flat" in heart.window(16.0).problem
    rates = heart.per_second(0, 40)
    assert not set(range(16, 21)) & set(rates["time"].astype(int))
    assert rates["bpm"].to_numpy() == pytest.approx(75, rel=0.02)


def test_noise_alone_has_no_rates(tmp_path):
    path = tmp_path / "ecg.csv"
    noise = np.random.default_rng(0).normal(0, 1, 20 * RATE)
    path.write_text("\n".join(["time (s),ecg (mV)", *(f"{k / RATE:.4f},{v:.4f}" for k, v in enumerate(noise))]))
    heart = EcgWindows(path, CONFIG)
    assert all(heart.window(float(start)).bpm is None for start in range(0, 16, 4))


def test_rates_of_a_device(tmp_path):
    path = tmp_path / "hr.csv"
    path.write_text("time (s),heart rate (bpm)\n" + "".join(f"{k},{60 + k}\n" for k in range(30) if not 12 <= k < 22))
    heart = DeviceWindows(path, CONFIG, offset=-5)
    assert heart.span == pytest.approx((5, 35))
    assert heart.window(5.0).bpm == pytest.approx([60, 61, 62, 63])
    assert np.isnan(heart.window(5.0).quality)
    assert "has no heart rate for" in heart.window(19.0).problem
    rates = heart.per_second(0, 40)
    assert rates["bpm"].to_numpy()[:12] == pytest.approx(60 + np.arange(12))


@pytest.mark.parametrize("bpm", [0, 400])
def test_impossible_rates_are_gaps(tmp_path, bpm):
    path = tmp_path / "hr.csv"
    path.write_text("time (s),heart rate (bpm)\n" + "".join(f"{k},{70 if k < 10 else bpm}\n" for k in range(30)))
    heart = DeviceWindows(path, CONFIG)
    assert heart.window(2.0).bpm == pytest.approx([70] * 4)
    assert heart.window(20.0).bpm is None
