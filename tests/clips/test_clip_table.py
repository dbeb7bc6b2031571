import dataclasses
import sqlite3
from pathlib import Path

import numpy as np
import pytest

from painlit.clips.clip import Stretch
from painlit.clips.table import ClipTable, PreparedClip
from painlit.errors import PainlitError
from painlit.system.digests import FileState

SETTINGS = {"clip.seconds": 5.5, "clip.frames": 4, "face.min_face": 0.2}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "prepare" / "clips.sqlite"


def whole(name: str = "s-PA4-001", seed: int = 0) -> PreparedClip:
    generator = np.random.default_rng(seed)
    boxes = generator.uniform(0, 500, (4, 4)).astype(np.float32)
    found = np.array([True, False, True, True])
    rates, notes = generator.uniform(50, 90, 5), ("1 box interpolated",)
    return PreparedClip(
        name,
        Stretch(1.5, None, -0.25),
        FileState(2**33, 5, "ab"),
        boxes,
        found,
        "",
        notes,
        FileState(9, 6, "cd"),
        rates,
        0.4,
        "",
        ("2 seconds filled",),
    )


def assert_same(a: PreparedClip, b: PreparedClip):
    for key in ("name", "stretch", "ecg_quality", "video_file", "signal_file", "video_problem", "signal_problem"):
        assert getattr(a, key) == getattr(b, key)
    assert (a.video_notes, a.signal_notes) == (b.video_notes, b.signal_notes)
    np.testing.assert_array_equal(a.boxes, b.boxes)
    np.testing.assert_array_equal(a.found, b.found)
    np.testing.assert_allclose(a.bpm, b.bpm, atol=1e-4)


def test_rows_come_back_as_they_went_in(path: Path):
    table = ClipTable(path, SETTINGS)
    table.add(whole())
    (row,) = table.clips().values()
    assert_same(row, whole())
    assert (row.boxes.dtype, row.found.dtype) == (np.float32, bool)


def test_a_clip_with_problems_has_no_numbers(path: Path):
    table = ClipTable(path, SETTINGS)
    table.add(PreparedClip("bad", video_problem="no face", signal_problem="one R peak"))
    row = table.clips()["bad"]
    assert (row.boxes, row.found, row.bpm) == (None, None, None)
    assert (row.video_problem, row.signal_refusal(0.0)) == ("no face", "one R peak")


def test_a_face_in_few_frames_stays_in_the_table_and_is_refused_on_reading(path: Path):
    ClipTable(path, SETTINGS).add(whole())  # found in 3 of 4 frames
    (row,) = ClipTable(path, SETTINGS).clips().values()
    assert row.video_refusal(0.75) == ""
    assert "the face is found in 75% of the frames, under 80%" in row.video_refusal(0.8)
    assert "face.least_found=0" in row.video_refusal(0.8)
    assert PreparedClip("bad", "s", 0, video_problem="no face").video_refusal(0.5) == "no face"


def test_heart_rates_of_low_quality_stay_in_the_table_and_are_refused_on_reading(path: Path):
    ClipTable(path, SETTINGS).add(whole())
    (row,) = ClipTable(path, SETTINGS).clips().values()
    assert row.signal_refusal(0.4) == ""
    assert "signal quality 0.40 is below 0.5" in row.signal_refusal(0.5)
    assert "prepare.least_ecg_quality=0" in row.signal_refusal(0.5)


def test_a_reopened_table_keeps_its_rows(path: Path):
    ClipTable(path, SETTINGS).add(whole("a"))
    ClipTable(path, SETTINGS).add(whole("b", seed=1))
    rows = ClipTable(path, SETTINGS).clips()
    assert list(rows) == ["a", "b"]
    assert_same(rows["a"], whole("a"))


def test_adding_again_replaces_the_row(path: Path):
    table = ClipTable(path, SETTINGS)
    table.add(PreparedClip("a", video_problem="no face", signal_problem="one R peak"))
    table.add(whole("a"))
    assert_same(table.clips()["a"], whole("a"))
    assert len(table.clips()) == 1


def test_other_settings_are_refused_with_both_values(path: Path):
    ClipTable(path, SETTINGS).add(whole())
    with pytest.raises(PainlitError) as caught:
        ClipTable(path, {**SETTINGS, "clip.frames": 8, "face.min_face": 0.3})
    assert "clip.frames was 4 and is now 8; face.min_face was 0.2 and is now 0.3" in str(caught.value)
    assert "clip.seconds" not in str(caught.value)
    assert len(ClipTable(path, SETTINGS).clips()) == 1


def test_a_setting_the_table_does_not_know_is_a_difference(path: Path):
    ClipTable(path, SETTINGS).add(whole())
    with pytest.raises(PainlitError, match="rule was None and is now 'paper'"):
        ClipTable(path, {**SETTINGS, "rule": "paper"})


