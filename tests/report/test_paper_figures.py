import re
from pathlib import Path

import pytest

from painlit.config import load
from painlit.report.paper_figures import PAPER_ROWS, PaperRow, paper_row

NUMBERS = tuple[float, float]


def table_lines(paper: Path, number: str) -> list[list[str]]:
    """The cells of each line of a table that ends in two percentages."""
    text = paper.read_text()
    start = re.search(rf"^TABLE {number} ", text, re.MULTILINE)
    assert start is not None
    lines = text[start.end() :].split("The bold values")[0].splitlines()
    cells = [line.split("\t") for line in lines if re.search(r"\d\d\.\d\d\t\d\d\.\d\d$", line)]
    return [[cell.strip().replace("–", "-") for cell in row] for row in cells]


def figures(row: list[str]) -> NUMBERS:
    return float(row[-2]), float(row[-1])


def test_there_are_9_rows_of_video_7_of_heart_rate_and_1_of_both():
    assert [[row.modality for row in PAPER_ROWS].count(m) for m in ("video", "heart_rate", "fusion")] == [9, 7, 1]


@pytest.mark.parametrize(
    ("modality", "accuracies"), [("video", (77.10, 35.39)), ("heart_rate", (67.04, 31.22)), ("fusion", (82.74, 39.77))]
)
def test_the_best_rows_are_the_abstracts(modality: str, accuracies: NUMBERS):
    best = max((row for row in PAPER_ROWS if row.modality == modality), key=lambda row: row.np_vs_p4[0])
    assert (best.np_vs_p4[0], best.multilevel[0]) == accuracies


@pytest.fixture
def paper(shared: Path) -> Path:
    return shared / "paper" / "paper.txt"


@pytest.mark.parametrize(("modality", "table"), [("video", "3"), ("heart_rate", "4"), ("fusion", "5")])
def test_settings_and_accuracies_are_the_printed_ones(paper: Path, modality: str, table: str):
    rows = [row for row in PAPER_ROWS if row.modality == modality]
    printed = table_lines(paper, table)
    assert len(printed) == len(rows)
    for ours, theirs in zip(rows, printed, strict=True):
        assert (ours.np_vs_p4[0], ours.multilevel[0]) == figures(theirs)
        assert ours.epochs == int(theirs[0])
        assert [ours.basic, ours.masking, ours.augmnet] == [cell == "✓" for cell in theirs[-5:-2]]
        if modality == "heart_rate":
            assert ours.encoder == (theirs[1] == "✓")
        else:
            full, tiles = theirs[-7:-5]
            assert ours.frame_embedding == {"✓-": "full", "-✓": "tiles"}.get(full + tiles, "both")
            assert ours.coefficient == {"-": None, "✓": 1.0, "✓ ^c": 0.1}[tiles]
        if modality == "video":
            assert theirs[1:3] == [["✓", "-"], ["-", "✓"]][ours.stage - 1]


@pytest.mark.parametrize(("modality", "table"), [("video", "A1"), ("heart_rate", "A2"), ("fusion", "A3")])
def test_precision_recall_and_f1_are_the_printed_ones(paper: Path, modality: str, table: str):
    rows = [row for row in PAPER_ROWS if row.modality == modality]
    printed = table_lines(paper, table)
    assert len(printed) == 3 * len(rows)
    for number, ours in enumerate(rows):
        three = printed[3 * number : 3 * number + 3]
        assert [row[1] for row in three] == ["Precision", "Recall", "F1"]
        assert list(zip(ours.np_vs_p4[1:], ours.multilevel[1:], strict=True)) == [figures(row) for row in three]


def row_of(*arguments: str, stage: str = "pretrain-stage2") -> tuple[PaperRow, bool]:
    found = paper_row(load(arguments), stage)
    assert found is not None
    return found


def test_the_default_configuration_is_the_papers_fusion_row():
    row, same = row_of()
    assert same
    assert (row.table, row.np_vs_p4[0]) == ("5 and A3", 82.74)
    assert row_of("task=multilevel") == (row, True)


ALL = ("model.augmnet=true", "model.basic=true", "model.masking=true")


@pytest.mark.parametrize(
    ("arguments", "accuracy"),
    [
        (("model.modality=video", *ALL), 77.10),
        (("model.modality=video", *ALL, "train.epochs=500"), 73.16),
        (("model.modality=video", "model.augmnet=false", "model.basic=true", "train.epochs=500"), 74.86),
        (
            (
                "model.modality=video",
                "model.augmnet=false",
                "model.basic=true",
                "train.epochs=500",
                "model.tile_coefficient=1",
            ),
            65.11,
        ),
        (
            (
                "model.modality=video",
                "model.augmnet=false",
                "model.basic=true",
                "train.epochs=500",
                "model.frame_embedding=full",
            ),
            74.25,
        ),
        (("model.modality=heart_rate",), 67.04),
        (("model.modality=heart_rate", *ALL), 64.84),
        (
            (
                "model.modality=heart_rate",
                "model.augmnet=false",
                "model.basic=true",
                "train.epochs=500",
                "model.heart_rate_encoder.enabled=false",
            ),
            61.70,
        ),
    ],
)
def test_a_row_of_the_paper_is_found_by_its_settings(arguments: tuple[str, ...], accuracy: float):
    row, same = row_of(*arguments)
    assert same
    assert row.np_vs_p4[0] == accuracy


@pytest.mark.parametrize(
    "change",
    [
        "train.epochs=100",
        "train.joint=true",
        "train.lr=1e-3",
        "clip.frames=16",
        "prepare.r_peaks=hamilton",
        "loso.protocol=loso67",
        "spatial.depth=4",
        "model.temporal.token_size=100",
        "model.heart_rate_encoder.latents=32",
        "model.normalise_embeddings=true",
        "model.basic=true",
        "model.temporal.weights=untrained",
        "model.heart_rate_encoder.weights=untrained",
    ],
)
def test_another_configuration_is_never_called_the_papers(change: str):
    row, same = row_of(change)
    assert not same
    assert row.np_vs_p4[0] == 82.74


def test_where_it_runs_does_not_make_it_another_configuration():
    assert row_of("loso.workers=2", "train.accelerator=gpu", "seed=5", "log.wandb=disabled", "data.root=x")[1]


def test_which_pretrained_files_it_took_does_not_either():
    assert row_of("model.temporal.weights=a.safetensors", "model.heart_rate_encoder.weights=b.safetensors")[1]


def test_tasks_the_paper_does_not_report_have_no_row():
    assert paper_row(load(["task=np_vs_p2"]), None) is None
