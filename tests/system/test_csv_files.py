import csv

import pytest

from painlit.errors import PainlitError
from painlit.system.csv_files import read_csv, write_csv

FORMULAS = ["=1+1", "+1+1", "-2+3", "@SUM(A1)", "\tx", "\rx", "-name"]


def test_a_spreadsheet_meets_no_formula_and_what_was_written_comes_back(tmp_path):
    rows = [["clip", "why"], *([cell, "a, b"] for cell in [*FORMULAS, "'=x", "''-", "plain", "it's", "'quoted'", ""])]
    write_csv(tmp_path / "a.csv", rows)
    assert list(read_csv(tmp_path / "a.csv")) == rows
    with open(tmp_path / "a.csv", newline="", encoding="utf-8") as handle:
        cells = [row[0] for row in csv.reader(handle)]
    assert not [cell for cell in cells if cell.startswith(tuple("=+-@\t\r"))]


def test_numbers_stay_numbers(tmp_path):
    write_csv(tmp_path / "a.csv", [[-1, -0.5, "-12.25", "+3", "-1e-05", "-.5"]])
    assert (tmp_path / "a.csv").read_text(encoding="utf-8") == "-1,-0.5,-12.25,+3,-1e-05,-.5\n"


@pytest.mark.parametrize(
    "content", ["a,b\n\xe4,c\n".encode("latin-1"), "a,b\n".encode("utf-16"), b"a," + b"x" * 200_000]
)
def test_what_is_no_csv_is_named(content, tmp_path):
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(PainlitError, match=r"a\.csv"):
        list(read_csv(tmp_path / "a.csv"))
