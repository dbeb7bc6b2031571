"""report.html: everything is in it, and nothing else is needed to read it."""

import re
from pathlib import Path

import pytest
from page_outline import Outline

from painlit.config import load
from painlit.report import run_report
from painlit.report.curve_chart import HEIGHT, HELD_OUT, LEFT, TOP, WIDTH, panels
from painlit.report.run_report import write_report
from painlit.report.tables_report import write_tables
from painlit.report.terminal import print_results


@pytest.fixture
def page(results, tmp_path: Path) -> str:
    write_report(load(["data.is_biovid=false"]), results, tmp_path / "report.html")
    return (tmp_path / "report.html").read_text()


def test_every_part_is_there(page: str, results):
    outline = Outline(page)
    assert outline.headings == [
        *("Metrics", "Beside simple models", "Training", "Subjects", "What goes wrong"),
        *("Confusion", "Calibration", "Groups"),
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


@pytest.mark.parametrize("selection", ["last", "inner", "oracle"])
def test_the_held_out_curve_is_marked_by_what_it_decides(results, tmp_path: Path, selection: str):
    write_report(load(["data.is_biovid=false"]), {**results, "selection": selection}, tmp_path / "report.html")
    text = " ".join((tmp_path / "report.html").read_text().split())
    assert HELD_OUT[selection] in text
    assert ("never used" in text) == (selection != "oracle")


def test_wrong_people_and_clips_are_named_the_confident_first(results, tmp_path: Path):
    one_class = {"010114_m_21": 1, "020114_w_22": 0}
    results["findings"]["one_class"] = one_class
    write_report(load(["data.is_biovid=false"]), results, tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text()
    assert "010114_m_21 (P4), 020114_w_22 (NP)" in page
    clips = [page.index(f"<td>{clip['clip']}</td>") for clip in results["findings"]["worst_clips"]]
    assert clips == sorted(clips)
    first = results["findings"]["worst_clips"][0]
    true, predicted = (("NP", "P4")[first[key]] for key in ("label", "prediction"))
    assert f"<td>{first['subject']}</td><td>{true}</td><td>{predicted}</td>" in page


def test_a_run_without_a_wrong_clip_has_nobody_to_name(results, tmp_path: Path):
    results["findings"] |= {"worst_people": [], "worst_clips": [], "wrong_clips": 0}
    write_report(load(["data.is_biovid=false"]), results, tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text()
    assert "No clip is predicted wrong." in page
    assert "<h3>" not in page


def test_the_run_stands_beside_simple_models(results, page: str, capsys):
    text = " ".join(" ".join(Outline(page).words).split())
    majority = results["simple_baselines"]["majority class"]
    gain, low, high = (f"{100 * v:+.2f}" for v in (majority["difference"], *majority["difference_95"]))
    assert f"majority class 50.00 50.00 to 50.00 {gain} {low} to {high} {majority['p']:.3g}" in text
    assert "in 0 of 24 people a class of theirs is never predicted" in text
    assert "accuracy on training clips 99.00 %" in text
    print_results(load(["data.is_biovid=false"]), results)
    printed = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert f"majority class 50.00 50.00 to 50.00 {gain} {low} to {high} {majority['p']:.3g}" in printed
    gap = 100 * (0.99 - results["pooled"]["accuracy"])
    assert f"accuracy on training clips: 99.00 %, gap to held-out people {gap:+.2f} points" in printed


def test_learning_curves_lie_where_their_numbers_say():
    curves = {
        name: {"epoch": [2.0, 4.0, 6.0], "train_loss": [1.0, 0.5, 0.0], "train_accuracy": [0.5, 0.5, 1.0],
               "held_out_loss": [1.0, 1.0, loss], "held_out_accuracy": [0.0, 0.5, 0.5]}
        for name, loss in (("a", 1.0), ("b", 9.0))
    }  # fmt: skip
    accuracy, loss = panels(curves)
    bottom, middle, right = HEIGHT - 34, LEFT + (WIDTH - LEFT - 12) / 2, WIDTH - 12
    half = (TOP + bottom) / 2
    assert accuracy.means["train"] == f"{LEFT:.1f},{half:.1f} {middle:.1f},{half:.1f} {right:.1f},{TOP:.1f}"
    assert accuracy.means["held_out"].startswith(f"{LEFT:.1f},{bottom:.1f} ")
    assert [label for _, label in accuracy.ticks] == ["0", "25", "50", "75", "100"]
    assert (accuracy.first, accuracy.last, accuracy.cut, loss.cut) == (2, 6, False, True)
    assert [label for _, label in loss.ticks] == ["0", "2", "4", "6", "8"], "the mean ends at 5"
    assert loss.folds["held_out"][1].endswith(f"{right:.1f},{TOP:.1f}"), "9 is cut"
    assert len(loss.folds["train"]) == 2


def test_a_training_of_one_epoch_has_a_chart():
    one = {"epoch": [1.0], "train_loss": [0.0], "train_accuracy": [0.5], "held_out_loss": [0.0]}
    accuracy, _ = panels({"a": {**one, "held_out_accuracy": [0.5]}})
    assert accuracy.means["train"].startswith(f"{LEFT:.1f},")


def test_a_row_of_the_confusion_is_a_true_class_with_its_shares(results, tmp_path, monkeypatch):
    given = {}
    monkeypatch.setattr(run_report, "write_page", lambda *_, **values: given.update(values))
    results["pooled"]["confusion"] = [[30, 10], [5, 15]]
    write_report(load(["data.is_biovid=false"]), results, tmp_path / "report.html")
    assert given["confusion"] == [[(30, 0.75), (10, 0.25)], [(5, 0.25), (15, 0.75)]]
