"""A table of clips as people write it, and what is refused in it."""

import unicodedata
from pathlib import Path

import pytest

from data_modules.recordings.clips import read_clips, with_classes
from data_modules.recordings.table import COLUMNS, read_table, unread_columns
from experiments.command import main
from painlit.clips.clip import Person, Stretch
from painlit.config import load
from painlit.errors import PainlitError

HEADER = "clip,subject,label,video,ecg,start,end,offset,sex,age,group,split"
ROW = "a1,anna,rest,a.mp4,a.edf,1.5,7,-0.25,f,34,patients,train"


@pytest.fixture
def table(tmp_path: Path):
    def write(*lines: str, name: str = "clips.csv", encoding: str = "utf-8", end: str = "\n") -> Path:
        path = tmp_path / name
        path.write_bytes((end.join(lines) + end).encode(encoding))
        return path

    return write


def test_a_row_is_a_clip(table, tmp_path: Path):
    (clip,), classes = read_table(table(HEADER, ROW))
    assert (clip.name, clip.subject, clip.label, classes) == ("a1", "anna", "rest", ("rest",))
    assert (clip.video, clip.ecg, clip.heart_rate) == (tmp_path / "a.mp4", tmp_path / "a.edf", None)
    assert clip.stretch == Stretch(1.5, 7.0, -0.25)
    assert (clip.person, clip.split) == (Person("women", 34.0, "patients"), "train")


def test_what_is_not_given_is_whole_and_unknown(table):
    (clip,), _ = read_table(table("clip,subject,label,heart_rate", "a1,anna,rest,polar.csv"))
    assert (clip.stretch, clip.person, clip.split) == (Stretch(0.0, None, 0.0), Person("", None, ""), "")
    assert (clip.video, clip.signal) == (None, clip.heart_rate)


def test_the_ecg_is_the_signal_where_there_are_both(table):
    (clip,), _ = read_table(table("clip,subject,label,heart_rate,ecg", "a1,anna,rest,polar.csv,a.edf"))
    assert clip.signal == clip.ecg


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_as_spreadsheets_write_it(table, delimiter: str, encoding: str, end: str):
    rows = (HEADER.upper(), ROW.replace("anna", "Zoë"), "", ",,,,,,,,,,,")
    (clip,), _ = read_table(table(*(row.replace(",", delimiter) for row in rows), encoding=encoding, end=end))
    assert (clip.subject, clip.stretch) == ("Zoë", Stretch(1.5, 7.0, -0.25))


def test_decimal_commas_and_quotes(table):
    (clip,), _ = read_table(table('"clip";subject;label;video;start', '"a;1";anna;rest;"my film.mp4";12,75'))
    assert (clip.name, clip.video.name, clip.stretch.start) == ("a;1", "my film.mp4", 12.75)


def test_columns_come_in_any_order_and_others_are_listed(table):
    path = table("notes,label,video,subject,room no,clip", "tired,rest,a.mp4,anna,3,a1")
    assert read_table(path)[0][0].name == "a1"
    assert unread_columns(path) == ["notes", "room no"]


def test_absolute_paths_and_the_home_folder(table, tmp_path: Path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (one, two), _ = read_table(table("clip,subject,label,video", f"a,x,0,{tmp_path}/v.mp4", "b,x,0,~/v.mp4"))
    assert (one.video, two.video) == (tmp_path / "v.mp4", tmp_path / "home" / "v.mp4")


def test_accents_in_either_form_are_the_same(table, tmp_path: Path):
    """macOS writes ä in names of files as a and two dots; a table is typed, copied from there, or both."""
    one, two = (unicodedata.normalize(form, "Änne") for form in ("NFC", "NFD"))
    (tmp_path / f"{one}.mp4").touch()
    (tmp_path / f"{two}_rec.hea").touch()
    rows = (f"a,{one},mäßig,{two}.mp4,{one}_rec", unicodedata.normalize("NFD", f"b,{one},mäßig,{one}.mp4,"))
    clips, classes = read_table(table("clip,subject,label,video,ecg", *rows))
    assert ({clip.subject for clip in clips}, classes) == ({one}, ("mäßig",))
    assert [clip.video for clip in clips] == [tmp_path / f"{one}.mp4"] * 2
    assert clips[0].ecg == tmp_path / f"{two}_rec.hea"


def test_folders_separated_as_on_windows(table, tmp_path: Path):
    (tmp_path / "my films").mkdir()
    (tmp_path / "my films" / "anna.mp4").touch()
    (clip, absent), _ = read_table(
        table("clip,subject,label,video", r"a,anna,rest,my films\anna.mp4", r"b,anna,rest,D:\x\b.mp4")
    )
    assert (clip.video, absent.video) == (tmp_path / "my films" / "anna.mp4", tmp_path / r"D:\x\b.mp4")


@pytest.mark.parametrize("above", [["sep=;"], ["", ""], ['"sep=;"', ""]])
def test_lines_before_the_header(table, above: list[str]):
    path = table(*above, "clip;subject;label;video;notes", "a1;anna;rest;a,b.mp4;x", "a2;anna;;b.mp4;x")
    assert unread_columns(path) == ["notes"]
    with pytest.raises(PainlitError, match=rf"row {len(above) + 3}: label is empty"):
        read_table(path)


def test_a_comma_before_three_digits_is_of_decimals_after_a_zero(table):
    (clip,), _ = read_table(table(HEADER.replace(",", ";"), ROW.replace(",", ";").replace("1.5", "0,125")))
    assert clip.stretch.start == 0.125


def test_a_folder_is_no_table(tmp_path: Path):
    with pytest.raises(PainlitError, match=r"is a folder\n.*CSV or TSV file"):
        read_table(tmp_path)


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (("pain", "rest", "pain"), ("pain", "rest")),
        (("10", "2", "0"), ("0", "2", "10")),
        (("1.5", "-1", "1.5"), ("-1", "1.5")),
        (("3", "none", "1"), ("3", "none", "1")),
        (('"10"', '"0,5"', '"2"'), ("0,5", "2", "10")),
    ],
)
def test_classes_come_from_the_labels(table, labels, classes):
    rows = [f"c{number},anna,{label},a{number}.mp4" for number, label in enumerate(labels)]
    assert read_table(table("clip,subject,label,video", *rows))[1] == classes


