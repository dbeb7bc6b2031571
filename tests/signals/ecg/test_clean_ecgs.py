"""ECGs in which nobody would miss a beat: none may be missed, and nothing else found."""

import numpy as np
import pytest

from data_modules.demo.clips import _ecg
from painlit.config import PrepareConfig
from painlit.signals.ecg.heart_rate import heart_rate
from painlit.signals.ecg.signal_quality import signal_quality

RATE = 512


@pytest.mark.parametrize("seconds", [3.0, 5.5])
def test_rates_of_the_demos_clips_are_those_it_was_made_with(seconds: float):
    """Its beats come regularly but for 3 %."""
    for seed in range(80):
        bpm = float(np.random.default_rng(seed).uniform(50, 120))
        ecg = _ecg(lambda _, bpm=bpm: bpm, round(seconds * RATE), seconds, RATE, np.random.default_rng([1, seed]))
        assert heart_rate(ecg, RATE) == pytest.approx(bpm, rel=0.12), (seed, bpm)
        assert signal_quality(ecg, RATE) >= PrepareConfig().least_ecg_quality, (seed, bpm)
