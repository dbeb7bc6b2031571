"""What `save` leaves: three files that are whole, agree with the assessment, and give away no more than they should."""

import json
import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from painlit.errors import PainlitError
from painlit.inference.pages.moments import highest
from painlit.inference.pages.page import plain_values
from painlit.inference.pages.summary import alternative, reasons, summary
from painlit.runs.artefact import DamagedError, read_artefact

ODD = "<script>document.title='taken'</script>"
FILES = {"assessment.html", "assessment.csv", "assessment.json"}


def visible(page: Path) -> str:
    """The text of a page, without scripts and styles."""
    text = re.sub(r"<(script|style).*?</\1>", "", page.read_text(), flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", text))


def drawn(page: str) -> dict:
    """The figure within a page."""
    return json.loads(page.partition('id="drawn">')[2].partition("</script>")[0])


def test_the_table_comes_back(make_assessment, tmp_path: Path):
    found = make_assessment()
    page = found.save(tmp_path / "new" / "folder")
    assert page == tmp_path / "new" / "folder" / "assessment.html"
    assert {path.name for path in page.parent.iterdir()} == FILES
    back = pd.read_csv(page.with_name("assessment.csv"), float_precision="round_trip", keep_default_na=False,
                       na_values={name: [""] for name in found.table.select_dtypes("number")})  # fmt: skip
    pd.testing.assert_frame_equal(back, found.table, check_exact=True)


def test_the_record_is_sealed_json_without_nan(make_assessment, tmp_path: Path):
    found = make_assessment(seconds_taken={"video": np.float32(2.5)}, temperature={"video": math.nan})
    path = found.save(tmp_path).with_name("assessment.json")

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    json.loads(path.read_text(), parse_constant=refuse)
    record = read_artefact(path, "assess it again")
    assert record["about"] == plain_values({**found.about})
    assert record["about"]["temperature"] == {"video": None}
    assert len(record["table"]) == len(found.table)
    assert record["table"][80]["score"] is None
    back = pd.DataFrame(record["table"]).astype(found.table.dtypes)
    pd.testing.assert_frame_equal(back, found.table, check_exact=True)
    path.write_text(path.read_text().replace('"severe"', '"mild"', 1))
    with pytest.raises(DamagedError):
        read_artefact(path, "assess it again")


@pytest.mark.parametrize("size", [1000, 5_500_000])
def test_a_disk_that_fills_leaves_no_half_file(make_assessment, tmp_path: Path, full_disk, size: int):
    found = make_assessment(seconds=20, pictures=3)
    found.save(tmp_path)
    with (
        full_disk(size if size < 5e6 else (tmp_path / "assessment.html").stat().st_size - 10),
        pytest.raises(PainlitError, match=r"assessment\.html: .*\n.*free some space"),
    ):
        found.save(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == FILES - {"assessment.json"}, "the folder is not finished"
    found.save(tmp_path)
    read_artefact(tmp_path / "assessment.json", "")


def test_a_folder_that_cannot_be_made_is_named(make_assessment, tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        make_assessment(seconds=20).save(tmp_path / "file" / "folder")


def test_an_hour_is_a_page_of_less_than_8_mb(make_assessment, tmp_path: Path):
    found = make_assessment(seconds=3600, pictures=36)
    page = found.save(tmp_path, faces="show")
    assert page.stat().st_size < 8e6
    assert "one of 12" in visible(page)
    assert visible(page).count("no pain, moderate, severe") >= 1


def test_the_summary_says_what_the_table_says(make_assessment):
    found = make_assessment()
    figures = summary(found)
    score = found.table["score"]
    assert (figures["windows"], figures["scored"], figures["length"]) == (295, 265, "5:00")
    assert figures["mean"] == pytest.approx(score.mean())
    assert [peak["score"] for peak in figures["highest"]] == pytest.approx([score.max(), score[200:].max()])
    assert figures["highest"][0]["time"] == "2:13–2:18"
    assert figures["face_found"] == found.evidence.frames["found"].mean()
    assert figures["rates"][:2] == (found.evidence.heart_rates["bpm"].min(), found.evidence.heart_rates["bpm"].max())
    assert dict(figures["used"]) == {"video+heart_rate": 230, "video": 35, "": 30}
    assert [(kind["windows"], kind["scored"], kind["times"]) for kind in reasons(found)] == [
        (30, False, ["1:10–1:40"]),
        (35, True, ["3:00–3:35"]),
    ]
    assert "No score in 1:10–1:40 (face found in 12 % of the frames" in alternative(found)


def test_highest_scores_stand_out_and_do_not_overlap(make_assessment):
    table = make_assessment(seconds=40).table
    table["score"] = np.r_[0.5, 0.1, 0.1, np.nan, 0.12, 0.1, 0.6, 0.58, 0.62, np.full(len(table) - 9, 0.1)]
    assert highest(table, 5) == [8, 0]
    table["score"] = np.nan
    assert highest(table, 5) == []
    table["score"] = 0.3
    assert len(highest(table, 5)) == 1


def test_an_assessment_without_any_score_is_written(make_assessment, tmp_path: Path):
    found = make_assessment(seconds=30)
    found.table.loc[:, [c for c in found.table if c.startswith("p_")] + ["score", "spread", "uncertainty"]] = np.nan
    found.table.loc[:, ["prediction", "used"]] = ""
    found.table["reason"] = "no face in any frame"
    text = visible(found.save(tmp_path))
    assert "No score in 100 %" in text
    assert "highest score" not in text.partition("Over time")[0]
    assert "nothing in 100 % of the windows" in text
    empty = replace(found, evidence=replace(found.evidence, frames=found.evidence.frames[:0], pictures=(), ecg=None,
                                            heart_rates=found.evidence.heart_rates[:0]))  # fmt: skip
    assert "heart rate" not in visible(empty.save(tmp_path)).partition("Over time")[0]


@pytest.mark.parametrize("is_pain", [True, False])
def test_a_stand_in_says_so_and_its_scores_are_not_called_pain(make_assessment, tmp_path: Path, is_pain: bool):
    found = make_assessment(seconds=30, classes=("calm", "talking"), is_pain=is_pain)
    page = found.save(tmp_path)
    text = visible(page).replace("painlit", "")
    assert ("stand-in data" in text) != is_pain
    assert ("say nothing" in text) != is_pain
    assert ("Pain score" in page.read_text()) == is_pain
    if not is_pain:
        assert "pain" not in text.lower()
    assert "not a diagnosis" in text


def test_faces_are_blurred_shown_or_left_out(make_assessment, tmp_path: Path):
    found = make_assessment(seconds=30)
    default = found.save(tmp_path / "default").read_text()
    blurred = found.save(tmp_path / "blur", faces="blur").read_text()
    shown = found.save(tmp_path / "show", faces="show").read_text()
    none = found.save(tmp_path / "none", faces="none").read_text()
    assert default == blurred
    count = len(found.evidence.pictures)
    assert [image["source"][:15] for image in drawn(blurred)["layout"]["images"]] == ["data:image/png;"] * count
    assert [image["source"][:15] for image in drawn(shown)["layout"]["images"]] == ["data:image/jpeg"] * count
    assert "images" not in drawn(none)["layout"]
    sharp = {image["source"].partition(",")[2] for image in drawn(shown)["layout"]["images"]}
    assert not any(pixels in blurred.replace("\\u002f", "/") for pixels in sharp)
    assert "<img" not in none
    assert "Faces are left out" in none
    assert all(f'alt="{word} at 0:' in page for word, page in (("Blurred face", blurred), ("Face", shown)))
    with pytest.raises(PainlitError, match="faces='no'"):
        found.save(tmp_path / "no", faces="no")
    assert not (tmp_path / "no").exists()


def test_what_comes_from_files_is_text(make_assessment, tmp_path: Path):
    names = (ODD, 'a "quoted" class')
    found = make_assessment(
        seconds=30,
        classes=names,
        recording=f"{ODD}\"'",
        video='"><img src=x onerror=alert(1)>',
        notes=[ODD, "</script>"],
    )
    found.table.loc[2:4, ["reason"]] = f"</script>{ODD}"
    found.table.loc[2:4, ["score"]] = np.nan
    page = found.save(tmp_path).read_text()
    assert ODD not in page
    assert "<img src=x" not in page
    assert page.count("<script") == page.count("</script>") == 3
    assert any(trace.get("name") == "windows" for trace in drawn(page)["data"])
