"""`make tables` and `make report`: rows of the paper's tables, run and shown beside the paper's figures."""

import csv
import dataclasses
import io
import json
import os
import shutil
from contextlib import redirect_stdout
from pathlib import Path

import pytest
from conftest import tiny

from experiments import report
from experiments.tables.__main__ import run
from painlit.models.normalisation import MEAN, STD
from painlit.runs.artefact import write_artefact
from painlit.weights.files import save_weights
from painlit.weights.networks import build_spatial_module

ROWS = ["table3_500_1st_full_basic", "table3_500_2nd_tiles_basic", "table4_500_basic"]
TABLES = [f"tables.rows=[{','.join(ROWS)}]", "tables.tasks=[np_vs_p4]", "tables.epoch_share=0.004", "loso.workers=2"]


def leave_spatial_modules(config) -> None:
    """Weights as stages 1 and 2 leave them."""
    for stage in ("pretrain-stage1", "pretrain-stage2"):
        sizes = {**dataclasses.asdict(config.spatial), "mean": list(MEAN), "std": list(STD)}
        path = Path(config.runs) / stage / "x" / "weights" / "spatial.safetensors"
        save_weights(path, build_spatial_module(config.spatial), {"stage": stage, "spatial": sizes})


@pytest.fixture
def config(tiny_data, tmp_path):
    return tiny(tiny_data, tmp_path / "runs", *TABLES)


@pytest.fixture(scope="module")
def partly_run(tiny_data, tmp_path_factory):
    """Tables for which nobody has left a Spatial-Module: the configuration, the result, and what was printed."""
    config = tiny(tiny_data, tmp_path_factory.mktemp("partly") / "runs", *TABLES)
    with redirect_stdout(io.StringIO()) as output:
        result = run(config)
    return config, result, output.getvalue()


@pytest.fixture
def partly(partly_run, tmp_path):
    """A copy of those runs."""
    runs = shutil.copytree(partly_run[0].runs, tmp_path / "runs")
    return dataclasses.replace(partly_run[0], runs=str(runs))


@pytest.mark.slow
def test_missing_rows_are_run_and_shown_beside_the_papers(config, capsys):
    leave_spatial_modules(config)
    result = run(config)
    assert (len(result.finished), result.failed, result.exit_status) == (3, {}, 0)
    runs = Path(config.runs)
    assert {path.name for path in (runs / "embed").iterdir()} == {"tiny", "tiny-stage1"}
    with open(runs / "tables" / "tiny" / "tables.csv", newline="") as handle:
        lines = list(csv.DictReader(handle))
    assert [line["row"] for line in lines] == ROWS
    assert [line["paper accuracy"] for line in lines] == ["72.56", "68.07", "61.70"]
    assert all("train.epochs" in line["differs from paper in"] for line in lines)
    assert (runs / "tables" / "tiny" / "report.html").is_file()
    assert all((runs / "loso" / name / "report.html").is_file() for name in result.finished)
    printed = capsys.readouterr().out
    assert "not the paper's configuration" in printed

    before = {path: path.stat().st_mtime_ns for path in runs.glob("loso/*/folds/*/*")}
    assert len(run(config).finished) == 3
    assert before == {path: path.stat().st_mtime_ns for path in before}, "a second call trains nothing"


def test_a_row_that_fails_does_not_stop_the_others(partly_run):
    _, result, printed = partly_run
    assert result.exit_status == 1
    assert sorted(result.failed) == [f"tiny-{name}-np_vs_p4" for name in ROWS[:2]]
    assert all("make pretrain-stage" in why for why in result.failed.values())
    assert result.finished == [f"tiny-{ROWS[2]}-np_vs_p4"]
    assert "1 of 34 rows and tasks have results" in printed


def test_report_needs_no_run(config, capsys):
    written = report.run(config)
    assert (written.lines, written.reports) == ([], 0)
    assert "0 of 34 rows and tasks have results; `make tables` runs what is missing" in capsys.readouterr().out


def test_report_writes_pages_anew(partly, capsys):
    config = partly
    (page,) = Path(config.runs).glob("loso/*/report.html")
    os.truncate(page, 0)
    assert report.run(config).reports == 1
    assert page.stat().st_size > 5000

    old, torn = (page.parent.with_name(name) for name in ("old", "torn"))
    for folder in (old, torn):
        shutil.copytree(page.parent, folder)
    results = json.loads((old / "results.json").read_text())
    del results["provenance"]["made_from"]
    write_artefact(old / "results.json", results)
    (torn / "config.yaml").write_text("no_such_key: 1\n")
    assert report.run(config).reports == 1, "what cannot be read does not keep the others from their pages"
    printed = capsys.readouterr().out
    assert f"no report of {old}: another version" in printed
    assert f"no report of {torn}: unknown key 'no_such_key'" in printed


@pytest.mark.slow
def test_lines_come_from_the_runs_and_not_from_the_configuration_given_now(config):
    oracle = dataclasses.replace(config.loso, selection="oracle")
    run(dataclasses.replace(config, loso=oracle))  # only the row of heart rates has what it needs
    plain = dataclasses.replace(config, tables=dataclasses.replace(config.tables, epoch_share=1.0))
    (line,) = report.run(plain).lines
    assert {"train.epochs", "loso.selection"} <= {difference.partition("=")[0] for difference in line.differences}
    assert any("flatter" in remark for remark in line.remarks)
    assert "flatter" in (Path(config.runs) / "tables" / "tiny" / "report.html").read_text()


@pytest.mark.slow
def test_embeddings_of_another_stage_are_refused(config):
    leave_spatial_modules(config)
    names = dataclasses.replace(config, embed=dataclasses.replace(config.embed, name="one"))
    result = run(names)
    assert list(result.failed) == [f"tiny-{ROWS[1]}-np_vs_p4"], "one name cannot hold two Spatial-Modules"


def test_hours_of_all_rows_are_estimated_and_nothing_is_trained(partly):
    config = partly
    (folder,) = Path(config.runs).glob("loso/*")
    for path in folder.glob("folds/*/metrics.json"):
        path.unlink()
    before = sorted(Path(config.runs).rglob("*"))
    only = dataclasses.replace(config.tables, rows=ROWS[2:])
    dry = dataclasses.replace(config, tables=only, loso=dataclasses.replace(config.loso, dry_run=True))
    assert run(dry).hours > 0
    assert sorted(Path(config.runs).rglob("*")) == before
