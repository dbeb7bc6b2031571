"""Collections of heartbeats: the cache of what was cut, the data module, and what `make check-data` prints."""

from pathlib import Path

import numpy as np
import pytest
import wfdb
from made_up_heartbeats import annotate, opened

from data_modules.heartbeats.cache import open_collection
from data_modules.heartbeats.check import check_heartbeats
from data_modules.heartbeats.datamodule import heartbeat_sources
from data_modules.heartbeats.mitbih import MITBIH
from data_modules.heartbeats.ptb import PTB
from painlit.config import load
from painlit.errors import PainlitError


@pytest.mark.parametrize("end", ["hea", "dat", "atr"])
def test_a_missing_file_is_named_and_the_good_records_are_kept(heartbeats, tmp_path, end):
    (heartbeats / "mitdb" / f"302.{end}").unlink()
    source = MITBIH(heartbeats / "mitdb")
    with pytest.raises(PainlitError, match=rf"1 of 6 records of mitbih cannot be used.*302\.{end} is missing"):
        open_collection(source, tmp_path / "cache")
    assert len(list((tmp_path / "cache" / "mitbih").glob("*.npz"))) == 5
    left = open_collection(MITBIH(heartbeats / "mitdb", leave_out=["302"]), tmp_path / "cache")
    assert left.records == ["300", "301", "303", "304", "305"]
    _, findings = check_heartbeats(source)
    assert findings == [f"1 files are missing: {heartbeats}/mitdb/302.{end}"]


def test_one_unreadable_record_among_many_does_not_end_the_run(heartbeats, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("data_modules.heartbeats.cache.UNREADABLE_ALLOWED", 0.17)  # of six records, one
    data = (heartbeats / "mitdb" / "302.dat").read_bytes()
    (heartbeats / "mitdb" / "302.dat").write_bytes(data[:100])
    left = open_collection(MITBIH(heartbeats / "mitdb"), tmp_path / "cache")
    assert left.records == ["300", "301", "303", "304", "305"]
    assert set(left.record.tolist()) == set(range(5))
    printed = capsys.readouterr().out
    assert "1 of 6 records of mitbih cannot be used" in printed
    assert "left out of this run" in printed
    assert "302,all of it," in (tmp_path / "cache" / "mitbih" / "problems.csv").read_text()
    (heartbeats / "mitdb" / "303.dat").write_bytes(data[:100])
    with pytest.raises(PainlitError, match="2 of 6 records"):
        open_collection(MITBIH(heartbeats / "mitdb"), tmp_path / "cache")
    (heartbeats / "mitdb" / "302.dat").write_bytes(data)


def test_the_cache_is_read_again_and_only_changed_records_are_cut_again(heartbeats, tmp_path):
    source = MITBIH(heartbeats / "mitdb")
    first = open_collection(source, tmp_path)
    times = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "mitbih").glob("*.npz")}
    annotate(heartbeats / "mitdb", "303", ["N"] * 20)
    (tmp_path / "mitbih" / "304.npz").write_bytes(b"cut short")
    second = open_collection(source, tmp_path)
    again = {p.name for p in (tmp_path / "mitbih").glob("*.npz") if p.stat().st_mtime_ns != times[p.name]}
    assert again == {"303.npz", "304.npz"}
    assert first.content != second.content
    assert (second.labels[second.record == 3] == 0).all()
    kept = first.record == 4
    np.testing.assert_array_equal(first.beats[kept], second.beats[second.record == 4])


def test_an_inter_patient_split_of_unknown_records_is_refused(heartbeats, tmp_path):
    config = load(["ecg.sets=[mitbih]", "ecg.split=inter_patient", f"ecg.roots.mitbih={heartbeats}/mitdb"])
    with pytest.raises(PainlitError, match=r"(?s)does not know record 300, 301.*random_beats"):
        opened(config)


def test_all_takes_the_available_sets_and_names_the_others(heartbeats, tmp_path, capsys):
    config = load([f"ecg.roots.mitbih={heartbeats}/mitdb", f"ecg.roots.ptb={tmp_path}/none"])
    assert [source.name for source in heartbeat_sources(config)] == ["mitbih"]
    assert "not there, and not learnt from: ptb" in capsys.readouterr().out
    with pytest.raises(PainlitError, match=r"(?s)no heartbeats.*fetch the open MIT-BIH database"):
        heartbeat_sources(load([f"ecg.roots.mitbih={tmp_path}/none", f"ecg.roots.ptb={tmp_path}/none"]))


def test_random_beats_are_divided_once_and_for_all(heartbeats, tmp_path):
    config = load(
        [f"ecg.roots.mitbih={heartbeats}/mitdb", f"ecg.roots.ptb={heartbeats}/ptbdb", "ecg.validation_share=0.25"]
    )
    first, second = (opened(config) for _ in range(2))
    for task, collection in enumerate(first.collections):
        rows = np.concatenate([first.train_rows[task], first.validation_rows[task]])
        np.testing.assert_array_equal(np.sort(rows), np.arange(len(collection.labels)))
        assert len(first.validation_rows[task]) == round(0.25 * len(collection.labels))
        np.testing.assert_array_equal(first.validation_rows[task], second.validation_rows[task])


def test_a_class_without_training_beats_is_named(heartbeats, tmp_path):
    for number in range(6):
        annotate(heartbeats / "mitdb", str(300 + number), ["N"] * 20)
    config = load(["ecg.sets=[mitbih]", f"ecg.roots.mitbih={heartbeats}/mitdb"])
    with pytest.raises(PainlitError, match="no training beat of class S, V, F, Q"):
        opened(config)


def test_check_data_counts_records_and_those_left_out(heartbeats):
    header = heartbeats / "ptbdb/patient002/s0001_re.hea"
    header.write_text(header.read_text().replace("Healthy control", "Myocarditis"))
    inventory, findings = check_heartbeats(PTB(heartbeats / "ptbdb"))
    assert inventory[0].startswith("ptb: 7 records in ")
    assert inventory[2] == "  1 records of myocarditis are left out, such as patient002/s0001_re"
    assert not findings


@pytest.mark.parametrize("reader", ["rdheader", "rdrecord", "rdann"])
def test_a_record_that_cannot_be_read_is_named_and_the_good_ones_are_kept(heartbeats, tmp_path, monkeypatch, reader):
    read = getattr(wfdb, reader)

    def refuse(record, *given, **named):
        if Path(record).name == source.records()[0]:
            raise PermissionError(13, "Permission denied", f"{record}.hea")
        return read(record, *given, **named)

    source = MITBIH(heartbeats / "mitdb")
    monkeypatch.setattr(wfdb, reader, refuse)
    with pytest.raises(PainlitError, match=r"1 of \d+ records .*Permission denied"):
        open_collection(source, tmp_path)
    assert len(list((tmp_path / "mitbih").glob("*.npz"))) == len(source.records()) - 1
