"""Records of MIT-BIH and their annotations: what becomes a beat, and what is damaged."""

import shutil
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import wfdb
from made_up_heartbeats import annotate

from data_modules.heartbeats.cache import open_collection
from data_modules.heartbeats.check import check_heartbeats
from data_modules.heartbeats.mitbih import DS1, DS2, MITBIH, PACED
from painlit.errors import PainlitError

REAL = Path(__file__).parents[2] / "../shared/data/mitdb"


@pytest.mark.skipif(not REAL.is_dir(), reason="MIT-BIH is not beside the project")
def test_the_cut_has_the_published_counts(tmp_path):
    beats = open_collection(MITBIH(REAL), tmp_path)
    assert len(beats.records) == 48
    assert beats.skipped == {"in a saturated stretch": 8}  # normal beats of record 116
    counts = np.bincount(beats.labels).tolist()
    assert [counts[0] + 8, *counts[1:]] == [90589, 2779, 7236, 803, 8039]  # Kachuee et al. 2018: 109,446
    assert sorted(DS1 + DS2 + PACED) == beats.records
    part = MITBIH(REAL).division(beats.records, "inter_patient", 0.2, 0)
    assert Counter(part.tolist()) == {0: 22, 1: 22, -1: 4}


def test_symbols_become_aami_classes(heartbeats, tmp_path):
    symbols = [*"NLRejAaJSVEF/fQ", "N"]
    annotate(heartbeats / "mitdb", "300", symbols)
    got = MITBIH(heartbeats / "mitdb").read("300")
    assert got.labels.tolist() == [0] * 5 + [1] * 4 + [2] * 2 + [3] + [4] * 3
    assert not got.skipped


def test_marks_that_are_no_beats_and_beats_without_class_are_distinguished(heartbeats):
    annotate(heartbeats / "mitdb", "300", ["N", "+", "N", "?", "N", "~", "N"])
    got = MITBIH(heartbeats / "mitdb").read("300")
    assert got.labels.tolist() == [0, 0, 0]
    assert {why: len(where) for why, where in got.skipped.items()} == {"a beat without AAMI class, symbol '?'": 1}
    assert got.skipped["a beat without AAMI class, symbol '?'"][0].endswith(" s")


