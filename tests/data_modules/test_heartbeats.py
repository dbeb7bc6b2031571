"""MIT-BIH, PTB and the ready-made tables, from miniature copies of their layouts."""

import shutil
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import wfdb

from data_modules.demo.heartbeats import make_demo_heartbeats
from data_modules.heartbeats.cache import open_collection
from data_modules.heartbeats.check import check_heartbeats
from data_modules.heartbeats.datamodule import HeartbeatDataModule, heartbeat_sources
from data_modules.heartbeats.mitbih import DS1, DS2, MITBIH, PACED
from data_modules.heartbeats.ptb import PTB
from data_modules.heartbeats.tables import HeartbeatTables
from painlit.config import load
from painlit.errors import PainlitError

REAL = Path(__file__).parents[2] / "../shared/data/mitdb"


@pytest.fixture(scope="session")
def made(tmp_path_factory) -> Path:
    return make_demo_heartbeats(tmp_path_factory.mktemp("heartbeats"))


@pytest.fixture
def root(made: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made, tmp_path / "data")


def opened(config) -> HeartbeatDataModule:
    data = HeartbeatDataModule(config)
    data.prepare_data()
    data.setup()
    return data


def annotate(folder: Path, record: str, symbols: list[str]) -> None:
    at = np.round(np.linspace(200, 24_000, len(symbols))).astype(int)
    wfdb.wrann(record, "atr", at, symbol=symbols, write_dir=str(folder))


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


def test_symbols_become_aami_classes(root, tmp_path):
    symbols = [*"NLRejAaJSVEF/fQ", "N"]
    annotate(root / "mitdb", "300", symbols)
    got = MITBIH(root / "mitdb").read("300")
    assert got.labels.tolist() == [0] * 5 + [1] * 4 + [2] * 2 + [3] + [4] * 3
    assert not got.skipped


def test_marks_that_are_no_beats_and_beats_without_class_are_told_apart(root):
    annotate(root / "mitdb", "300", ["N", "+", "N", "?", "N", "~", "N"])
    got = MITBIH(root / "mitdb").read("300")
    assert got.labels.tolist() == [0, 0, 0]
    assert {why: len(where) for why, where in got.skipped.items()} == {"a beat without AAMI class, symbol '?'": 1}
    assert got.skipped["a beat without AAMI class, symbol '?'"][0].endswith(" s")


@pytest.mark.parametrize("end", ["hea", "dat", "atr"])
def test_a_missing_file_is_named_and_the_good_records_are_kept(root, tmp_path, end):
    (root / "mitdb" / f"302.{end}").unlink()
    source = MITBIH(root / "mitdb")
    with pytest.raises(PainlitError, match=rf"1 of 6 records of mitbih cannot be used.*302\.{end} is missing"):
        open_collection(source, tmp_path / "cache")
    assert len(list((tmp_path / "cache" / "mitbih").glob("*.npz"))) == 5
    left = open_collection(MITBIH(root / "mitdb", leave_out=["302"]), tmp_path / "cache")
    assert left.records == ["300", "301", "303", "304", "305"]
    _, findings = check_heartbeats(source)
    assert findings == [f"1 files are missing: {root}/mitdb/302.{end}"]


