"""Noise as ECGs meet it, synthesised, at a given signal-to-noise ratio."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfiltfilt

from painlit.system.seeds import derive_seed

Kind = Literal["wander", "hum", "muscle"]
KINDS: tuple[Kind, ...] = ("wander", "hum", "muscle")
MAINS = 50.0  # Hz


def with_noise(ecg: NDArray[np.float64], rate: float, kind: Kind, snr: float, seed: str) -> NDArray[np.float64]:
    """Add noise to an ECG, (n,) -> (n,).

    The signal's power is its variance between 0.5 and 40 Hz.

    Args:
        ecg: In mV, (n,).
        rate: In Hz.
        kind: `wander`: the baseline moves at 0.05 to 0.5 Hz (breathing, electrodes). `hum`: mains at 50 Hz that swells
            and fades, with a third harmonic. `muscle`: noise between 20 and 150 Hz (up to 0.45 of the rate).
        snr: 10·log10 of the signal's over the noise's power, dB.
        seed: Of the noise, such as the record's name.
    """
    generator = np.random.default_rng(derive_seed(kind, seed))
    white = generator.standard_normal(ecg.size)
    if kind == "wander":
        noise = _band(white, rate, 0.05, 0.5)
    elif kind == "muscle":
        noise = _band(white, rate, 20, min(150, 0.45 * rate))
    else:
        seconds = np.arange(ecg.size) / rate
        swell = 1 + 0.3 * np.sin(2 * np.pi * 0.1 * seconds + generator.uniform(0, 2 * np.pi))
        phase = 2 * np.pi * MAINS * seconds + generator.uniform(0, 2 * np.pi)
        noise = swell * (np.sin(phase) + 0.2 * np.sin(3 * phase))
    power = _band(ecg, rate, 0.5, 40).var() / 10 ** (snr / 10)
    return ecg + noise * np.sqrt(power / noise.var())


def _band(signal: NDArray[np.float64], rate: float, low: float, high: float) -> NDArray[np.float64]:
    return sosfiltfilt(butter(2, [low, high], "bandpass", fs=rate, output="sos"), signal)