def test_a_signal_cut_short_is_an_error_that_names_the_record(heartbeats):
    data = (heartbeats / "mitdb" / "301.dat").read_bytes()
    (heartbeats / "mitdb" / "301.dat").write_bytes(data[: len(data) // 2])
    with pytest.raises(PainlitError, match="mitdb/301"):
        MITBIH(heartbeats / "mitdb").read("301")


def test_an_unknown_lead_is_an_error_that_lists_those_there(heartbeats):
    with pytest.raises(PainlitError, match=r"no lead 'V5'; it has MLII"):
        MITBIH(heartbeats / "mitdb", lead="V5").read("300")
    assert len(MITBIH(heartbeats / "mitdb", lead="mlii").read("300").labels)


def test_a_record_with_no_usable_beat_is_an_error(heartbeats):
    signal = np.full(25_000, 0.5)
    options = {"fs": 250, "units": ["mV"], "sig_name": ["MLII"], "fmt": ["16"], "write_dir": str(heartbeats / "mitdb")}
    wfdb.wrsamp("300", p_signal=signal[:, None] + np.r_[1e-3, np.zeros(24_999)][:, None], **options)
    with pytest.raises(PainlitError, match=r"(?s)none of .* beats can be used.*ecg.leave_out=\[300\]"):
        MITBIH(heartbeats / "mitdb").read("300")


def test_a_record_of_another_rate_gives_the_same_beats(heartbeats):
    from scipy.signal import resample_poly

    ecg, marks = (
        wfdb.rdrecord(str(heartbeats / "mitdb/300")).p_signal[:, 0],
        wfdb.rdann(str(heartbeats / "mitdb/300"), "atr"),
    )
    before = MITBIH(heartbeats / "mitdb").read("300")
    options = {"units": ["mV"], "sig_name": ["MLII"], "fmt": ["16"], "write_dir": str(heartbeats / "mitdb")}
    wfdb.wrsamp("300", fs=500, p_signal=resample_poly(ecg, 2, 1)[:, None], **options)
    wfdb.wrann("300", "atr", 2 * marks.sample, symbol=marks.symbol, write_dir=str(heartbeats / "mitdb"))
    after = MITBIH(heartbeats / "mitdb").read("300")
    np.testing.assert_array_equal(before.labels, after.labels)
    assert np.abs(before.beats - after.beats).mean() < 0.01


@pytest.mark.parametrize("share", [0.1, 0.333, 0.9])
def test_an_annotation_cut_short_is_refused(heartbeats, share):
    path = heartbeats / "mitdb/300.atr"
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share) // 2 * 2])
    with pytest.raises(PainlitError, match=r"300\.atr is cut short: it has no end mark after \d+ marks"):
        MITBIH(heartbeats / "mitdb").read("300")


@pytest.mark.parametrize("resolution", [1000, 250, 125])
def test_an_annotation_of_another_time_resolution_marks_the_same_beats(heartbeats, resolution):
    folder = heartbeats / "mitdb"
    before, marks = MITBIH(folder).read("300"), wfdb.rdann(str(folder / "300"), "atr")
    rate = wfdb.rdheader(str(folder / "300")).fs
    at = np.round(marks.sample * resolution / rate).astype(int)
    wfdb.wrann("300", "atr", at, symbol=marks.symbol, fs=resolution, write_dir=str(folder))
    after = MITBIH(folder).read("300")
    np.testing.assert_array_equal(before.labels, after.labels)
    assert np.abs(before.beats - after.beats).mean() < 0.02


def test_beats_outside_the_signal_are_reported(heartbeats):
    folder = heartbeats / "mitdb"
    size = wfdb.rdheader(str(folder / "300")).sig_len
    wfdb.wrann("300", "atr", np.array([300, 600, 900, 1200, size, size + 70]), symbol=["N"] * 6, write_dir=str(folder))
    got = MITBIH(folder).read("300")
    assert len(got.skipped["outside the signal"]) == 2
    assert len(got.labels) == 3


def segmented(folder: Path, record: str, lengths: list[int]) -> None:
    """Make a record of one segment one of several, which hold the same samples."""
    held = wfdb.rdrecord(str(folder / record), physical=False)
    edges = np.cumsum([0, *lengths, held.sig_len - sum(lengths)])
    lines = [f"{record}/{len(edges) - 1} {held.n_sig} {held.fs} {held.sig_len}"]
    for k, (start, end) in enumerate(pairwise(edges), start=1):
        options = {"fs": held.fs, "units": held.units, "sig_name": held.sig_name, "fmt": held.fmt}
        gains = {"adc_gain": held.adc_gain, "baseline": held.baseline, "write_dir": str(folder)}
        wfdb.wrsamp(f"{record}_{k}", d_signal=held.d_signal[start:end], **options, **gains)
        lines.append(f"{record}_{k} {end - start}")
    (folder / f"{record}.hea").write_text("\n".join(lines) + "\n")
    (folder / f"{record}.dat").unlink()


def test_a_record_of_several_segments_gives_the_same_beats_and_its_segments_are_no_records(heartbeats):
    source = MITBIH(heartbeats / "mitdb")
    before = source.read("300")
    segmented(heartbeats / "mitdb", "300", [7000, 500])
    after = source.read("300")
    np.testing.assert_array_equal(before.labels, after.labels)
    np.testing.assert_allclose(before.beats, after.beats, atol=1e-6)
    assert source.records() == ["300", "301", "302", "303", "304", "305"]
    assert check_heartbeats(source)[1] == []
    assert heartbeats / "mitdb/300_3.dat" in source.files("300")
    (heartbeats / "mitdb/300_2.dat").unlink()
    with pytest.raises(PainlitError, match=r"300_2\.dat is missing"):
        source.read("300")


def test_files_of_the_operating_system_are_no_records(heartbeats):
    for name in ("._300.hea", "._300.dat", ".DS_Store", "Thumbs.db"):
        (heartbeats / "mitdb" / name).write_bytes(b"\0\5\x16\7")
    assert MITBIH(heartbeats / "mitdb").records() == ["300", "301", "302", "303", "304", "305"]


def test_cases_of_wfdb_records(shared_data, tmp_path):
    (cut,) = (shared_data / "cases").glob("21-*/mitdb/100.atr")
    for file in (cut, shared_data / "mitdb/100.hea", shared_data / "mitdb/100.dat"):
        shutil.copy(file, tmp_path)
    with pytest.raises(PainlitError, match=r"100\.atr is cut short"):
        MITBIH(tmp_path).read("100")
    (folder,) = (shared_data / "cases").glob("24-*")
    assert MITBIH(folder).records() == ["m"]
    assert len(MITBIH(folder).read("m").labels) > 30