def test_one_unreadable_record_among_many_does_not_end_the_run(root, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("data_modules.heartbeats.cache.UNREADABLE_ALLOWED", 0.17)  # of six records, one
    data = (root / "mitdb" / "302.dat").read_bytes()
    (root / "mitdb" / "302.dat").write_bytes(data[:100])
    left = open_collection(MITBIH(root / "mitdb"), tmp_path / "cache")
    assert left.records == ["300", "301", "303", "304", "305"]
    assert set(left.record.tolist()) == set(range(5))
    told = capsys.readouterr().out
    assert "1 of 6 records of mitbih cannot be used" in told
    assert "left out of this run" in told
    assert "302,all of it," in (tmp_path / "cache" / "mitbih" / "problems.csv").read_text()
    (root / "mitdb" / "303.dat").write_bytes(data[:100])
    with pytest.raises(PainlitError, match="2 of 6 records"):
        open_collection(MITBIH(root / "mitdb"), tmp_path / "cache")
    (root / "mitdb" / "302.dat").write_bytes(data)


def test_a_signal_cut_short_is_an_error_that_names_the_record(root):
    data = (root / "mitdb" / "301.dat").read_bytes()
    (root / "mitdb" / "301.dat").write_bytes(data[: len(data) // 2])
    with pytest.raises(PainlitError, match="mitdb/301"):
        MITBIH(root / "mitdb").read("301")


def test_an_unknown_lead_is_an_error_that_lists_those_there(root):
    with pytest.raises(PainlitError, match=r"no lead 'V5'; it has MLII"):
        MITBIH(root / "mitdb", lead="V5").read("300")
    assert len(MITBIH(root / "mitdb", lead="mlii").read("300").labels)


def test_a_record_with_no_usable_beat_is_an_error(root):
    signal = np.full(25_000, 0.5)
    options = {"fs": 250, "units": ["mV"], "sig_name": ["MLII"], "fmt": ["16"], "write_dir": str(root / "mitdb")}
    wfdb.wrsamp("300", p_signal=signal[:, None] + np.r_[1e-3, np.zeros(24_999)][:, None], **options)
    with pytest.raises(PainlitError, match=r"(?s)none of .* annotated beats can be used.*ecg.leave_out=\[300\]"):
        MITBIH(root / "mitdb").read("300")


def test_a_record_of_another_rate_gives_the_same_beats(root):
    from scipy.signal import resample_poly

    ecg, marks = wfdb.rdrecord(str(root / "mitdb/300")).p_signal[:, 0], wfdb.rdann(str(root / "mitdb/300"), "atr")
    before = MITBIH(root / "mitdb").read("300")
    options = {"units": ["mV"], "sig_name": ["MLII"], "fmt": ["16"], "write_dir": str(root / "mitdb")}
    wfdb.wrsamp("300", fs=500, p_signal=resample_poly(ecg, 2, 1)[:, None], **options)
    wfdb.wrann("300", "atr", 2 * marks.sample, symbol=marks.symbol, write_dir=str(root / "mitdb"))
    after = MITBIH(root / "mitdb").read("300")
    np.testing.assert_array_equal(before.labels, after.labels)
    assert np.abs(before.beats - after.beats).mean() < 0.01


def test_ptb_takes_the_diagnosis_from_the_header(root):
    header = root / "ptbdb/patient002/s0001_re.hea"
    header.write_text(header.read_text().replace("Healthy control", "Valvular heart disease"))
    bare = root / "ptbdb/patient004/s0001_re.hea"
    bare.write_text("\n".join(line for line in bare.read_text().splitlines() if not line.startswith("#")) + "\n")
    source = PTB(root / "ptbdb")
    assert source.left_out() == {
        "valvular heart disease": ["patient002/s0001_re"],
        "no diagnosis": ["patient004/s0001_re"],
    }
    assert len(source.records()) == 6
    labels = {record: set(source.read(record).labels.tolist()) for record in source.records()}
    assert labels["patient000/s0001_re"] == {0}
    assert labels["patient001/s0001_re"] == {1}


def test_ptb_divides_by_patient_with_both_classes_on_both_sides(root):
    source = PTB(root / "ptbdb")
    records = source.records()
    part = source.division(records, "inter_patient", 0.25, seed=3)
    ill = np.array([int(record[7:10]) % 2 for record in records])
    assert {(int(i), int(p)) for i, p in zip(ill, part, strict=True)} == {(0, 0), (0, 1), (1, 0), (1, 1)}


def write_tables(folder: Path, rows: int = 30) -> Path:
    folder.mkdir()
    generator = np.random.default_rng(0)
    for name, labels in (
        ("mitbih_train", np.arange(rows) % 5),
        ("mitbih_test", np.arange(10) % 5),
        ("ptbdb_normal", np.zeros(rows)),
        ("ptbdb_abnormal", np.ones(rows)),
    ):
        table = np.c_[generator.random((len(labels), 187)), labels]
        np.savetxt(folder / f"{name}.csv", table, delimiter=",", fmt="%.18e")
    return folder


def test_tables_have_their_published_split(tmp_path):
    config = load(["ecg.sets=[mitbih_csv,ptb_csv]", f"ecg.roots.csv={write_tables(tmp_path / 'csv')}"])
    data = opened(config)
    assert [len(rows) for rows in data.train_rows] == [30, 48]
    assert [len(rows) for rows in data.validation_rows] == [10, 12]
    assert data.classes == {"mitbih_csv": ("N", "S", "V", "F", "Q"), "ptb_csv": ("normal", "abnormal")}
    config = load(["ecg.sets=[ptb_csv]", "ecg.split=inter_patient", f"ecg.roots.csv={tmp_path}/csv"])
    with pytest.raises(PainlitError, match="do not say whose beats"):
        opened(config)


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("0.5," * 100 + "1", "101 values, not 188"),
        ("0.5," * 187 + "7", "label 7 is none of 0 to 4"),
        ("0.5," * 186 + "nan,1", "NaN"),
        ("0.5," * 186 + "3.5,1", "outside 0 to 1"),
        ("0.5," * 186 + "x,1", "not all values are numbers"),
    ],
)
def test_a_bad_row_is_skipped_and_named_by_line_and_many_are_an_error(tmp_path, row, why):
    table = write_tables(tmp_path / "csv", rows=200) / "mitbih_train.csv"
    lines = table.read_text().splitlines()
    lines[6] = row
    table.write_text("\n".join(lines) + "\n")
    got = HeartbeatTables(tmp_path / "csv", "mitbih_csv").read("mitbih_train.csv")
    assert len(got.labels) == 199
    (reason, where), missing = got.skipped.items()
    assert why in reason
    assert where == ["line 7"]
    assert missing == ("missing: the published table has 87,554 rows", ["after line 200"])
    lines[10:15] = [row] * 5
    table.write_text("\n".join(lines) + "\n")
    with pytest.raises(PainlitError, match=r"mitbih_train\.csv: 6 of 200 rows are bad, such as line 7"):
        HeartbeatTables(tmp_path / "csv", "mitbih_csv").read("mitbih_train.csv")


def test_a_table_padded_with_nul_bytes_or_cut_within_a_row_is_named_by_line_and_counted(tmp_path):
    table = write_tables(tmp_path / "csv", rows=200) / "ptbdb_normal.csv"
    whole = table.read_bytes()
    source = HeartbeatTables(tmp_path / "csv", "ptb_csv")
    for content, why in (
        (whole + b"\n  \n", None),
        (whole + bytes(200_000), "NUL bytes"),
        (whole[:-3000], "values, not 188"),
        (whole.replace(b"\n", b'\n"', 1), "not all values are numbers"),
    ):
        table.write_bytes(content)
        got = source.read("ptbdb_normal.csv")
        assert len(got.labels) >= 198
        *reasons, missing = got.skipped
        assert missing == "missing: the published table has 4,046 rows"
        assert [why in reason for reason in reasons] == [True] * bool(why)
    _, findings = check_heartbeats(source)
    assert f"{table} has 200 rows, the published table 4,046" in findings


def test_a_table_in_utf_16_is_named(tmp_path):
    table = write_tables(tmp_path / "csv") / "ptbdb_normal.csv"
    table.write_bytes(table.read_text().encode("utf-16"))
    with pytest.raises(PainlitError, match=r"ptbdb_normal\.csv: \d+ of \d+ rows are bad"):
        HeartbeatTables(tmp_path / "csv", "ptb_csv").read("ptbdb_normal.csv")


@pytest.mark.parametrize("share", [0.1, 0.333, 0.9])
def test_an_annotation_cut_short_is_refused(root, share):
    path = root / "mitdb/300.atr"
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share) // 2 * 2])
    with pytest.raises(PainlitError, match=r"300\.atr is cut short: it has no end mark after \d+ marks"):
        MITBIH(root / "mitdb").read("300")


