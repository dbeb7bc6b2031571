import shutil
from pathlib import Path

import pytest

from data_modules.recordings.check import check_recordings, recording_checks
from painlit.config import load
from painlit.errors import PainlitError


@pytest.fixture(scope="module")
def complete(make_biovid, tmp_path_factory) -> Path:
    """Two subjects, two clips each."""
    return make_biovid(tmp_path_factory.mktemp("check") / "PartA", subjects=2, clips_per_class=1, videos=True)


@pytest.fixture
def root(complete: Path, tmp_path: Path) -> Path:
    return shutil.copytree(complete, tmp_path / "PartA")


def findings(root: Path, *arguments: str) -> list[str]:
    return check_recordings(load([f"data.root={root}", *arguments]))[1]


def test_a_complete_folder_has_no_findings(complete: Path):
    inventory, wrong = check_recordings(load([f"data.root={complete}"]))
    assert inventory == [
        "4 clips of 2 subjects: NP 2, P1 0, P2 0, P3 0, P4 2; 4 with video, 4 with ECG",
        "frame rates: 25 Hz in 4 videos",
    ]
    assert wrong == []


def test_what_is_missing_is_reported_before_any_file_is_read(root: Path, monkeypatch):
    (path,) = [path for path in (root / "video").rglob("*.mp4") if "020114_w_22-BL1" in path.name]
    path.unlink()
    monkeypatch.setattr("data_modules.recordings.check.unordered", lambda *_, **__: pytest.fail("a file is read"))
    inventory, wrong = next(recording_checks(load([f"data.root={root}"])))
    assert inventory == ["4 clips of 2 subjects: NP 2, P1 0, P2 0, P3 0, P4 2; 4 with video, 4 with ECG"]
    assert wrong == [f"1 video files are missing: {path}"]


@pytest.mark.parametrize(("part", "folder"), [("video", "video"), ("ecg", "biosignals_filtered")])
def test_a_missing_file_is_named(root: Path, part: str, folder: str):
    path = sorted((root / folder).rglob("*.*"))[0]
    path.unlink()
    assert findings(root) == [f"1 {part} files are missing: {path}"]


@pytest.mark.parametrize(("part", "folder"), [("video", "video"), ("ecg", "biosignals_filtered")])
def test_a_missing_subject_is_one_finding(root: Path, part: str, folder: str):
    first = min((root / folder / "010114_m_21").iterdir())
    shutil.rmtree(first.parent)
    assert findings(root) == [f"1 subjects without any {part} file, for instance {first}: 010114_m_21"]


def test_a_missing_folder_is_one_finding(root: Path):
    shutil.rmtree(root / "video")
    (line,) = findings(root)
    assert line.startswith("2 subjects without any video file")
    (line,) = [line for line in findings(root, "data.signals=biosignals_raw") if "ecg" in line]
    assert "2 subjects without any ecg file" in line
    assert "biosignals_raw" in line


def test_empty_files_are_named(root: Path):
    for path in (root / "video").rglob("*.mp4"):
        path.write_bytes(b"")
    (line,) = findings(root)
    assert line.startswith("4 video files are empty: ")


def test_files_that_are_not_what_they_should_be(root: Path):
    next((root / "video" / "010114_m_21").glob("*-BL1-*")).write_text("no video")
    table = next((root / "biosignals_filtered" / "020114_w_22").glob("*-BL1-*"))
    table.write_text(table.read_text().replace("ecg", "eog"))
    video, ecg = sorted(findings(root), key=lambda line: "no ECG" in line)
    assert "010114_m_21-BL1-081.mp4" in video
    assert f"{table} has no ECG by its names: gsr, eog, emg_trapezius" in ecg
    assert not any("\n" in line for line in (video, ecg))


def test_settings_that_do_not_fit_the_files(root: Path):
    assert any("is 512 Hz, but the settings say 1024 Hz" in line for line in findings(root, "clip.ecg_hz=1024"))
    longer = findings(root, "clip.seconds=8")
    assert sum("lasts 5.52 s; clip.seconds=8" in line for line in longer) == 4


def test_subject_names_without_sex_and_age(make_biovid, tmp_path: Path):
    root = make_biovid(tmp_path / "PartA", subjects=["visitor", "071309_w_21"], clips_per_class=1, videos=True)
    assert findings(root) == [
        "1 subject names do not state sex and age (code_w_21): visitor; subgroups will say unknown"
    ]


def test_a_faulty_table_is_an_error(root: Path):
    (root / "starting_point" / "samples.csv").write_text("nothing")
    with pytest.raises(PainlitError, match=r"samples\.csv: column"):
        findings(root)


def test_faults_of_a_table_name_clip_row_and_remedy(complete: Path, tmp_path: Path):
    video, ecg = next((complete / "video").rglob("*.mp4")), next((complete / "biosignals_filtered").rglob("*.csv"))
    rows = ["a,ann,low,0,0", "b,ann,low,0,0", "", "c,bob,high,3,0", "d,bob,high,0,2"]
    lines = [row and f"{video if row < 'c' else tmp_path / 'bob.mp4'},{ecg},{row}" for row in rows]
    shutil.copy(video, tmp_path / "bob.mp4")
    table = tmp_path / "clips.csv"
    table.write_text("\n".join(["video,ecg,clip,subject,label,start,offset", *lines]).replace(str(ecg), "", 2))
    inventory, wrong = check_recordings(load(["data.layout=table", f"data.table={table}"]))
    assert inventory[1] == "frame rates: 25 Hz in 2 videos"
    short = next(line for line in wrong if "lasts 5.52 s" in line)
    assert "2.52 s are the clip's; clip.seconds=5.5; choose another start or end" in short
    assert short.endswith("(clip c in row 5)")
    outside = next(line for line in wrong if "offset 2 s" in line)
    assert "start 0 s, offset 2 s" in outside
    assert outside.endswith("mend offset if it is wrong (clip d in row 6)")


def test_a_fault_of_many_clips_is_one_line(root: Path):
    broken = root / "broken.mp4"
    broken.write_text("no video")
    lines = [f"{name},ann,low,{broken}" for name in "abcdefg"]
    (root / "clips.csv").write_text("\n".join(["clip,subject,label,video", *lines]))
    _, wrong = check_recordings(load(["data.layout=table", f"data.table={root}/clips.csv"]))
    assert len(wrong) == 1
    assert wrong[0].endswith("(clips a in row 2, b in row 3, c in row 4, d in row 5, e in row 6 and 2 more)")


def test_recordings_at_rest_are_counted_apart(complete: Path, tmp_path: Path):
    video, ecg = next((complete / "video").rglob("*.mp4")), next((complete / "biosignals_filtered").rglob("*.csv"))
    rows = [("r", "ann", "", "yes"), ("a", "ann", "low", ""), ("b", "bob", "high", "")]
    for name, *_ in rows:
        shutil.copy(video, tmp_path / f"{name}.mp4")
        shutil.copy(ecg, tmp_path / f"{name}.csv")
    lines = [f"{name},{subject},{label},{name}.mp4,{name}.csv,{rest}" for name, subject, label, rest in rows]
    (tmp_path / "clips.csv").write_text("\n".join(["clip,subject,label,video,ecg,rest", *lines]))
    inventory, _ = check_recordings(load(["data.layout=table", f"data.table={tmp_path}/clips.csv"]))
    assert inventory[:2] == [
        "2 clips of 2 subjects: low 1, high 1; 2 with video, 2 with ECG",
        "1 recordings at rest of 1 subjects; none of bob",
    ]
