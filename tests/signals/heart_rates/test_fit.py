"""Garmin's FIT files: records, beat intervals, damage."""

import sys

import numpy as np
import pytest
from device_files import BEGAN, BPM, NO_RATE, fit_file, has_note, hrv, record

from painlit.errors import ClipError, PainlitError


@pytest.mark.parametrize("name", ["activity.fit", "ACTIVITY.FIT", "without_extension"])
@pytest.mark.parametrize("step", [1, 4])
def test_fit_records(read, name, step):
    pytest.importorskip("fitdecode")
    series = read(fit_file([record(step * k, bpm) for k, bpm in enumerate(BPM)]), name)
    assert (series.source, series.kind, series.began) == ("Garmin FIT", "bpm", BEGAN)
    assert (series.times.tolist(), series.bpm.tolist()) == ([step * k for k in range(6)], BPM)


def test_fit_records_without_a_heart_rate_are_gaps(read):
    pytest.importorskip("fitdecode")
    series = read(fit_file([record(k, NO_RATE if k in (2, 3) else 72) for k in range(6)]), "a.fit")
    assert series.times.tolist() == [0, 1, 4, 5]
    assert series.ends.tolist() == [1, 2, 5, 6]
    assert has_note(series, "2 of 6 values are 0 or missing")


def test_fit_beat_intervals(read):
    pytest.importorskip("fitdecode")
    intervals = [800, 810, 790, 820, 805, 815, 795]
    messages = [record(0, 75), hrv(*intervals[:1]), record(1, 75), hrv(*intervals[1:3]), record(2, 75)]
    messages += [hrv(intervals[3]), record(3, 75), hrv(*intervals[4:6]), record(4, 75), hrv(intervals[6])]
    series = read(fit_file(messages), "a.fit")
    assert (series.kind, series.began) == ("intervals", BEGAN)
    np.testing.assert_allclose(series.ends - series.times, np.array(intervals) / 1000)
    np.testing.assert_allclose(np.diff(series.ends), np.array(intervals[1:]) / 1000)
    assert has_note(series, "hrv messages")


def test_a_pause_between_the_beats_of_a_fit_file(read):
    pytest.importorskip("fitdecode")
    seconds = [*range(8), *range(68, 76)]
    series = read(fit_file([m for k in seconds for m in (record(k, 60), hrv(1000))]), "a.fit")
    gaps = series.times[1:] - series.ends[:-1]
    assert np.flatnonzero(gaps > 1e-9).tolist() == [7]
    np.testing.assert_allclose(gaps[7], 60, atol=1)
    with pytest.raises(ClipError, match="longest stretch without is 60"):
        series.per_second(5, 5, longest_gap=10)


def test_damaged_fit_files(read):
    pytest.importorskip("fitdecode")
    good = fit_file([record(k, bpm) for k, bpm in enumerate(BPM)])
    cut = [good[:-1], good[: len(good) // 2], good[:16], good[:9]]
    for content in (*cut, b"no fit", fit_file([record(0, 70)], crc=1)):
        with pytest.raises(ClipError, match="is a damaged FIT file, or cut short"):
            read(content, "cut.fit")
    flipped = bytearray(good)
    flipped[60] ^= 0x10
    with pytest.raises(ClipError, match="is a damaged FIT file"):
        read(bytes(flipped), "flipped.fit")


def test_a_fit_file_without_heart_rates(read):
    pytest.importorskip("fitdecode")
    with pytest.raises(ClipError, match="none of 3 values is a heart rate"):
        read(fit_file([record(k, NO_RATE) for k in range(3)]), "a.fit")
    with pytest.raises(ClipError, match="has no records with a time"):
        read(fit_file([]), "settings.fit")


def test_without_fitdecode_the_extra_is_named(read, monkeypatch):
    monkeypatch.setitem(sys.modules, "fitdecode", None)
    with pytest.raises(PainlitError, match="fitdecode is not installed") as caught:
        read(fit_file([record(0, 70)]), "a.fit")
    assert caught.value.remedy == "pip install 'painlit[formats]'"
