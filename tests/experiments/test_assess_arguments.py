"""The command line of assess: flags, the recording without a key, and lists of recordings."""

from pathlib import Path

import pytest

from data_modules.recordings.listed import is_list, list_recordings
from experiments.assess import run
from experiments.command import _as_keys
from painlit.config import load
from painlit.errors import PainlitError


@pytest.mark.parametrize(
    ("arguments", "keys"),
    [
        ("a.mp4 --model b.zip", "assess.recording=a.mp4 assess.model=b.zip"),
        ("--heart-rate=w.fit a.mp4", "assess.heart_rate=w.fit assess.recording=a.mp4"),
        ("- --stream", "assess.recording=- assess.stream=true"),
        ("--offset -0.8 a.mp4 assess.step=2", "assess.offset=-0.8 assess.recording=a.mp4 assess.step=2"),
        ("Takes/one=two.mp4", "assess.recording=Takes/one=two.mp4"),
        ("--camera 0", "assess.camera=0"),
    ],
)
def test_flags_are_short_forms(arguments, keys):
    assert _as_keys("assess", arguments.split()) == keys.split()
    load(_as_keys("assess", arguments.split()), "assess")


def test_other_stages_take_no_flags_of_assess():
    assert _as_keys("loso", ["--dry-run", "task=multilevel"]) == ["loso.dry_run=true", "task=multilevel"]
    with pytest.raises(PainlitError, match="--model"):
        load(_as_keys("loso", ["--model", "x"]), "loso")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--model", "--model needs a value"),
        ("a.mp4 b.mp4 --model x", "second recording"),
        ("a.mp4 --model x --colour red", "--colour"),
        ("a.mp4 --model x --step 0", "assess.step"),
        ("a.mp4 --model x --start 5 --end 4", "assess.end=4 is not after assess.start=5"),
        ("a.mp4 --model x --ecg a --heart-rate b", "both given"),
        ("a.mp4", "assess.model is empty"),
        ("--model x", "nothing to assess"),
        ("gone.mp4 --model x", "gone.mp4 does not exist"),
        ("--stream --model x", "assess.stream=true, and no recording"),
        ("--stream a.mkv --ecg e.csv --model x", "a stream is video alone"),
        ("--camera 0 a.mkv --model x", "both given"),
    ],
)
def test_what_cannot_be_meant_is_refused(arguments, message):
    with pytest.raises(PainlitError, match=message):
        run(load(_as_keys("assess", arguments.split()), "assess"))


def test_times_of_one_recording_are_not_for_many(tmp_path):
    (tmp_path / "a.mp4").touch()
    with pytest.raises(PainlitError, match=r"assess\.start is of one recording"):
        run(load(_as_keys("assess", [str(tmp_path), "--model", "x", "--start", "3"]), "assess"))


def test_a_folder_lists_its_videos_in_order(tmp_path):
    for name in ("b.MOV", "a.mp4", "notes.txt", ".hidden.mp4", "a.csv"):
        (tmp_path / name).touch()
    assert [recording.name for recording in list_recordings(tmp_path)] == ["a", "b"]
    (tmp_path / "A.mkv").touch()
    with pytest.raises(PainlitError, match="two recordings are called"):
        list_recordings(tmp_path)


def test_a_folder_of_pictures_is_one_recording(tmp_path):
    (tmp_path / "0001.png").touch()
    assert not is_list(tmp_path)
    (tmp_path / "long.mp4").touch()
    assert is_list(tmp_path)


def written(folder: Path, text: str) -> Path:
    path = folder / "recordings.csv"
    path.write_text(text)
    return path


def test_a_table_is_read_as_it_is_written(tmp_path):
    path = written(tmp_path, "Video;ECG;start;end;offset;name\na.mp4;e.edf;1,5;60;-0,8;ann\n\nb.mp4;;;;;\n")
    one, other = list_recordings(path)
    assert (one.name, one.video, one.ecg, one.start, one.end, one.offset) == (
        "ann", tmp_path / "a.mp4", tmp_path / "e.edf", 1.5, 60, -0.8,
    )  # fmt: skip
    assert (other.name, other.files, other.start, other.end) == ("b", {"video": tmp_path / "b.mp4"}, 0, None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("video,offest\na.mp4,1\n", "did you mean offset"),
        ("start\n3\n", "there is no column video, ecg, heart_rate"),
        ("video,start\na.mp4,soon\n", "row 2: start is 'soon'"),
        ("video,start,end\na.mp4,5,4\n", "row 2: start 5 and end 4"),
        ("video,ecg,heart_rate\na.mp4,e,h\n", "row 2: an ECG and heart rates"),
        ("video,start\n,4\n", "row 2: no recording"),
        ("video,name\na.mp4,../x\n", "row 2: name"),
        ("video\na.mp4\nb/a.mp4\n", "two recordings are called a"),
        ("video\n", "there is no recording"),
    ],
)
def test_bad_tables_are_refused_with_the_row(tmp_path, text, message):
    with pytest.raises(PainlitError, match=message):
        list_recordings(written(tmp_path, text))