def test_classes_given_decide_the_order(table):
    path = table("clip,subject,label,video", "a,x,mild,a.mp4", "b,x,none,b.mp4")
    assert read_table(path, ["none", "mild", "severe"])[1] == ("none", "mild", "severe")
    with pytest.raises(PainlitError, match=r"row 2: label 'mild' is not in data\.classes"):
        read_table(path, ["none", "Mild"])


@pytest.mark.parametrize(
    ("rows", "match"),
    [
        ((HEADER.replace("clip,", ""), ROW), r"column clip is missing"),
        (("clip,subject,label", "a,b,c"), r"no column video, ecg, heart_rate"),
        ((HEADER + ",clip", ROW), r"column clip is there twice"),
        ((HEADER.replace("offset", "ofset"), ROW), r"did you mean offset by the column 'ofset'"),
        ((HEADER.replace("heart", "x") + ",heartrate", ROW), r"did you mean heart_rate"),
        ((HEADER,), r"lists no clips"),
        (("",), r"column clip, subject, label is missing"),
        ((HEADER, ROW, ROW), r"row 3: clip a1 is in row 2 too"),
        ((HEADER, ROW.replace("rest", "")), r"row 2: label is empty"),
        ((HEADER, ROW.replace("a.mp4,a.edf", ",")), r"row 2: no recording"),
        ((HEADER, ROW.replace("1.5", "soon")), r"row 2: start is 'soon'"),
        ((HEADER, ROW.replace("1.5", "nan")), r"row 2: start is 'nan'"),
        ((HEADER, ROW.replace("1.5", "-1")), r"row 2: start -1 "),
        ((HEADER, ROW.replace("1.5", "7")), r"row 2: start 7 and end 7"),
        ((HEADER, ROW.replace("34", "340")), r"row 2: age 340"),
        ((HEADER, ROW.replace("train", "learn")), r"row 2: split 'learn'"),
        ((HEADER, ROW.replace("a1", "../a1")), r"row 2: clip is '../a1'"),
        ((HEADER, ROW.replace("anna", "")), r"row 2: subject is ''"),
        ((HEADER, ROW.replace("rest", '"rest')), r"a quote is never closed"),
        ((HEADER, ROW + ",more"), r"row 2 has 13 cells"),
        ((HEADER, ROW, ROW.replace("a1", "a2").replace("anna", "Anna")), r"of Anna is 'Anna', and 'anna' in row 2"),
        ((HEADER, ROW, ROW.replace("a1", "a2").replace(",f,", ",m,")), r"sex of anna is 'men', and 'women' in row 2"),
        ((HEADER, ROW, ROW.replace("a1", "a2").replace("train", "test")), r"row 3: split of anna"),
        ((HEADER, ROW, ROW.replace("a1", "b1").replace("anna", "bert")), r"3: a.mp4 is of bert, and of anna in row 2"),
        (("clip,subject,label,video", "a,x,rest,a.mp4", "b,x,Rest,b.mp4"), r"has a class twice"),
        (("clip,subject,label,video", "a,x,1,a.mp4", "b,x,1.0,b.mp4"), r"'1' in row 2 and '1\.0' in row 3 are one"),
        (("clip,subject,label,video", 'a,x,"0,5",a', "b,x,0.5,b"), r"'0,5' in row 2 and '0\.5' in row 3 are one"),
        ((HEADER, ROW.replace("1.5", '"1,200"')), r"row 2: start is '1,200', which is 1\.2 or 1200"),
        ((HEADER, ROW, ROW.replace("a1,anna", "b1,bert").replace("a.mp4", "./x/../a.mp4")), r"a.mp4 is of bert"),
        ((HEADER, ROW, ROW.replace("a1,anna,", 'a2,"anna,'), ROW.replace("a1", "a3")), r"(?s)row 3: .*never closed"),
        (("clip,subject,label,video", "a,x,rest_vs_pain,a.mp4"), r"cannot be called 'rest_vs_pain'"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(table, rows, match: str):
    with pytest.raises(PainlitError, match=match) as error:
        read_table(table(*rows))
    assert "clips.csv" in str(error.value)


def test_two_people_in_one_recording_one_after_the_other(table):
    clips, _ = read_table(table(HEADER, ROW, "b1,bert,pain,a.mp4,b.edf,7,9,0,m,20,,test"))
    assert [clip.subject for clip in clips] == ["anna", "bert"]


def test_the_configuration_gets_the_classes(table):
    path = table("clip,subject,label,video", "a,x,rest,a.mp4", "b,x,pain,b.mp4", "c,x,worse,b.mp4")
    config = load(["data.layout=table", f"data.table={path}", "task=worse_vs_rest"])
    with pytest.raises(ValueError, match="known when it is read"):
        _ = config.classes
    assert read_clips(config)[0].classes == ("rest", "worse")
    assert with_classes(config).data.classes == ["rest", "pain", "worse"]
    with pytest.raises(PainlitError, match=r"there is no class 'calm'.*\n.*of: rest, pain, worse"):
        _ = read_clips(load(["data.layout=table", f"data.table={path}", "task=calm_vs_rest"]))[0].classes


def test_stages_that_read_no_task_take_any_classes(table, monkeypatch, capsys):
    path = table("clip,subject,label,video", "a,x,rest,a.mp4", "b,x,pain,b.mp4")
    with pytest.raises(SystemExit) as caught:
        main("check-data", ["data.layout=table", f"data.table={path}"])
    printed = capsys.readouterr()
    assert (caught.value.code, printed.err) == (1, "")
    assert "2 clips of 1 subjects: rest 1, pain 1; 2 with video" in printed.out
    assert load(["data.layout=table", f"data.table={path}", "data.classes=[rest,pain]"]).data.classes


def test_all_columns_are_in_the_documentation():
    text = (Path(__file__).parents[2] / "docs" / "recordings.md").read_text()
    assert all(f"`{column}`" in text for column in COLUMNS)


def test_a_wfdb_record_may_be_named_without_suffix(table, tmp_path: Path):
    (tmp_path / "r.hea").touch()
    (clip, other), _ = read_table(table("clip,subject,label,ecg", "a,x,0,r", "b,x,0,r.dat"))
    assert clip.ecg == tmp_path / "r.hea"
    assert other.ecg == tmp_path / "r.dat"


@pytest.mark.parametrize("word", ["yes", "Yes", "TRUE", "1"])
def test_a_row_at_rest_has_no_label_and_is_no_class(table, word: str):
    clips, classes = read_table(
        table("clip,subject,label,ecg,rest", f"r,anna,,r.edf,{word}", "a,anna,low,a.edf,", "b,anna,high,b.edf,no",
              "c,anna,baseline,c.edf,1"),
        ["low", "high"],
    )  # fmt: skip
    assert [(clip.name, clip.label, clip.rest) for clip in clips] == [
        ("r", "", True), ("a", "low", False), ("b", "high", False), ("c", "", True),
    ]  # fmt: skip
    assert classes == ("low", "high")
    assert read_table(table("clip,subject,label,ecg,rest", "r,anna,,r.edf,1", "a,anna,2,a.edf,0", "b,anna,1,b.edf,"))[
        1
    ] == ("1", "2")


@pytest.mark.parametrize(
    ("header", "row", "message"),
    [
        ("rest", "r,anna,,r.edf,maybe", "row 2: rest is 'maybe'.*yes or no"),
        ("rest", "r,anna,,r.edf,no", "row 2: label is empty.*column rest"),
        ("rests", "r,anna,low,r.edf,yes", "did you mean rest by the column 'rests'"),
        ("rest", "r,anna,,r.edf,yes", "lists recordings at rest alone"),
    ],
)
def test_what_is_wrong_with_a_row_at_rest(table, header: str, row: str, message: str):
    with pytest.raises(PainlitError, match=f"(?s){message}"):
        read_table(table(f"clip,subject,label,ecg,{header}", row))


def test_a_recording_at_rest_is_of_one_person_too(table):
    with pytest.raises(PainlitError, match=r"one\.edf is of bob, and of anna in row 2"):
        read_table(table("clip,subject,label,ecg,rest", "r,anna,,one.edf,yes", "a,bob,low,one.edf,"))
