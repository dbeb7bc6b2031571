from dataclasses import replace

import pytest
from made_up_runs import boxes_of, bpm_of

from data_modules.recordings.biovid import read_samples
from data_modules.recordings.preparation import refuse_other_data, refuse_replaced, usable_part
from painlit.clips.clip import WHOLE, Stretch
from painlit.clips.table import PreparedClip
from painlit.errors import PainlitError
from painlit.system.digests import FileState


@pytest.mark.parametrize(("part", "lost", "kept"), [("ecg", "bpm", "boxes"), ("video", "boxes", "bpm")])
def test_what_was_found_in_a_file_that_was_replaced_is_found_anew(root, part: str, lost: str, kept: str):
    clip = read_samples(root)[0]
    files = {"video_file": FileState.of(clip.video), "signal_file": FileState.of(clip.ecg)}
    row = PreparedClip(clip.name, boxes=boxes_of(clip.name), bpm=bpm_of(clip.name), **files)
    same = usable_part(clip, row)
    assert same.boxes is row.boxes
    assert same.bpm is row.bpm
    name = f"{part}_file".replace("ecg", "signal")
    copied = usable_part(clip, replace(row, **{name: files[name]._replace(time=0)}))
    assert getattr(copied, lost) is getattr(row, lost), "the same content at another time"
    left = usable_part(clip, replace(row, **{name: files[name]._replace(time=0, sha256="other")}))
    assert getattr(left, lost) is None
    assert getattr(left, kept) is getattr(row, kept)


@pytest.fixture
def prepared(root):
    clips = read_samples(root)
    rows = {
        clip.name: PreparedClip(clip.name, video_file=FileState.of(clip.video), signal_file=FileState.of(clip.ecg))
        for clip in clips
    }
    return clips, rows


def other(row: PreparedClip) -> PreparedClip:
    """The row of a recording of other content."""
    states = {name: getattr(row, name)._replace(time=0, sha256="other") for name in ("video_file", "signal_file")}
    return replace(row, **states)


def test_a_data_set_is_not_prepared_into_the_table_of_another(prepared, tmp_path):
    clips, rows = prepared
    table = tmp_path / "clips.sqlite"
    refuse_other_data(clips, {}, table)
    refuse_other_data(clips, rows, table)
    some = {name: other(row) if k < 3 else row for k, (name, row) in enumerate(rows.items())}
    refuse_other_data(clips, some, table)  # a few recordings were replaced
    with pytest.raises(PainlitError, match=r"(?s)holds another data set: 60 of 60 recordings.*data\.name"):
        refuse_other_data(clips, {name: other(row) for name, row in rows.items()}, table)
    with pytest.raises(PainlitError, match="no clip is the same"):
        refuse_other_data(clips, {f"other-{name}": row for name, row in rows.items()}, table)


@pytest.mark.parametrize(
    ("stretch", "kept"),
    [(Stretch(1.0), ()), (Stretch(0.0, 2.0), ()), (Stretch(offset=0.5), ("boxes",)), (WHOLE, ("boxes", "bpm"))],
)
def test_another_part_of_a_recording_is_prepared_anew(root, stretch: Stretch, kept: tuple[str, ...]):
    clip = read_samples(root)[0]
    files = {"video_file": FileState.of(clip.video), "signal_file": FileState.of(clip.ecg)}
    row = PreparedClip(clip.name, boxes=boxes_of(clip.name), bpm=bpm_of(clip.name), **files)
    part = usable_part(replace(clip, stretch=stretch), row)
    assert part.stretch == stretch
    assert tuple(name for name in ("boxes", "bpm") if getattr(part, name) is not None) == kept


def test_a_part_that_was_moved_after_preparation_is_refused(prepared):
    clips, rows = prepared
    moved = [replace(clips[0], stretch=Stretch(0.5)), *clips[1:]]
    refuse_replaced(clips, rows, video=True, signal=True)
    with pytest.raises(PainlitError, match=f"1 clips have another start, end or offset.*{clips[0].name}"):
        refuse_replaced(moved, rows, video=True)


def test_embeddings_are_of_one_part_of_a_video(root):
    clip = read_samples(root)[0]
    row = PreparedClip(clip.name, video_file=FileState.of(clip.video), boxes=boxes_of(clip.name))
    sources = {replace(row, stretch=stretch).video_source for stretch in (WHOLE, Stretch(1.0), Stretch(0.0, 2.0))}
    assert len(sources) == 3
    assert replace(row, stretch=Stretch(offset=1.0)).video_source == row.video_source, "it moves the signal alone"