@pytest.mark.parametrize("resolution", [1000, 250, 125])
def test_an_annotation_of_another_time_resolution_marks_the_same_beats(root, resolution):
    folder = root / "mitdb"
    before, marks = MITBIH(folder).read("300"), wfdb.rdann(str(folder / "300"), "atr")
    rate = wfdb.rdheader(str(folder / "300")).fs
    at = np.round(marks.sample * resolution / rate).astype(int)
    wfdb.wrann("300", "atr", at, symbol=marks.symbol, fs=resolution, write_dir=str(folder))
    after = MITBIH(folder).read("300")
    np.testing.assert_array_equal(before.labels, after.labels)
    assert np.abs(before.beats - after.beats).mean() < 0.02


def test_beats_outside_the_signal_are_told(root):
    folder = root / "mitdb"
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


def test_a_record_of_several_segments_gives_the_same_beats_and_its_segments_are_no_records(root):
    source = MITBIH(root / "mitdb")
    before = source.read("300")
    segmented(root / "mitdb", "300", [7000, 500])
    after = source.read("300")
    np.testing.assert_array_equal(before.labels, after.labels)
    np.testing.assert_allclose(before.beats, after.beats, atol=1e-6)
    assert source.records() == ["300", "301", "302", "303", "304", "305"]
    assert check_heartbeats(source)[1] == []
    assert root / "mitdb/300_3.dat" in source.files("300")
    (root / "mitdb/300_2.dat").unlink()
    with pytest.raises(PainlitError, match=r"300_2\.dat is missing"):
        source.read("300")


