"""The ready-made tables of heartbeats: their split, and rows and files that are damaged."""

from pathlib import Path

import numpy as np
import pytest
from made_up_heartbeats import opened

from data_modules.heartbeats.check import check_heartbeats
from data_modules.heartbeats.tables import HeartbeatTables
from painlit.config import load
from painlit.errors import PainlitError


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
