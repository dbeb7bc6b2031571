"""`prepare.r_peaks`: the detector that finds the beats of recordings."""

from pathlib import Path

import numpy as np
import pytest
from made_up_runs import table_of

from data_modules.recordings.biovid import read_samples
from data_modules.recordings.preparation import prepare_clip, usable_part
from experiments import prepare
from painlit.clips.clip import Clip
from painlit.clips.table import PreparedClip, open_table
from painlit.config import Config, load
from painlit.errors import PainlitError
from painlit.signals import signal_quality
from painlit.signals.ecg import detectors
from painlit.signals.ecg.detectors import RPeakDetector
from painlit.signals.files import read_ecg


@pytest.fixture
def configure(make_biovid, tmp_path: Path):
    """Configurations for two clips of one subject without videos; their pulse is even."""
    root = make_biovid(tmp_path / "PartA", subjects=1, clips_per_class=1)

    def of(*arguments: str) -> Config:
        return load([f"data.root={root}", f"runs={tmp_path / 'runs'}", "prepare.workers=1", *arguments])

    return of


def rows_of(config: Config) -> list[tuple[Clip, PreparedClip]]:
    clips = read_samples(config.data.root)
    assert len(clips) == 2
    return [(clip, prepare_clip(clip, usable_part(clip, None), config)) for clip in clips]


def replace(monkeypatch: pytest.MonkeyPatch, found) -> None:
    monkeypatch.setitem(detectors.R_PEAK_DETECTORS, "xqrs", RPeakDetector(found, "wfdb"))


def test_prepare_takes_hamiltons_beats(configure):
    config = configure("prepare.r_peaks=hamilton")
    assert prepare.run(config).signal_problems == 0
    rows = open_table(config).clips()
    for clip, ours in rows_of(configure()):
        np.testing.assert_allclose(rows[clip.name].bpm, ours.bpm, atol=1.0)


def test_heart_rates_follow_the_chosen_detector_and_quality_is_judged_by_ours(configure, monkeypatch):
    replace(monkeypatch, lambda ecg, rate: np.arange(0, 2816, 256))
    for clip, row in rows_of(configure("prepare.r_peaks=xqrs")):
        assert row.bpm.tolist() == [120] * 5
        assert row.ecg_quality == signal_quality(read_ecg(clip.ecg).values, 512) > 0.5


def test_a_detector_that_fails_is_reported_by_clip_and_file(configure, monkeypatch):
    replace(monkeypatch, lambda ecg, rate: 1 / 0)
    for clip, row in rows_of(configure("prepare.r_peaks=xqrs")):
        assert row.bpm is row.ecg_quality is None
        assert f"{clip.ecg}: detector xqrs of wfdb fails" in row.signal_problem


@pytest.mark.parametrize("beats", [[], [700]])
def test_fewer_than_two_beats_are_reported_as_with_ours(configure, monkeypatch, beats):
    replace(monkeypatch, lambda ecg, rate: beats)
    for _, row in rows_of(configure("prepare.r_peaks=xqrs")):
        assert row.bpm is None
        assert f"has {len(beats)} R peaks" in row.signal_problem


@pytest.mark.parametrize(("before", "now"), [("pan_tompkins", "hamilton"), ("xqrs", "pan_tompkins")])
def test_a_table_made_with_another_detector_is_refused(configure, before: str, now: str):
    table_of(configure(f"prepare.r_peaks={before}"))
    with pytest.raises(PainlitError, match=rf"prepare\.r_peaks was '{before}' and is now '{now}'"):
        open_table(configure(f"prepare.r_peaks={now}"))
