from dataclasses import replace

import pytest
from made_up_runs import boxes_of, bpm_of

from data_modules.recordings.biovid import read_samples
from data_modules.recordings.preparation import usable_part
from painlit.clips.table import PreparedClip


@pytest.mark.parametrize(("part", "lost", "kept"), [("ecg", "bpm", "boxes"), ("video", "boxes", "bpm")])
def test_what_was_found_in_a_file_that_was_replaced_is_found_anew(root, part: str, lost: str, kept: str):
    clip = read_samples(root)[0]
    sizes = {"video_bytes": clip.video.stat().st_size, "ecg_bytes": clip.ecg.stat().st_size}
    row = PreparedClip(clip.name, clip.subject, clip.label, boxes_of(clip.name), bpm=bpm_of(clip.name), **sizes)
    same = usable_part(clip, row)
    assert same.boxes is row.boxes
    assert same.bpm is row.bpm
    left = usable_part(clip, replace(row, **{f"{part}_bytes": sizes[f"{part}_bytes"] - 1}))
    assert getattr(left, lost) is None
    assert getattr(left, kept) is getattr(row, kept)
