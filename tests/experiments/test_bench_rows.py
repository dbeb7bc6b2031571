"""The table of `make bench`."""

import sys

import pytest

import experiments.bench.rows
from experiments.bench.curves import Curve
from experiments.bench.resident import Cost, Use, in_new_process, use_of
from experiments.bench.rows import Row, markdown, record
from painlit.errors import PainlitError
from painlit.system.files import read_json
from painlit.system.processes import cores

HEAD = {
    "date": "2026-11-27 03:00", "quick": False, "processor": "AMD EPYC", "cores": 2, "threads": 1, "memory_gib": 23.5,
    "load": 0.4, "instruction sets": ["avx2", "fma3"], "versions": {"python": "3.11.7", "torch": "2.14.1"},
}  # fmt: skip


@pytest.fixture
def head(monkeypatch):
    """The description of the machine; changed by a test, it is another run."""
    machine = dict(HEAD)
    monkeypatch.setattr(experiments.bench.rows, "head", lambda: dict(machine))
    return machine


def lines_of(text, benchmark):
    return text.partition(f"## {benchmark}\n\n")[2].partition("\n## ")[0].strip().split("\n")


def test_a_row_is_over_rounds_and_beside_its_peer():
    row = Row.of("ours", [3.0, 1.0, 2.0], "s", "timm", [4.0, 9.0, 5.0])
    assert (row.median, row.least, row.greatest, row.rounds) == (2, 1, 3, 3)
    assert row.times_the_peers == 2.5, "the peer takes 2.5 times as long"
    assert Row.of("ours", [3.0], "s").times_the_peers is None


def test_the_table_has_the_rows_and_their_head():
    rows = [vars(Row.of("ours", [1.0, 2.0, 3.0], "s", "timm", [5.0])), vars(Row("alone", 0.123456, None, None, "s", 4))]
    summary, _, *table = lines_of(markdown({"spatial": {"head": HEAD, "rows": rows}}), "spatial")
    assert summary == ("2026-11-27 03:00. AMD EPYC, 2 cores, 1 threads, 23.5 GiB, load 0.4 at the end; avx2, fma3. "
                    "python 3.11.7, torch 2.14.1.")  # fmt: skip
    assert table == [
        "| what | median | least | greatest | unit | rounds | times the peer's |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        "| ours | 2 | 1 | 3 | s | 3 | 2.50 (timm) |",
        "| alone | 0.1235 |  |  | s | 4 |  |",
    ]
    quick = markdown({"spatial": {"head": HEAD | {"quick": True}, "rows": rows}})
    assert "quick run" in quick


def test_rows_of_other_benchmarks_stay_under_their_own_head(tmp_path, head):
    place = tmp_path / "bench" / "speed.json"
    record("spatial", [Row.of("before", [1.0], "s")], place)
    record("temporal", [Row.of("a step", [2.0], "s")], place)
    head |= {"date": "2026-11-28 09:00", "quick": True}
    record("spatial", [Row.of("after", [3.0], "s")], place)
    text = place.with_suffix(".md").read_text()
    spatial, temporal = lines_of(text, "spatial"), lines_of(text, "temporal")
    assert "2026-11-28" in spatial[0]
    assert "quick run" in spatial[0]
    assert [line.split(" | ")[0] for line in spatial[4:]] == ["| after"], "in the place of the earlier run's"
    assert "2026-11-27" in temporal[0]
    assert "quick run" not in temporal[0]
    assert temporal[4].startswith("| a step | 2 |")
    assert list(read_json(place)) == ["spatial", "temporal"]


def test_a_damaged_table_is_named_and_kept(tmp_path, head):
    place = tmp_path / "speed.json"
    place.write_text('{"spatial": ')
    with pytest.raises(PainlitError, match="delete it"):
        record("temporal", [Row.of("a step", [2.0], "s")], place)
    assert place.read_text() == '{"spatial": '


def test_growth_is_fitted_to_the_upper_half_of_sizes():
    costs = [[Cost(s, s, 7, 1), Cost(s, s, 9, 1), Cost(100 * s, s, 8, 1)] for s in (5.0, 5.0, 5.0, 10.0, 20.0)]
    curve = Curve("assessing", "s", (1, 2, 10, 20, 40), costs)
    assert curve.exponent("seconds") == pytest.approx(1)
    assert curve.exponent("megabytes") == pytest.approx(0)
    rows = {row.what: row for row in curve.rows()}
    assert rows["assessing, 10 s: time"].greatest == 500
    assert rows["assessing, 40 s: memory"].median == 8


def test_what_comes_once_is_not_scaled():
    few, many = Use(wall=12.0, cpu=14.0, wanted=10.0), Use(wall=16.0, cpu=22.0, wanted=10.4)
    assert few.scaled(many, 2, 6, 100) == pytest.approx((110.0, 210.0, 19.8))


def test_a_command_is_measured_with_all_its_processes():
    spin = "import time; end = time.process_time() + 0.7\nwhile time.process_time() < end: pass"
    both = f"import subprocess, sys; c = [subprocess.Popen([sys.executable, '-c', {spin!r}]) for _ in range(2)]"
    use = in_new_process(use_of, [sys.executable, "-c", both])
    assert use.cpu >= 1.4, "though the command itself has ended before they have"
    waited = in_new_process(use_of, [sys.executable, "-c", both + "\n[p.wait() for p in c]"])
    assert 0 < waited.wanted <= waited.wall * cores()
    with pytest.raises(PainlitError, match="no such word"):
        in_new_process(use_of, [sys.executable, "-c", "raise SystemExit('no such word')"])
