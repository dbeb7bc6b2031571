"""R-peak detectors: those of `prepare.r_peaks`, neurokit2's, and any other function; peers' results are kept."""

import importlib
import time
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from painlit.errors import PainlitError
from painlit.signals.ecg.detectors import R_PEAK_DETECTORS, detect_r_peaks
from painlit.system.files import atomic_path

Detect = Callable[[NDArray[np.float64], float], ArrayLike]


class Detector(NamedTuple):
    """A detector under test.

    Attributes:
        name: In tables.
        detect: ECG (n,) in mV and rate in Hz -> sample indices of R peaks.
        version: Of its package; None for code that may change between two runs, whose results are not kept.
    """

    name: str
    detect: Detect
    version: str | None


def detectors(others: list[str]) -> list[Detector]:
    """Ours and its peers, by the same call as in `make prepare`; neurokit2's, as it documents them; the user's own.

    Raises:
        PainlitError: neurokit2 is not installed, or a function cannot be found.
    """
    try:
        neurokit = importlib.import_module("neurokit2")
    except ImportError as error:
        raise PainlitError("neurokit2 is not installed", 'pip install "neurokit2>=0.2.10"') from error

    def neurokit_method(method: str) -> Detect:
        def detect(ecg: NDArray[np.float64], rate: float) -> ArrayLike:
            clean = neurokit.ecg_clean(ecg, sampling_rate=rate, method=method)
            return neurokit.ecg_findpeaks(clean, sampling_rate=rate, method=method)["ECG_R_Peaks"]

        return detect

    return [
        *(_of_registry(name, detector.package) for name, detector in R_PEAK_DETECTORS.items()),
        Detector("neurokit2 pantompkins1985", neurokit_method("pantompkins1985"), version("neurokit2")),
        Detector("neurokit2 default", neurokit_method("neurokit"), version("neurokit2")),
        *(Detector(name, _named(name), None) for name in others),
    ]


class Detections(NamedTuple):
    """What a detector gave for a list of ECGs.

    Attributes:
        peaks: Of each ECG, ascending sample indices; None where the detector failed.
        seconds: That it took, when it was run.
        kept: Whether an earlier run did it, perhaps on a busier machine.
    """

    peaks: list[NDArray[np.int64] | None]
    seconds: float
    kept: bool

    @property
    def seconds_text(self) -> str:
        """For tables."""
        return f"{self.seconds:.1f}" + (" (earlier)" if self.kept else "")


def run(detector: Detector, ecgs: list[NDArray[np.float64]], rate: float, kept: Path) -> Detections:
    """Run a detector on ECGs, or read what an earlier run of the same version kept.

    Args:
        detector: The detector.
        ecgs: Each (n,) in mV.
        rate: In Hz.
        kept: Folder of this set of ECGs.
    """
    path = kept / f"{detector.name.replace(' ', '-')}-{detector.version}.npz"
    if detector.version is not None and path.is_file():
        with np.load(path, allow_pickle=False) as held:
            if int(held["count"]) == len(ecgs):
                parts = np.split(held["peaks"], held["ends"][:-1])
                peaks = [None if bad else part for part, bad in zip(parts, held["failed"], strict=True)]
                return Detections(peaks, float(held["seconds"]), kept=True)
    started = time.perf_counter()
    found = [_try(detector, ecg, rate) for ecg in ecgs]
    seconds = time.perf_counter() - started
    if detector.version is not None:
        arrays = [np.empty(0, np.int64) if part is None else part for part in found]
        with atomic_path(path) as temporary, temporary.open("wb") as handle:
            np.savez(
                handle,
                peaks=np.concatenate(arrays),
                ends=np.cumsum([len(part) for part in arrays]),
                failed=np.array([part is None for part in found]),
                seconds=seconds,
                count=len(ecgs),
            )
    return Detections(found, seconds, kept=False)


def _try(detector: Detector, ecg: NDArray[np.float64], rate: float) -> NDArray[np.int64] | None:
    try:
        return np.sort(np.asarray(detector.detect(ecg, rate), np.float64).astype(np.int64))
    except Exception:  # a peer may fail in any way on a short clip: that is counted and printed
        return None


def _of_registry(name: str, package: str | None) -> Detector:
    detect = partial(detect_r_peaks, name)
    return Detector(f"{package} {name}", detect, version(package)) if package else Detector("painlit", detect, None)


def _named(name: str) -> Detect:
    module, _, function = name.partition(":")
    try:
        return getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise PainlitError(f"--detector={name}: {error}", "give module:function, from where Python finds it") from error
