"""A clip that is short or long, and frames that are missing, repeated or out of order."""

import numpy as np
import pytest
from refusals import CLIP, refusal

from painlit.config import ClipConfig
from painlit.errors import ClipError
from painlit.signals.video.decoding import read_clip

# Lengths


@pytest.mark.parametrize(("frames", "padded"), [(30, 0), (29, 1), (27, 3)])
def test_a_clip_a_few_frames_short_is_padded_with_its_last(tmp_path, write_video, numbers, frames, padded):
    reader = read_clip(write_video(tmp_path / "clip.mp4", frames), CLIP)
    assert numbers(reader) == [*range(frames), *[frames - 1] * padded]
    notes = (f"{padded} of 30 frames missing at the end, padded with the last one",) if padded else ()
    assert reader.notes == notes


@pytest.mark.parametrize("rate", [25, 30, 50, 15])
def test_under_90_percent_of_the_time_is_an_error_at_any_rate(tmp_path, write_video, rate):
    least = int(np.ceil(0.9 * 1.2 * rate - 1e-9))
    assert sum(1 for _ in read_clip(write_video(tmp_path / "enough.mp4", least, fps=rate), CLIP)) == 30
    what = refusal(write_video(tmp_path / "short.mp4", least - 1, fps=rate))
    assert what == f": only {(least - 1) / rate:.2f} of 1.20 s are there, under 90%"


def test_nobody_gets_all_frames_of_a_clip_that_is_refused(tmp_path, write_video):
    seen = []
    with pytest.raises(ClipError):
        seen.extend(read_clip(write_video(tmp_path / "short.mp4", 20), CLIP))
    assert len(seen) < 30


def test_a_longer_recording_is_read_from_the_start_and_that_is_noted(tmp_path, write_video, numbers):
    reader = read_clip(write_video(tmp_path / "long.mp4", 60), CLIP)
    assert numbers(reader) == list(range(30))
    assert reader.notes == ("longer than a clip (2.4 s): used from 0 to 1.20 s",)


def test_a_start_beyond_the_end_says_so(tmp_path, write_video):
    path = write_video(tmp_path / "clip.mp4", 60)
    assert "only 0.00 of 1.20 s are there from 30 s on" in refusal(path, start=30.0)


# Frames missing, repeated, out of order


def lossy(lost: range, frames: int = 60) -> tuple[list[int], list[float]]:
    kept = [k for k in range(frames) if k not in lost]
    return kept, [k / 25 for k in kept]


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts"])
@pytest.mark.parametrize(("lost", "missing"), [(range(20, 21), 0), (range(20, 24), 2), (range(20, 25), 3)])
def test_frames_lost_in_the_middle_leave_all_others_at_their_time(
    tmp_path, write_video, numbers, numbered_frame, suffix, lost, missing
):
    kept, times = lossy(lost)
    path = write_video(tmp_path / f"clip.{suffix}", [numbered_frame(k) for k in kept], times=times)
    reader = read_clip(path, ClipConfig(seconds=2.4))
    shown = numbers(reader)
    assert [k for k in range(60) if shown[k] != k] == list(lost)
    assert {shown[k] for k in lost} <= {lost.start - 1, lost.stop}
    assert any("have no picture near" in note for note in reader.notes) == bool(missing)
    assert any("repeat the one before" in note for note in reader.notes)
    if missing:
        assert any(
            f"{missing} of 60 frames have no picture near and take the nearest, at 0.8" in n for n in reader.notes
        )


def test_too_long_a_gap_is_an_error_that_says_where(tmp_path, write_video, numbered_frame):
    kept, times = lossy(range(20, 35))
    path = write_video(tmp_path / "clip.mp4", [numbered_frame(k) for k in kept], times=times)
    what = refusal(path, ClipConfig(seconds=2.4))
    assert what.startswith(": 13 of 60 frames have no picture near and take the nearest, at 0.84 to 1.32 s")
    assert what.endswith("at most 10% may be")


def test_a_slower_source_is_named_with_both_rates(tmp_path, write_video, numbers):
    reader = read_clip(write_video(tmp_path / "clip.mp4", 18, fps=15), CLIP)
    assert sum(1 for _ in reader) == 30
    assert reader.notes == ("12 of 30 frames repeat the one before: the video has 15 a second, clip.video_fps=25",)
