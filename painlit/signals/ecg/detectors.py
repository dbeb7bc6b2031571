"""The R-peak detectors that `prepare.r_peaks` chooses from: ours, and those of biosppy and wfdb, by name.

Of biosppy's segmenters `gamboa` and `ssf` are not offered, since on real ECGs they find every beat many times or none
(their thresholds hold for one unit only), nor is `ASI`, which reads no clip's last second.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from painlit.errors import ClipError
from painlit.signals.ecg.pan_tompkins import pan_tompkins
from painlit.signals.ecg.qrs_features import check_ecg

PLUS_PLUS_RATE = 360.0  # Hz, of MIT-BIH: biosppy's Pan-Tompkins++ fails at others, 200 and 512 among them
CORRECTION = 0.05  # s, biosppy's own


class RPeakDetector(NamedTuple):
    """One detector.

    Attributes:
        find: ECG (n,) and its rate in Hz -> sample indices of R peaks, as the library gives them.
        package: That it comes from; None for ours.
    """

    find: Callable[[NDArray[np.float64], float], ArrayLike]
    package: str | None


def detect_r_peaks(name: str, ecg: ArrayLike, sampling_rate: float) -> NDArray[np.int64]:
    """Find the R peaks of one ECG lead with a detector of choice.

    Args:
        name: One of `R_PEAK_DETECTORS`.
        ecg: One lead, (n,), any unit, at least 1 s. biosppy's filter needs 4.5 s and a little.
        sampling_rate: In Hz.

    Returns:
        Sample indices of the R peaks, (k,), ascending, each once and within the signal.

    Raises:
        ValueError: The name is unknown, `ecg` is not one-dimensional or the rate is unusable.
        ClipError: The ECG is unusable, as for `pan_tompkins`, or the detector failed on it.
    """
    if name not in R_PEAK_DETECTORS:
        raise ValueError(f"name must be one of {', '.join(R_PEAK_DETECTORS)}, got {name!r}")
    detector, signal = R_PEAK_DETECTORS[name], check_ecg(ecg, sampling_rate)
    if detector.package is None:
        return np.asarray(detector.find(signal, sampling_rate), np.int64)
    try:
        found = np.asarray(detector.find(signal, sampling_rate), np.float64)
        if found.ndim != 1 or not np.isfinite(found).all():
            raise ValueError(f"R peaks {found}")
    except ImportError:  # a broken installation, not a bad clip
        raise
    except Exception as error:  # a library may fail in any way on a clip, and the others go on
        raise ClipError(
            f"detector {name} of {detector.package} fails on {signal.size} samples at {sampling_rate:g} Hz: "
            f"{type(error).__name__}: {error}",
            "leave the clip out, or choose another prepare.r_peaks for all",
        ) from error
    peaks = np.unique(np.round(found).astype(np.int64))
    return peaks[(peaks >= 0) & (peaks < signal.size)]


def _bandpassed(ecg: NDArray[np.float64], rate: float) -> NDArray[np.float64]:
    """What `biosppy.signals.ecg.ecg` does before its segmenters, which expect it."""
    from biosppy.signals.tools import filter_signal

    filtered = filter_signal(ecg, "FIR", "bandpass", int(1.5 * rate), [0.67, 45], rate)["signal"]
    return filtered - filtered.mean()


def _segmenter(name: str) -> RPeakDetector:
    def find(ecg: NDArray[np.float64], rate: float) -> ArrayLike:
        from biosppy.signals import ecg as biosppy

        return getattr(biosppy, f"{name}_segmenter")(_bandpassed(ecg, rate), rate)["rpeaks"]

    return RPeakDetector(find, "biosppy")


def _plus_plus(ecg: NDArray[np.float64], rate: float) -> ArrayLike:
    """Its peaks lie in the middle of its own window, some twice; biosppy's correction brings them to their R wave."""
    from biosppy.signals import ecg as biosppy

    clean, at = _bandpassed(ecg, rate), np.arange(ecg.size) / rate  # s
    resampled = np.interp(np.arange(0, at[-1], 1 / PLUS_PLUS_RATE), at, clean) if rate != PLUS_PLUS_RATE else clean
    found = biosppy.Pan_Tompkins_Plus_Plus_segmenter(resampled, PLUS_PLUS_RATE)["rpeaks"]
    peaks = np.round(np.asarray(found) * rate / PLUS_PLUS_RATE).astype(int)
    return biosppy.correct_rpeaks(clean, peaks, rate, CORRECTION)["rpeaks"]


def _xqrs(ecg: NDArray[np.float64], rate: float) -> ArrayLike:
    from wfdb import processing

    return processing.xqrs_detect(ecg, rate, verbose=False)


R_PEAK_DETECTORS = {
    "pan_tompkins": RPeakDetector(pan_tompkins, None),
    "hamilton": _segmenter("hamilton"),
    "christov": _segmenter("christov"),
    "engzee": _segmenter("engzee"),
    "pan_tompkins_plus_plus": RPeakDetector(_plus_plus, "biosppy"),
    "xqrs": RPeakDetector(_xqrs, "wfdb"),
}
"""The detectors by name, the default first; `painlit.config.recordings` lists the same names."""