def test_files_of_the_operating_system_are_no_records(root):
    for name in ("._300.hea", "._300.dat", ".DS_Store", "Thumbs.db"):
        (root / "mitdb" / name).write_bytes(b"\0\5\x16\7")
    assert MITBIH(root / "mitdb").records() == ["300", "301", "302", "303", "304", "305"]


def test_cases_of_wfdb_records(shared_data, tmp_path):
    (cut,) = (shared_data / "cases").glob("21-*/mitdb/100.atr")
    for file in (cut, shared_data / "mitdb/100.hea", shared_data / "mitdb/100.dat"):
        shutil.copy(file, tmp_path)
    with pytest.raises(PainlitError, match=r"100\.atr is cut short"):
        MITBIH(tmp_path).read("100")
    (folder,) = (shared_data / "cases").glob("24-*")
    assert MITBIH(folder).records() == ["m"]
    assert len(MITBIH(folder).read("m").labels) > 30


def test_the_cache_is_read_again_and_only_changed_records_are_cut_again(root, tmp_path):
    source = MITBIH(root / "mitdb")
    first = open_collection(source, tmp_path)
    times = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "mitbih").glob("*.npz")}
    annotate(root / "mitdb", "303", ["N"] * 20)
    (tmp_path / "mitbih" / "304.npz").write_bytes(b"cut short")
    second = open_collection(source, tmp_path)
    again = {p.name for p in (tmp_path / "mitbih").glob("*.npz") if p.stat().st_mtime_ns != times[p.name]}
    assert again == {"303.npz", "304.npz"}
    assert first.content != second.content
    assert (second.labels[second.record == 3] == 0).all()
    kept = first.record == 4
    np.testing.assert_array_equal(first.beats[kept], second.beats[second.record == 4])


def test_an_inter_patient_split_of_unknown_records_is_refused(root, tmp_path):
    config = load(["ecg.sets=[mitbih]", "ecg.split=inter_patient", f"ecg.roots.mitbih={root}/mitdb"])
    with pytest.raises(PainlitError, match=r"(?s)does not know record 300, 301.*random_beats"):
        opened(config)


def test_all_takes_what_is_there_and_says_what_is_not(root, tmp_path, capsys):
    config = load([f"ecg.roots.mitbih={root}/mitdb", f"ecg.roots.ptb={tmp_path}/none"])
    assert [source.name for source in heartbeat_sources(config)] == ["mitbih"]
    assert "not there, and not learnt from: ptb" in capsys.readouterr().out
    with pytest.raises(PainlitError, match=r"(?s)no heartbeats.*fetch the open MIT-BIH database"):
        heartbeat_sources(load([f"ecg.roots.mitbih={tmp_path}/none", f"ecg.roots.ptb={tmp_path}/none"]))


