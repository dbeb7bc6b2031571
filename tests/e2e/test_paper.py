"""`make paper`, end to end on tiny data: from pretraining to the page, and a second call that trains nothing."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import pretraining

from experiments import paper
from painlit.config import load
from painlit.errors import PainlitError
from painlit.report.figure3 import ROW_OF_PIPELINE

ROWS = "tables.rows=[table4_500_basic,table5_800_encoder_full_tilesc_augmnet]"
ONE_LATENT_SET = "model.temporal.weights=auto model.heart_rate_encoder.weights=auto stage2.weights=auto".split()


def wanted(tiny_data: Path, tiny_sets: Path, runs: Path):
    """Two rows of the tables, from weights that its own steps leave."""
    own = [f"data.root={tiny_data}", ROWS, "tables.tasks=[np_vs_p4]", "paper.epoch_share=0.004", "paper.timings=1"]
    return load([*pretraining(tiny_sets, runs), *ONE_LATENT_SET, "loso.workers=2", "paper.accept_data=true", *own])


@pytest.mark.slow
def test_one_command_leaves_every_table_and_figure(tiny_data, tiny_sets, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("experiments.paper_outputs._papers_sizes", lambda config: config)  # theirs take a minute
    config = wanted(tiny_data, tiny_sets, tmp_path / "runs")
    result = paper.run(config)
    assert result.exit_status == 0
    printed = capsys.readouterr().out
    assert "Table 7" in printed
    left = {path.name for path in result.folder.iterdir()}
    assert left >= {"paper.html", "table6.csv", "table7.csv", "figure3.png", "figure3.svg", "timing.json"}
    page = (result.folder / "paper.html").read_text()
    assert "A trial: 0.4 % of all epochs" in page
    assert "not pain data" in page
    (run,) = (tmp_path / "runs" / "loso").glob("*table5*")
    accuracy = 100 * json.loads((run / "results.json").read_text())["pooled"]["accuracy"]
    with open(result.folder / "table6.csv", newline="") as handle:
        ours = [row for row in csv.DictReader(handle) if row["study"] == "painlit"]
    assert [row["NP vs. P4 %"] for row in ours] == ["", "", f"{accuracy:.2f}"]
    seconds = json.loads((result.folder / "timing.json").read_text())["seconds"]
    assert list(seconds) == list(ROW_OF_PIPELINE)
    assert seconds["video with tiles"]["all"] > seconds["heart rate"]["all"]

    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "runs").glob("*/*/metrics.json")}
    before |= {path: path.stat().st_mtime_ns for path in (tmp_path / "runs").glob("loso/*/folds/*/metrics.json")}
    again = paper.run(config)
    assert again.took == {}, "everything is finished"
    assert before == {path: path.stat().st_mtime_ns for path in before}
    assert "timed anew" not in capsys.readouterr().out
    with pytest.raises(PainlitError, match=r"made differently: train\.epochs was 2 and is now 5"):
        paper.run(replace(config, paper=replace(config.paper, epoch_share=0.01, only=["table6"])))
