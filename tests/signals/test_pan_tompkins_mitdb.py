from pathlib import Path

import pytest

from experiments.bench.r_peaks import add, load_record, score, score_clips
from painlit.signals.beat_matching import BeatMatch
from painlit.signals.pan_tompkins import pan_tompkins

# Bounds are about twice the errors measured: clean, ectopic, small R, tall P, noisy, flutter.
BOUNDS = {"100": 0.001, "119": 0.002, "114": 0.006, "108": 0.12, "105": 0.035, "203": 0.06, "207": 0.008, "222": 0.01}


@pytest.mark.parametrize("name", BOUNDS)
def test_detection_error_of_a_whole_record(shared_data: Path, name: str):
    assert score(pan_tompkins, load_record(shared_data / "mitdb" / name)).detection_error <= BOUNDS[name]


def test_detection_error_on_clips_of_the_length_of_biovids(shared_data: Path):
    total = BeatMatch(0, 0, 0)
    for name in BOUNDS:
        match, refused = score_clips(pan_tompkins, load_record(shared_data / "mitdb" / name), every=10)
        assert refused == 0
        total = add(total, match)
    assert total.true_positive > 1500
    assert total.detection_error <= 0.035
