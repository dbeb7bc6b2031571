"""paper.html: the paper's order, ours beside the paper's, and what it is when it is no pain data or a trial."""

import pytest
from page_outline import Outline
from paper_pages import write_page

from painlit.config import load
from painlit.report.paper_figures import shared_lines


@pytest.fixture
def text(line, tmp_path) -> str:
    return write_page(line, tmp_path / "paper.html")


def test_everything_is_there_in_the_papers_order(text):
    assert Outline(text).headings == [
        *("Pretraining (3.4)", "Table 2: training of pain models"),
        *("Table 3 (accuracy)", "Table 4 (accuracy)", "Table 5 (accuracy)"),
        *("Table 6: studies on BioVid, leave-one-subject-out", "Figure 3: time for a clip against accuracy"),
        "Table 7: parameters and multiply-accumulates",
        "Figures 4, A1 and A2: attention maps",
        *(f"Table A{k - 2}: precision, recall and F1 of Table {k}" for k in (3, 4, 5)),
        "What made this",
    ]
    assert 'href="../../loso/x/report.html"' in text
    assert 'href="https://doi.org/10.1109/TMM.2021.3096080"' in text


def test_our_sizes_and_the_papers_are_distinguished(text):
    rows = [row for row in text.split("<tr") if "61.37" in row]
    assert len(rows) == 1
    assert "painlit" in rows[0]
    (papers,) = [row for row in text.split("<tr") if "82.74" in row]
    assert "the paper" in papers
    assert "2,565,100" in text
    assert "a remark of ours" in text


def test_other_sizes_stand_in_columns_of_their_own(line, tmp_path):
    plain = write_page(line, tmp_path / "plain.html")
    small = write_page(line, tmp_path / "small.html", load(["spatial.depth=2"]))
    assert "this configuration: parameters" in small
    assert "this configuration: parameters" not in plain


def test_stand_in_data_and_a_trial_are_called_that(line, text, tmp_path):
    assert "not pain data" not in text
    assert "A trial" not in text
    trial = write_page(line, tmp_path / "trial.html", load(["data.is_biovid=false"]), epoch_share=0.02)
    assert "Stand-in data, not pain data" in trial
    assert "A trial: 2 % of all epochs" in trial


def test_the_page_says_where_it_was_timed_and_that_other_work_ran(text):
    words = " ".join(Outline(text).words)
    assert "Timed on a processor, 2 cores, 2 threads" in words
    assert "other work ran beside it" in words
    assert "Intel Core i7-8750H" in words


def test_a_line_that_a_row_has_twice_counts_once():
    assert shared_lines([["a", "a", "b"], ["a"]]) == ["a", "1 of 2 rows: b"]
