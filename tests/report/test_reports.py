"""report.html: everything is in it, and nothing else is needed to read it."""

import re
from pathlib import Path

import pytest
from page_outline import Outline

from painlit.config import load
from painlit.report import run_report
from painlit.report.run_report import write_report
from painlit.report.tables_report import write_tables


@pytest.fixture
def page(results, tmp_path: Path) -> str:
    write_report(load(["data.is_biovid=false"]), results, tmp_path / "report.html")
    return (tmp_path / "report.html").read_text()


def test_every_part_is_there(page: str, results):
    outline = Outline(page)
    assert outline.headings == [
        *("Metrics", "Subjects", "Confusion", "Calibration", "Groups"),
        *("What choosing the epoch on the test subject does", "What made this"),
    ]
    text = " ".join(outline.words)
    assert f"{100 * results['pooled']['accuracy']:.2f} %" in text
    assert all(subject in text for subject in results["per_subject"])
    assert "1 folds are not finished" in text
    assert "no face" in text
    assert "d41d8" in text
    assert page.count("<circle") == 24 + len(results["reliability"])


def test_nothing_outside_the_file_is_needed_and_words_of_data_are_no_html(page: str):
    outline = Outline(page)
    assert not outline.tags & {"script", "img", "iframe", "object"}
    links = {part[key] for _, part in outline.elements for key in ("href", "src") if key in part}
    assert links == {"data:,"}
    assert not re.search(r"@import|url\(|https?:", page)
    assert "&lt;b&gt;&amp;&lt;/b&gt;" in page


def test_the_papers_figures_stand_beside_pain_data_alone(results, page: str, tmp_path: Path):
    assert "paper" not in page.split("<h2>Subjects")[0].split("</style>")[1]
    write_report(load(), results, tmp_path / "biovid.html")
    text = " ".join(Outline((tmp_path / "biovid.html").read_text()).words)
    difference = 100 * results["pooled"]["accuracy"] - 82.74
    assert "82.74" in text
    assert f"{difference:+.2f}".replace("-", "−") in text
    assert "train.joint=false, the paper's is true (3.2.4: the entire framework undergoes training)" in text
    assert "1 clips are left out" in text


def test_the_tables_show_differences_and_what_deviates(line, tmp_path: Path):
    write_tables(load(["data.is_biovid=false"]), [line], of=34, path=tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text()
    text = " ".join(Outline(page).words)
    assert "1 of 34 rows" in text
    assert "−4.25" in text
    assert "differs in: clip.frames=16, the paper's is null (4)" in " ".join(text.split())
    assert "epochs were selected on the test subjects" in text
    assert "not pain data" in text


def test_a_row_of_the_confusion_is_a_true_class_with_its_shares(results, tmp_path, monkeypatch):
    given = {}
    monkeypatch.setattr(run_report, "write_page", lambda *_, **values: given.update(values))
    results["pooled"]["confusion"] = [[30, 10], [5, 15]]
    write_report(load(["data.is_biovid=false"]), results, tmp_path / "report.html")
    assert given["confusion"] == [[(30, 0.75), (10, 0.25)], [(5, 0.25), (15, 0.75)]]
