from pathlib import Path

import numpy as np
import pytest
from scipy.signal import resample_poly

from experiments.bench.ecg.detectors import Detector, detectors, run
from experiments.bench.ecg.noise import KINDS, with_noise
from experiments.bench.ecg.records import first_minutes, load_record
from experiments.bench.ecg.scoring import gross, score
from experiments.bench.ecg.windows import RATE, errors, windows
from painlit.errors import PainlitError
from painlit.signals.ecg.pan_tompkins import find_r_peaks, pan_tompkins
from painlit.signals.ecg.signal_quality import signal_quality

# Bounds are about twice the errors measured: clean, ectopic, small R, tall P, noisy, flutter.
BOUNDS = {"100": 0.001, "119": 0.002, "114": 0.006, "108": 0.12, "105": 0.035, "203": 0.06, "207": 0.008, "222": 0.01}


@pytest.mark.parametrize("name", BOUNDS)
def test_detection_error_of_a_whole_record(shared_data: Path, name: str):
    record = load_record(shared_data / "mitdb" / name)
    assert score(pan_tompkins(record.ecg, record.rate), record).detection_error <= BOUNDS[name]


@pytest.mark.parametrize("rate", [100, 128, 250, 500, 1000])
def test_detection_error_at_other_rates(shared_data: Path, rate: int):
    matches = []
    for name in ("100", "114", "119", "222"):
        record = first_minutes(load_record(shared_data / "mitdb" / name), 5)
        ecg = resample_poly(record.ecg, rate, 360)
        other = record._replace(ecg=ecg, rate=float(rate), beats=record.beats * rate / 360)
        matches.append(score(pan_tompkins(ecg, rate), other))
    assert gross(matches).detection_error <= 0.01


def test_an_inverted_lead_has_the_same_beats(shared_data: Path):
    record = first_minutes(load_record(shared_data / "mitdb" / "119"), 5)
    np.testing.assert_array_equal(pan_tompkins(-record.ecg, 360), pan_tompkins(record.ecg, 360))


@pytest.mark.parametrize("kind", KINDS)
def test_noise_of_5_db_costs_few_beats(shared_data: Path, kind):
    matches = []
    for name in ("100", "119", "222", "208"):
        record = first_minutes(load_record(shared_data / "mitdb" / name), 5)
        noisy = with_noise(record.ecg, record.rate, kind, 5, name)
        assert 10 * np.log10(record.ecg.var() / (noisy - record.ecg).var()) < 12
        matches.append(score(pan_tompkins(noisy, record.rate), record))
    assert gross(matches).detection_error <= 0.02


def test_heart_rates_of_clips_and_their_quality(shared_data: Path):
    cut = [clip for name in BOUNDS for clip in windows(load_record(shared_data / "mitdb" / name), every=10)]
    found = [find_r_peaks(clip.ecg, RATE) for clip in cut]
    wrong, known = errors([peaks.at for peaks in found], cut, "overlap")
    assert known.mean() > 0.99
    assert np.isfinite(wrong).mean() > 0.99
    assert np.nanmean(wrong) < 2.2  # the worst records are among these
    quality = np.array([signal_quality(clip.ecg, RATE, peaks) for clip, peaks in zip(cut, found, strict=True)])
    assert np.nanmean(wrong[quality < 0.3]) > 3 * np.nanmean(wrong[quality > 0.6])


def test_a_function_of_the_users_is_scored_beside_the_others(shared_data: Path, tmp_path: Path):
    pytest.importorskip("neurokit2")
    record = first_minutes(load_record(shared_data / "mitdb" / "100"), 1)
    ours, *_, theirs = detectors(["painlit.signals.ecg.pan_tompkins:pan_tompkins"])
    for detector in (ours, theirs):
        found = run(detector, [record.ecg], record.rate, tmp_path)
        assert score(found.peaks[0], record).detection_error == 0
    assert not list(tmp_path.iterdir()), "what may change is not kept"
    with pytest.raises(PainlitError, match="--detector=math:none"):
        detectors(["math:none"])


def test_peers_are_kept_by_version_and_their_failures_are_recorded(tmp_path: Path):
    calls = []

    def detect(ecg, rate):
        calls.append(len(ecg))
        return [5, 2] if len(ecg) > 10 else 1 / 0

    ecgs = [np.zeros(20), np.zeros(3), np.zeros(30)]
    first, second = (run(Detector("a peer", detect, "1.0"), ecgs, 100, tmp_path) for _ in range(2))
    assert calls == [20, 3, 30]
    for found in (first, second):
        assert [None if p is None else p.tolist() for p in found.peaks] == [[2, 5], None, [2, 5]]
    run(Detector("a peer", detect, "1.1"), ecgs, 100, tmp_path)
    assert len(calls) == 6


def test_flutter_is_left_out_unless_asked_for(shared_data: Path):
    record = load_record(shared_data / "mitdb" / "207")
    peaks = pan_tompkins(record.ecg, record.rate)
    assert score(peaks, record, flutter=True).false_positive > score(peaks, record).false_positive + 100