def test_a_damaged_file_is_named(path: Path):
    path.parent.mkdir()
    path.write_bytes(np.random.default_rng(0).bytes(5000))
    with pytest.raises(PainlitError, match=r"clips\.sqlite: file is not a database"):
        ClipTable(path, SETTINGS)


def test_a_damaged_page_is_named(path: Path):
    table = ClipTable(path, SETTINGS)
    for number in range(20):
        table.add(PreparedClip(f"clip-{number}", video_problem="x" * 1000, signal_problem="x"))
    content = bytearray(path.read_bytes())
    content[4096 * 3 :] = b"\xa5" * (len(content) - 4096 * 3)
    path.write_bytes(content)
    with pytest.raises(PainlitError, match=r"clips\.sqlite"):
        table.clips()


def test_a_full_disk_is_named_and_costs_only_the_clip_at_hand(path: Path, full_disk):
    table = ClipTable(path, SETTINGS)
    table.add(whole("a"))
    many = PreparedClip("b", video_problem="x" * 100_000, signal_problem="x")
    with full_disk(path.stat().st_size), pytest.raises(PainlitError, match=r"(?s)clips\.sqlite: .*free some space"):
        table.add(many)
    rows = table.clips()
    assert list(rows) == ["a"]
    assert_same(rows["a"], whole("a"))
    table.add(many)
    assert list(table.clips()) == ["a", "b"]


def test_a_reader_sees_no_row_of_an_unfinished_transaction(path: Path):
    table = ClipTable(path, SETTINGS)
    table.add(whole("a"))
    writer = sqlite3.connect(path)
    writer.execute("UPDATE clips SET video_problem = 'half a row'")
    assert table.clips()["a"].video_problem == ""
    writer.close()
    assert table.clips()["a"].video_problem == ""


@pytest.mark.parametrize(
    "edit",
    [
        "UPDATE clips SET bpm = replace(bpm, '7', '8') WHERE name = 'a'",
        "UPDATE clips SET ecg_quality = 0.9 WHERE name = 'a'",
        "UPDATE clips SET stretch = '[2.0, null, 0.0]' WHERE name = 'a'",
        "UPDATE clips SET boxes = zeroblob(64) WHERE name = 'a'",
        "UPDATE clips SET ecg_quality = 1.0 WHERE name = 'a'",
        "UPDATE clips SET video_problem = 'x' WHERE name = 'a'",
        "UPDATE clips SET digest = '' WHERE name = 'a'",
    ],
)
def test_an_edited_row_is_refused_and_named_and_prepared_anew(path: Path, edit: str, capsys):
    ClipTable(path, SETTINGS).add(whole("a"))
    ClipTable(path, SETTINGS).add(whole("b", seed=1))
    with sqlite3.connect(path) as connection:
        connection.execute(edit)
    table = ClipTable(path, SETTINGS)
    with pytest.raises(
        PainlitError, match=r"(?s)clips\.sqlite: 1 rows are not as they were written.* a\n.*make prepare"
    ):
        table.clips()
    assert list(table.clips(skip_damaged=True)) == ["b"]
    assert "prepared anew" in capsys.readouterr().out


def test_rows_belong_to_the_settings_of_their_table(path: Path):
    ClipTable(path, SETTINGS).add(whole("a"))
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE settings SET value = '8' WHERE key = 'clip.frames'")
    with pytest.raises(PainlitError, match="not as they were written"):
        ClipTable(path, {**SETTINGS, "clip.frames": 8}).clips()


def test_embeddings_are_made_from_the_video_and_the_boxes():
    row = whole()
    moved = dataclasses.replace(row, boxes=row.boxes + np.float32([[0, 0, 0, 0]] * 3 + [[0, 0, 0, 0.01]]))
    replaced = dataclasses.replace(row, video_file=FileState(2**33, 5, "xy"))
    copied = dataclasses.replace(row, video_file=FileState(2**33, 7, "ab"))
    assert row.video_source == copied.video_source
    assert len({row.video_source, moved.video_source, replaced.video_source}) == 3


def test_a_table_that_is_older_than_a_setting_stays_whole(path: Path):
    ClipTable(path, SETTINGS).add(whole("a"))
    now = SETTINGS | {"face.detection": "every_frame"}
    ClipTable(path, now).add(whole("b"))
    assert list(ClipTable(path, now).clips()) == list(ClipTable(path, SETTINGS).clips()) == ["a", "b"]
    with pytest.raises(PainlitError, match=r"face\.detection was 'every_frame' and is now 'key_frames'"):
        ClipTable(path, SETTINGS | {"face.detection": "key_frames"})
