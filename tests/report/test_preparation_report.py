"""report.html of a preparation: what is in it, when it is written anew, and that nothing stops it."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from page_outline import Outline


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "report.html"


def outline(preparation, path: Path, *settings: str) -> Outline:
    path.unlink(missing_ok=True)
    assert preparation.write(path, *settings)
    return Outline(path.read_text(), "circle", "path")


def test_the_summary_counts(preparation, path):
    text = outline(preparation, path).text
    assert "NP 3 · P1 3" in text
    assert "clips 6 4 subjects, 2 classes" in text
    assert "usable for both 3 video 5, heart rate 4" in text
    assert "refused 3 2 ECG, 1 video" in text
    assert "repaired 2" in text
    assert "Stand-in data, not pain data" in text
    assert "1 subjects have no usable video: faceless" in text
    assert "Stand-in" not in outline(preparation, path, "data.is_biovid=true").text


def test_words_of_the_data_are_words_and_nothing_else_is_needed(preparation, path):
    found = outline(preparation, path)
    assert preparation.odd_name in found.text
    assert not found.all("b") or all(not b for b in found.all("b"))
    assert not found.tags & {"script", "iframe", "object"}
    assert not re.search(r"@import|url\(|https?:", path.read_text())
    assert all(image["src"].startswith("data:image/") for image in found.all("img"))


def test_every_picture_says_what_it_shows(preparation, path):
    found = outline(preparation, path)
    assert len(found.all("img")) == 3 * 4
    assert "Crop of lost, frame 7 of 20 (worst), no face found there" in [image["alt"] for image in found.all("img")]
    charts = [svg["aria-label"] for svg in found.all("svg")]
    assert len(charts) == 6
    assert "a: 5 R peaks; heart rates 77, 77, 77, 77 bpm" in charts
    assert "e: 5 R peaks; heart rates unknown bpm" in charts
    blurred = outline(preparation, path, "report.faces=blur").all("img")
    assert len(blurred) == 12
    assert all(image["alt"].startswith("Blurred crop of") for image in blurred)


def test_faces_are_left_out_on_demand_and_the_rest_stays(preparation, path):
    found = outline(preparation, path, "report.faces=none")
    assert not found.all("img")
    assert "no face in 4 of 20 frames" in found.text
    assert "Faces are left out" in found.text


def test_refusals_and_repairs_are_there_with_their_remedies(preparation, path):
    text = outline(preparation, path).text
    assert "video: no face in any of 20 frames → look at" in text
    assert "ECG: the file has 899 rows instead of 1024 → copy it again" in text
    assert "no face in 4 of 20 frames, boxes interpolated" in text
    assert "was repaired" in text


def test_what_was_inferred_is_listed_apart_and_is_no_repair(preparation, path):
    preparation.rows = [replace(row, signal_notes=(*row.signal_notes, "decimal commas")) for row in preparation.rows]
    found = outline(preparation, path)
    assert "repaired 2" in found.text
    assert "#inferred" in [link["href"] for link in found.all("a")]
    assert found.text.index("Inferred How recordings were read") > found.text.index("was repaired")
    assert "decimal commas" in found.text


def test_the_ecgs_of_lowest_quality_are_drawn_lowest_first(preparation, path):
    calm = preparation.rows[0]
    qualities = np.random.default_rng(0).permutation(30) / 30
    preparation.rows += [replace(calm, name=f"q{q:.2f}", ecg_quality=q) for q in qualities]
    preparation.clips |= {row.name: replace(preparation.clips["a"], name=row.name) for row in preparation.rows[6:]}
    found = outline(preparation, path)
    names = [svg["aria-label"].split(":")[0] for svg in found.all("svg")]
    assert names == ["e", *(f"q{k / 30:.2f}" for k in range(12))]
    assert "quality 0.00" in found.text


def test_of_rates_without_a_signal_those_that_jump_are_drawn_first(preparation, path):
    calm = replace(preparation.rows[0], ecg_quality=None)
    rates = {"wearable": [70.0, 71, 70, 70], "jumping wearable": [70.0, 140, 70, 70]}
    preparation.rows = [replace(calm, name=name, bpm=np.array(bpm)) for name, bpm in rates.items()]
    preparation.clips = {name: replace(preparation.clips["a"], name=name) for name in rates}
    preparation.problems = []
    found = outline(preparation, path)
    assert [svg["aria-label"] for svg in found.all("svg")] == [
        "jumping wearable: 0 R peaks; heart rates 70, 140, 70, 70 bpm",
        "wearable: 0 R peaks; heart rates 70, 71, 70, 70 bpm",
    ]
    assert not found.all("circle")


def test_it_is_written_anew_if_and_only_if_something_changed(preparation, path):
    assert preparation.write(path)
    before = path.read_bytes()
    assert not preparation.write(path)
    assert preparation.write(path, "report.faces=blur")
    assert preparation.write(path)
    assert path.read_bytes() == before
    assert preparation.write(path, "face.margin=0.1")
    preparation.rows[0] = replace(preparation.rows[0], video_notes=("a note",))
    assert preparation.write(path, "face.margin=0.1")
    preparation.problems.pop()
    assert preparation.write(path, "face.margin=0.1")
    assert not preparation.write(path, "face.margin=0.1")
    path.unlink()
    assert preparation.write(path, "face.margin=0.1")


@pytest.mark.parametrize("file", ["video", "ecg"])
def test_a_recording_that_is_gone_has_its_reason_until_it_is_back(preparation, path, file: str):
    gone = getattr(preparation.clips["c"], file)
    content = gone.read_bytes()
    gone.unlink()
    text = outline(preparation, path).text
    assert f"{gone}" in text
    assert preparation.write(path), "it may be back"
    gone.write_bytes(content)
    assert preparation.write(path)
    assert not preparation.write(path)


def test_there_may_be_nothing_to_show(preparation, path):
    preparation.rows = [preparation.rows[4]]
    preparation.rows[0] = replace(preparation.rows[0], bpm=None, ecg_quality=None, signal_problem="x")
    preparation.clips["d"].ecg.unlink()
    preparation.problems = [("d", "video", "no face"), ("d", "ecg", "no such file")]
    text = outline(preparation, path).text
    assert "No clip has a face." in text
    assert "No clip has a heart rate." in text
    assert "usable for both 0 video 0, heart rate 0" in text