def test_random_beats_are_divided_once_and_for_all(root, tmp_path):
    config = load([f"ecg.roots.mitbih={root}/mitdb", f"ecg.roots.ptb={root}/ptbdb", "ecg.validation_share=0.25"])
    first, second = (opened(config) for _ in range(2))
    for task, collection in enumerate(first.collections):
        rows = np.concatenate([first.train_rows[task], first.validation_rows[task]])
        np.testing.assert_array_equal(np.sort(rows), np.arange(len(collection.labels)))
        assert len(first.validation_rows[task]) == round(0.25 * len(collection.labels))
        np.testing.assert_array_equal(first.validation_rows[task], second.validation_rows[task])


def test_patients_of_ptb_are_on_one_side(root, tmp_path):
    config = load(["ecg.sets=[ptb]", "ecg.split=inter_patient", f"ecg.roots.ptb={root}/ptbdb"])
    data = opened(config)
    (collection,) = data.collections
    sides = [
        {collection.records[k] for k in collection.record[rows[0]]} for rows in (data.train_rows, data.validation_rows)
    ]
    assert not sides[0] & sides[1]
    assert sides[0] | sides[1] == set(collection.records)


@pytest.mark.parametrize("seed", range(5))
def test_all_records_of_a_patient_of_ptb_are_on_one_side(root, seed: int):
    for patient in (root / "ptbdb").glob("patient*"):
        for file in list(patient.glob("s0001_re.*")):
            text = file.read_bytes()
            text = text.replace(b"s0001_re", b"s0002_re") if file.suffix == ".hea" else text
            file.with_name(f"s0002_re{file.suffix}").write_bytes(text)
    source = PTB(root / "ptbdb")
    records = source.records()
    assert len(records) == 16
    part = source.division(records, "inter_patient", 0.25, seed)
    sides = [{record.split("/")[0] for record, p in zip(records, part, strict=True) if p == side} for side in (0, 1)]
    assert [len(side) for side in sides] == [6, 2], "a patient with two records counts once"
    assert not sides[0] & sides[1]
    assert part.tolist() != source.division(records, "inter_patient", 0.25, seed + 10).tolist()


def test_a_class_without_training_beats_is_named(root, tmp_path):
    for number in range(6):
        annotate(root / "mitdb", str(300 + number), ["N"] * 20)
    config = load(["ecg.sets=[mitbih]", f"ecg.roots.mitbih={root}/mitdb"])
    with pytest.raises(PainlitError, match="no training beat of class S, V, F, Q"):
        opened(config)


def test_check_data_counts_records_and_tells_who_is_left_out(root):
    header = root / "ptbdb/patient002/s0001_re.hea"
    header.write_text(header.read_text().replace("Healthy control", "Myocarditis"))
    inventory, findings = check_heartbeats(PTB(root / "ptbdb"))
    assert inventory[0].startswith("ptb: 7 records in ")
    assert inventory[2] == "  1 records of myocarditis are left out, such as patient002/s0001_re"
    assert not findings


@pytest.mark.parametrize("reader", ["rdheader", "rdrecord", "rdann"])
def test_a_record_that_cannot_be_read_is_named_and_the_good_ones_are_kept(root, tmp_path, monkeypatch, reader):
    read = getattr(wfdb, reader)

    def refuse(record, *given, **named):
        if Path(record).name == source.records()[0]:
            raise PermissionError(13, "Permission denied", f"{record}.hea")
        return read(record, *given, **named)

    source = MITBIH(root / "mitdb")
    monkeypatch.setattr(wfdb, reader, refuse)
    with pytest.raises(PainlitError, match=r"1 of \d+ records .*Permission denied"):
        open_collection(source, tmp_path)
    assert len(list((tmp_path / "mitbih").glob("*.npz"))) == len(source.records()) - 1
