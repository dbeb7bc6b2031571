"""Each row of the paper's tables is an experiment of its own."""

import re
from pathlib import Path

import pytest

from experiments.tables import FOLDER, table_runs
from experiments.tables.__main__ import print_differences
from painlit.config import Config, load, overlay
from painlit.errors import PainlitError
from painlit.report.paper_figures import PAPER_ROWS, compare_with_paper


def from_row(config: Config) -> tuple[str, list[str]]:
    """The row that is found, and what the configuration has otherwise than it."""
    found = compare_with_paper(config)
    assert found is not None
    return found.row.name, [line for line in found.differences if "the row" in line]


def test_there_is_a_file_for_each_row_and_no_other():
    assert sorted(path.stem for path in FOLDER.glob("*.yaml")) == sorted(row.name for row in PAPER_ROWS)
    assert len({row.name for row in PAPER_ROWS}) == 17


@pytest.mark.parametrize("row", PAPER_ROWS, ids=lambda row: row.name)
def test_a_file_says_what_its_row_is(row):
    path = FOLDER / f"{row.name}.yaml"
    config = load([f"config={path}"])
    assert from_row(config) == (row.name, [])
    comments = " ".join(line.lstrip("# ") for line in path.read_text().splitlines() if line.startswith("#"))
    assert f"NP against P4 {row.np_vs_p4[0]:.2f} %, five classes {row.multilevel[0]:.2f} %" in comments
    assert f"Table {row.table[0]}:" in comments
    assert f"{row.epochs} epochs" in comments


def test_all_rows_and_tasks_are_runs_with_names_of_their_own():
    runs = list(table_runs(load()))
    assert len(runs) == 34
    assert len({run.config.folder("loso") for run in runs}) == 34
    assert all(from_row(run.config) == (run.row.name, []) for run in runs)
    assert {run.config.folder("embed") for run in runs} == {Path("runs/embed/biovid"), Path("runs/embed/biovid-stage1")}


def test_the_row_wins_over_the_configuration_and_the_rest_is_kept():
    config = load(["model.modality=video", "model.tile_coefficient=0.7", "train.lr=0.5", "tables.tasks=[multilevel]"])
    runs = {run.row.name: run.config for run in table_runs(config)}
    assert len(runs) == 17
    assert runs["table4_800_encoder_augmnet"].model.modality == "heart_rate"
    assert runs["table3_500_2nd_full_tilesc_basic"].model.tile_coefficient == 0.1
    assert all(ours.train.lr == 0.5 and ours.task == "multilevel" for ours in runs.values())


def test_a_share_of_the_epochs_is_not_called_the_papers():
    config = load(["tables.epoch_share=0.01", "tables.rows=[table5_800_encoder_full_tilesc_augmnet]"])
    (one, _) = table_runs(config)
    assert (one.config.train.epochs, one.config.train.warmup_epochs) == (8, 0)
    assert from_row(one.config) == (one.row.name, ["train.epochs=8, the row has 800"])


def test_an_unknown_row_is_named():
    with pytest.raises(PainlitError, match="no row table9"):
        list(table_runs(load(["tables.rows=[table9]"])))


def test_the_differences_of_all_rows_are_printed(capsys):
    print_differences(list(table_runs(load(["train.lr=0.5"]))))
    printed = capsys.readouterr().out
    number = re.search(r"(\d+) train\.lr=0\.5, the paper's is 0\.0001 \(Table 2\)", printed)
    assert number is not None
    rows = [line for line in printed.splitlines() if line.startswith("table")]
    assert len(rows) == 34
    assert all(re.search(rf"\b{number[1]}\b", row.partition(":")[2]) for row in rows)


def test_an_overlay_keeps_what_its_file_does_not_name(tmp_path: Path):
    (tmp_path / "over.yaml").write_text("train: {lr: 0.5}\n")
    config = overlay(load(["train.epochs=70", "model.modality=video"]), tmp_path / "over.yaml")
    assert (config.train.lr, config.train.epochs, config.model.modality) == (0.5, 70, "video")
    (tmp_path / "typo.yaml").write_text("train: {lrr: 0.5}\n")
    with pytest.raises(PainlitError, match=r"did you mean train\.lr"):
        overlay(config, tmp_path / "typo.yaml")
