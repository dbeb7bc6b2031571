from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from data_modules.recordings.biovid import read_samples
from painlit.clips.clip import Person, biovid_person
from painlit.errors import PainlitError
from painlit.signals import heart_rate
from painlit.signals.files import read_ecg

HEADER = "subject_id\tsubject_name\tclass_id\tclass_name\tsample_id\tsample_name"
ROW = "1\t071309_w_21\t4\tPA4\t1\t071309_w_21-PA4-006"


@pytest.fixture
def samples(tmp_path: Path) -> Callable[..., Path]:
    """Writes samples.csv and returns the folder to read."""

    def write(*lines: str, encoding: str = "utf-8", newline: str = "\n") -> Path:
        path = tmp_path / "starting_point" / "samples.csv"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes("".join(line + newline for line in lines).encode(encoding))
        return tmp_path

    return write


def test_a_clip_knows_its_files_subject_and_class(samples):
    root = samples(HEADER, ROW, "1\t071309_w_21\t0\tBL1\t2\t071309_w_21-BL1-081")
    pain, baseline = read_samples(root)
    assert (pain.name, pain.subject, pain.label) == ("071309_w_21-PA4-006", "071309_w_21", "P4")
    assert pain.video == root / "video/071309_w_21/071309_w_21-PA4-006.mp4"
    assert pain.ecg == root / "biosignals_filtered/071309_w_21/071309_w_21-PA4-006_bio.csv"
    assert baseline.label == "NP"
    assert read_samples(root, "biosignals_raw")[0].ecg.parts[-3] == "biosignals_raw"


@pytest.mark.parametrize(("encoding", "newline"), [("utf-8-sig", "\n"), ("utf-8", "\r\n"), ("utf-8-sig", "\r\n")])
def test_what_windows_adds_is_no_problem(samples, encoding: str, newline: str):
    (clip,) = read_samples(samples(HEADER, ROW, encoding=encoding, newline=newline))
    assert clip.video.name == "071309_w_21-PA4-006.mp4"


def test_columns_are_read_by_name(samples):
    mixed = "sample_name\tmore\tclass_name\tclass_id\tsubject_name\tsubject_id\tsample_id"
    (clip,) = read_samples(samples(mixed, "071309_w_21-PA1-006\tx\tPA1\t1\t071309_w_21\t1\t1"))
    assert clip.label == "P1"


@pytest.mark.parametrize(
    ("header", "missing"),
    [
        (HEADER.replace("class_name", "class_nam"), "class_name"),
        (HEADER.replace("\tsample_name", ""), "sample_name"),
        (HEADER.replace("\t", ","), "subject_id, subject_name"),
        ("", "subject_id"),
    ],
)
def test_missing_columns_are_named_with_the_header_found(samples, header: str, missing: str):
    with pytest.raises(PainlitError, match=rf"samples\.csv: column {missing}.* is missing; the header is") as caught:
        read_samples(samples(header, ROW))
    assert header.split("\t")[0] in str(caught.value)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (ROW, "sample_name 071309_w_21-PA4-006 occurs twice"),
        (ROW.replace("PA4", "PA5"), "class_name 'PA5' is unknown"),
        (ROW.replace("PA4", "pa4"), "class_name 'pa4' is unknown"),
        (ROW.replace("\t4\t", "\t3\t"), "class_id 3 contradicts class_name PA4"),
        (ROW.replace("21-PA4", "21-PA3"), "sample_name 071309_w_21-PA3-006 contradicts"),
        (ROW.replace("w_21-PA4", "m_21-PA4"), "sample_name 071309_m_21-PA4-006 contradicts"),
        (ROW.replace("071309_w_21\t", "\t"), "is empty"),
        (ROW.rsplit("\t", 1)[0], "is empty"),
        ("1\t071309_w_21", "class_name None is unknown|is empty"),
    ],
)
def test_a_faulty_row_is_named(samples, row: str, message: str):
    with pytest.raises(PainlitError, match=rf"samples\.csv, row 3: .*({message})"):
        read_samples(samples(HEADER, ROW, row))


def test_no_table_or_no_clips(samples, tmp_path: Path):
    with pytest.raises(PainlitError, match=r"(?s)samples\.csv does not exist.*PartA folder"):
        read_samples(tmp_path)
    with pytest.raises(PainlitError, match="lists no clips"):
        read_samples(samples(HEADER))


def test_names_hold_sex_and_age():
    assert biovid_person("071309_w_21") == Person("women", 21)
    assert biovid_person("082414_m_64") == Person("men", 64)
    for name in ("visitor", "071309_x_21", "071309_w_", "071309_w_21-PA4-006"):
        assert biovid_person(name) == Person()


def test_the_miniature_folder_of_these_tests_reads_as_biovid(make_biovid, tmp_path: Path):
    clips = read_samples(make_biovid(tmp_path, subjects=3, clips_per_class=2, classes=range(5)))
    assert len(clips) == 3 * 5 * 2
    assert len({clip.subject for clip in clips}) == 3
    assert all(clip.person.age for clip in clips)
    rates = {clip.label: heart_rate(read_ecg(clip.ecg).values, 512.0) for clip in clips[:10]}
    assert all(values.shape == (5,) and np.ptp(values) < 3 for values in rates.values())
    assert rates["P4"].mean() - rates["NP"].mean() == pytest.approx(20, abs=2)


PERSON = "{id}\t{name}\t4\tPA4\t1\t{name}-PA4-006"


@pytest.mark.parametrize(
    "name", ["../../escape", "/etc", "..", ".", ".hidden", "a/b", "a\\b", "x" * 101, " a", "a ", "a\x07"]
)
def test_names_that_would_leave_the_folder_are_refused(samples, name: str):
    with pytest.raises(PainlitError, match=r"samples\.csv, row 3: subject_name is .* cannot be a name"):
        read_samples(samples(HEADER, ROW, PERSON.format(id=2, name=name)))
    with pytest.raises(PainlitError, match=r"row 2: sample_name is .* cannot be a name"):
        read_samples(samples(HEADER, ROW + "/../x"))


@pytest.mark.parametrize(("number", "name"), [("1", "other"), ("2", "071309_w_21"), ("2", "071309_W_21"), (" 1", "b")])
def test_one_subject_id_is_one_person(samples, number: str, name: str):
    with pytest.raises(PainlitError, match=r"row 3: subject_id .*, but row 2 has 1 and '071309_w_21'"):
        read_samples(samples(HEADER, ROW, PERSON.format(id=number, name=name).replace("006", "007")))


def test_a_row_without_subject_id_is_named(samples):
    with pytest.raises(PainlitError, match="row 2: subject_id is empty"):
        read_samples(samples(HEADER, PERSON.format(id="", name="a")))


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
def test_another_encoding_is_named(samples, encoding: str):
    with pytest.raises(PainlitError, match=r"samples\.csv.*UTF-8"):
        read_samples(samples(HEADER, PERSON.format(id=1, name="Jürgen"), encoding=encoding))
