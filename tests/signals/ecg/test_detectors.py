import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from experiments.bench.ecg.records import first_minutes, load_record
from experiments.bench.ecg.scoring import score
from painlit.config.recordings import R_PEAK_DETECTOR_NAMES, PrepareConfig
from painlit.errors import ClipError
from painlit.signals.ecg import detectors
from painlit.signals.ecg.detectors import R_PEAK_DETECTORS, RPeakDetector, detect_r_peaks
from painlit.signals.ecg.pan_tompkins import pan_tompkins

RATE = 512
BEATS = np.array([0.35, 1.15, 1.9, 2.75, 3.45, 4.25, 5.1])  # s
# Beats that the libraries themselves miss beside an edge or while they learn.
EDGES = {"christov": 1, "engzee": 2, "pan_tompkins_plus_plus": 1, "xqrs": 1, "hamilton": 1}


def ecg(seconds: float = 5.5) -> NDArray[np.float64]:
    """P, Q, R, S and T waves around every beat, in mV, on a little noise."""
    t = np.arange(round(seconds * RATE)) / RATE
    signal = np.random.default_rng(0).normal(0, 0.01, t.size)
    for at in BEATS:
        for delay, width, height in (
            *((-0.18, 0.022, 0.15), (-0.028, 0.008, -0.15), (0.0, 0.010, 1.2)),
            *((0.028, 0.009, -0.3), (0.27, 0.045, 0.3)),
        ):
            signal += height * np.exp(-0.5 * ((t - at - delay) / width) ** 2)
    return signal


def test_the_configuration_lists_the_same_names_in_the_same_order():
    assert tuple(R_PEAK_DETECTORS) == R_PEAK_DETECTOR_NAMES
    assert PrepareConfig().r_peaks == next(iter(R_PEAK_DETECTORS)) == "pan_tompkins"


@pytest.mark.parametrize("name", R_PEAK_DETECTORS)
def test_each_finds_the_beats_of_a_clean_clip(name: str):
    peaks = detect_r_peaks(name, ecg(), RATE)
    assert peaks.dtype == np.int64
    away = np.abs(peaks[:, None] / RATE - BEATS)  # (k, beats) s
    assert away.min(axis=1).max() < 0.015, "a peak that is no beat"
    assert (away.min(axis=0) > 0.015).sum() <= EDGES.get(name, 0), "beats missed"
    assert (np.diff(peaks) > 0).all()


@pytest.mark.parametrize("name", R_PEAK_DETECTORS)
def test_each_is_right_on_a_real_minute(shared_data: Path, name: str):
    record = first_minutes(load_record(shared_data / "mitdb" / "100"), 1)
    assert score(detect_r_peaks(name, record.ecg, record.rate), record).detection_error < 0.06


def test_the_default_is_ours_to_the_sample():
    np.testing.assert_array_equal(detect_r_peaks("pan_tompkins", ecg(), RATE), pan_tompkins(ecg(), RATE))


def test_plus_plus_runs_at_rates_that_biosppys_own_cannot():
    from biosppy.signals.ecg import Pan_Tompkins_Plus_Plus_segmenter

    with pytest.raises(ValueError, match="x_new"):
        Pan_Tompkins_Plus_Plus_segmenter(ecg(), float(RATE))
    assert detect_r_peaks("pan_tompkins_plus_plus", ecg(), RATE).size >= 6


def use(monkeypatch: pytest.MonkeyPatch, found) -> None:
    monkeypatch.setitem(detectors.R_PEAK_DETECTORS, "hamilton", RPeakDetector(found, "biosppy"))


def test_peaks_are_in_order_each_once_and_within_the_signal(monkeypatch: pytest.MonkeyPatch):
    use(monkeypatch, lambda ecg, rate: [900.2, 300, -1, ecg.size, 300, ecg.size - 1])
    assert detect_r_peaks("hamilton", ecg(), RATE).tolist() == [300, 900, 2815]


@pytest.mark.parametrize("found", [lambda ecg, rate: [1.0, np.nan], lambda ecg, rate: 1 / 0, lambda ecg, rate: None])
def test_a_detector_that_fails_is_named_with_the_clip_to_leave_out(monkeypatch: pytest.MonkeyPatch, found):
    use(monkeypatch, found)
    with pytest.raises(ClipError, match=r"detector hamilton of biosppy fails on 2816 samples at 512 Hz") as caught:
        detect_r_peaks("hamilton", ecg(), RATE)
    assert "prepare.r_peaks" in caught.value.remedy


def test_a_clip_too_short_for_biosppys_filter_is_an_error_that_names_it():
    with pytest.raises(ClipError, match="detector hamilton of biosppy fails on 1024 samples"):
        detect_r_peaks("hamilton", ecg(2.0), RATE)


def test_a_library_that_cannot_be_imported_is_no_bad_clip(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "wfdb", None)
    with pytest.raises(ImportError):
        detect_r_peaks("xqrs", ecg(), RATE)


@pytest.mark.parametrize("name", R_PEAK_DETECTORS)
def test_what_is_no_ecg_is_refused_alike(name: str):
    with pytest.raises(ClipError, match="flat"):
        detect_r_peaks(name, np.ones(2816), RATE)


def test_an_unknown_name_is_a_programming_error():
    with pytest.raises(ValueError, match=r"pan_tompkins, hamilton.*got 'gamboa'"):
        detect_r_peaks("gamboa", ecg(), RATE)


def test_libraries_are_imported_only_when_they_are_chosen():
    code = "import sys, painlit.signals.ecg.detectors; sys.exit(bool({'biosppy', 'wfdb'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
