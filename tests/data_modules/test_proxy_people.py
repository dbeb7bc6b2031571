"""Whose photographs and whose record a subject of the proxy gets, and the error where one of them cannot be used."""

import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from made_up_photographs import edit
from made_up_portraits import configured, write_sources

from data_modules.proxy import morph
from data_modules.proxy.clips import make_subject
from data_modules.proxy.halves import make_half, subjects_of
from data_modules.proxy.morph import Face
from data_modules.proxy.people import RECORDS, read_people
from painlit.config import ClipConfig
from painlit.config.proxy import MOST_SUBJECTS
from painlit.errors import PainlitError


@pytest.fixture(scope="module")
def made_sources(tmp_path_factory) -> Path:
    return write_sources(tmp_path_factory.mktemp("sources"), 2)


@pytest.fixture
def sources(made_sources: Path, tmp_path: Path) -> Path:
    """A copy of them."""
    return shutil.copytree(made_sources, tmp_path / "sources")


def people(sources: Path, first: int = 0, count: int = 2) -> list:
    return read_people(sources / "faces", sources / "mitdb", first, count)


def test_subjects_are_named_as_biovids_are_and_have_a_record_each(sources: Path):
    edit(sources / "faces/info.csv", "002,22,female", "002,NA,male")
    assert [(p.subject, p.face_id, p.record.name) for p in people(sources)] == [
        ("010814_w_21", "001", "101"),
        ("021514_m_30", "002", "103"),
    ]


def test_the_set_is_read_as_it_is_published(sources: Path):
    before, faces = people(sources), sources / "faces"
    table = (faces / "info.csv").rename(faces / "london_faces_info.csv")
    table.write_text(table.read_text().replace("\n00", "\nX00").replace(",21,", ",21.0,"))
    for expression, ending in (("neutral", "03"), ("smiling", "08")):
        for path in (faces / expression).iterdir():
            path.rename(path.with_stem(f"{path.stem}_{ending}"))
        (faces / expression).rename(faces / f"{expression}_front")
    after = people(sources)
    assert [p.subject for p in after] == [p.subject for p in before]
    assert after[0].smiling == faces / "smiling_front/001_08.jpg"


def test_larger_photographs_are_reduced(sources: Path, monkeypatch):
    files = [sources / "faces" / expression / "001.jpg" for expression in ("neutral", "smiling")]
    small = Face(*files)
    for file in files:
        cv2.imwrite(str(file), cv2.resize(cv2.imread(str(file)), (288, 288), interpolation=cv2.INTER_CUBIC))
    monkeypatch.setattr(morph, "_SIDE", 96)
    assert np.abs(Face(*files).at(0.5).astype(int) - small.at(0.5)).mean() < 5


def test_nobody_in_a_half_shares_a_heart():
    assert len(set(RECORDS)) == len(RECORDS) == MOST_SUBJECTS
    with pytest.raises(PainlitError, match=r"proxy\.subjects=35"):
        configured(Path(), Path(), "proxy.subjects=35")


def remove(place: str) -> Callable[[Path], None]:
    def change(sources: Path) -> None:
        path = sources / place
        shutil.rmtree(path) if path.is_dir() else path.unlink()

    return change


@pytest.mark.parametrize(
    ("change", "named", "remedy"),
    [
        (remove("faces"), "faces: no such folder", "proxy.faces="),
        (remove("mitdb"), "mitdb: no such folder", "ecg.roots.mitbih="),
        (remove("faces/info.csv"), "faces has no london_faces_info.csv or info.csv", "5047666"),
        (lambda s: edit(s / "faces/info.csv", "face_gender", "sex"), "column face_gender is missing", "5047666"),
        (remove("faces/smiling/002.jpg"), "smiling/002.jpg: the smiling photograph of person 2, 002; it is", "5047666"),
        (lambda s: edit(s / "faces/info.csv", "002,22,female", "002,22,NA"), r"person 2: .*face_gender 'NA'", "female"),
        (lambda s: edit(s / "faces/info.csv", "002,22", "../2,22"), r"person 2: face_id '\.\./2'", "letters"),
    ],
)
def test_what_is_missing_is_named(sources: Path, change: Callable, named: str, remedy: str):
    change(sources)
    with pytest.raises(PainlitError, match=named) as caught:
        people(sources)
    assert remedy in caught.value.remedy


def test_too_few_people_are_counted(sources: Path):
    with pytest.raises(PainlitError, match="lists 2 people: of 2 from number 2 on, 1 are left"):
        people(sources, first=1)
    with pytest.raises(PainlitError, match="of 1 from number 6 on, 0 are left"):
        people(sources, first=5, count=1)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-200])


def oblong(path: Path) -> None:
    cv2.imwrite(str(path), np.zeros((40, 60, 3), np.uint8))


def smaller(path: Path) -> None:
    cv2.imwrite(str(path), np.zeros((40, 40, 3), np.uint8))


@pytest.mark.parametrize(
    ("change", "file", "named"),
    [
        (cut, "faces/neutral/001.jpg", "neutral/001.jpg is a JPEG cut short"),
        (oblong, "faces/neutral/001.jpg", "neutral/001.jpg is 60 x 40 px, and not square"),
        (smaller, "faces/smiling/001.jpg", "001.jpg and 001.jpg differ in size"),
        (cut, "mitdb/101.dat", "101: .*sign"),
        (cut, "mitdb/101.atr", "101.atr is cut short"),
        (Path.unlink, "mitdb/101.dat", "101.dat is missing: 010814_w_21 gets the heart of record 101"),
        (Path.unlink, "mitdb/101.hea", "101.hea is missing: 010814_w_21 gets the heart of record 101"),
        (Path.unlink, "mitdb/101.atr", "101.atr is missing: 010814_w_21 gets the heart of record 101"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(sources: Path, change: Callable, file: str, named: str):
    change(sources / file)
    with pytest.raises(PainlitError, match=named):
        make_half(configured(sources, sources / "out", "proxy.subjects=1"), "A", clip=ClipConfig(video_fps=2))


def test_a_record_that_is_too_short_is_named(sources: Path):
    config = configured(sources, sources / "out", "proxy.subjects=1", "proxy.clips_per_class=5")
    (subject,) = subjects_of(config, "A", ClipConfig(video_fps=2))
    with pytest.raises(PainlitError, match=r"101 has 23 stretches of 5.5 s with 4 beats, and 25 clips"):
        make_subject(subject)
