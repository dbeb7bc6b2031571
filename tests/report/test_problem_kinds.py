"""Messages that differ in names and numbers alone are one kind."""

from pathlib import Path

import pytest

from painlit.clips.clip import Clip
from painlit.report.problem_kinds import MOST_ROWS, by_kind, is_inferred

CLIPS = {n: Clip(n, "s", "NP", Path(f"/data set/video/{n}.mp4"), Path(f"/data set/ecg/{n}_bio.csv")) for n in "abcd"}


@pytest.mark.parametrize(
    ("messages", "what"),
    [
        (
            ("{video}: no face in any of 38 frames", "{video}: no face in any of 7 frames"),
            "no face in any of … frames",
        ),
        (
            ("{ecg} has 899 rows instead of 2816", "{ecg} has 9 rows instead of 28"),
            "the file has … rows instead of …",
        ),
        (("{ecg}, row 102: no number ('x')", "{ecg}, row 3: no number ('a, b')"), "row …: no number (…)"),
        (("quality 0.12 is below 0.15, so no", "quality 0.00 is below 0.15, so no"), "quality … is below …, so no"),
        (("{video}: no such file", "{video}: no such file"), "no such file"),
    ],
)
def test_one_kind(messages: tuple[str, str], what: str):
    entries = [
        (name, "video", f"{text.format(video=CLIPS[name].video, ecg=CLIPS[name].ecg)}\n  -> copy it")
        for name, text in zip("ab", messages, strict=True)
    ]
    (kind,) = by_kind(entries, CLIPS)
    assert (kind.what, kind.count, kind.remedy, kind.part) == (what, 2, "copy it", "video")
    assert [name for name, _ in kind.rows] == ["a", "b"]
    assert not any("/data set" in text for _, text in kind.rows), "a page that is handed on names no folders"


def test_a_kind_of_one_says_all_of_it():
    (kind,) = by_kind([("a", "ecg", f"{CLIPS['a'].ecg} has 899 rows instead of 2816")], CLIPS)
    assert (kind.what, kind.remedy) == ("the file has 899 rows instead of 2816", "")


def test_the_most_frequent_come_first_and_the_parts_stay_apart():
    entries = [("a", "video", "no such file"), *[(n, "ecg", "no such file") for n in "abc"], ("d", "ecg", "is flat")]
    assert [(k.part, k.what, k.count) for k in by_kind(entries, CLIPS)] == [
        ("ecg", "no such file", 3),
        ("ecg", "is flat", 1),
        ("video", "no such file", 1),
    ]


def test_rows_are_bounded_and_the_rest_is_counted():
    (kind,) = by_kind([("a", "", f"{k} frames padded") for k in range(100)], CLIPS)
    assert (len(kind.rows), kind.more, kind.count) == (MOST_ROWS, 100 - MOST_ROWS, 100)


@pytest.mark.parametrize(
    ("note", "inferred"),
    [
        ("256 Hz as the file has it", True),
        ("decimal commas", True),
        ("30 numbers have decimal commas", True),
        ("times in s by the name of Time, 250 Hz", True),
        ("times of day in time, 250 Hz", True),
        ("the times are taken to be in s", True),
        ("the intervals are in ms", True),
        ("lead II taken, the best by signal quality: I 0.42, II 0.90", True),
        ("uV converted to mV", True),
        ("longer than a clip (60.0 s): used from 0 to 5.52 s", True),
        ("times in s by the name of Time, uneven: samples are taken as 250 Hz throughout", False),
        ("4 samples lack in 1 gaps, the longest of 0.016 s at 3.000 s", False),
        ("3 repeated times, the first in row 5: one row of each is kept", False),
        ("512 NUL bytes at the end, where data were lost", False),
        ("no face in 4 of 20 frames, boxes interpolated", False),
        ("2 of 138 frames missing at the end, padded with the last one", False),
    ],
)
def test_what_was_inferred_is_no_repair(note: str, inferred: bool):
    assert is_inferred(note) == inferred
