"""Windows of a video are what a clip reader gives of the same stretch, and no frame is looked at twice."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from painlit.config import ClipConfig
from painlit.inference.video_windows import VideoWindow, VideoWindows
from painlit.signals.video.decoding import open_footage, read_clip
from painlit.signals.video.rgb import RgbConverter, can_be_cut


def windows(video: Path, clip: ClipConfig, step: float = 0.5, **options) -> tuple[list[VideoWindow], VideoWindows]:
    source = VideoWindows(open_footage(video, None), video, clip, step, **options)
    return list(source), source


@pytest.mark.parametrize(
    ("fps", "clip"),
    [
        (25, ClipConfig(seconds=2)),
        (29.97, ClipConfig(seconds=2)),
        (10, ClipConfig(seconds=2, video_fps=25)),
        (25, ClipConfig(seconds=2, frames=7)),
        (60, ClipConfig(seconds=1.5, video_fps=4)),
    ],
)
def test_each_window_is_the_clip_of_its_time(write_video: Callable[..., Path], tmp_path, fps, clip):
    video = write_video(tmp_path / "a.mp4", int(5 * fps), fps)
    found, _ = windows(video, clip)
    assert [window.start for window in found] == pytest.approx(
        list(np.arange(0, 5 - clip.seconds + 1e-6, 0.5)), abs=0.13
    )
    for window in found:
        expected = read_clip(video, clip, window.start)
        assert all(np.array_equal(a.pixels, b) for a, b in zip(window.frames, expected, strict=True))
        assert [frame.time for frame in window.frames] == expected.times
        assert not window.problem


def test_a_variable_frame_rate_is_read_by_time(write_video: Callable[..., Path], tmp_path):
    times = np.cumsum(np.random.default_rng(0).uniform(0.02, 0.07, 110))
    video = write_video(tmp_path / "a.mkv", len(times), times=times)
    clip = ClipConfig(seconds=1, video_fps=12)
    for window in windows(video, clip, 0.25)[0]:
        expected = read_clip(video, clip, window.start)
        assert all(np.array_equal(a.pixels, b) for a, b in zip(window.frames, expected, strict=True))


def test_what_windows_share_is_kept_once(write_video: Callable[..., Path], tmp_path):
    video = write_video(tmp_path / "a.mp4", 125, 25)
    found, source = windows(video, ClipConfig(seconds=2), step=0.2)
    assert len(found) == 16
    assert source.looked_at == 125
    first = {frame.at: frame for frame in found[0].frames}
    assert all(frame is first[frame.at] for frame in found[1].frames if frame.at in first)


def test_frames_are_converted_by_who_reads_them(write_video: Callable[..., Path], tmp_path, monkeypatch):
    video = write_video(tmp_path / "a.mp4", 75, 25)
    assert can_be_cut(next(open_footage(video, None).frames()).picture)
    converted: list[int] = []
    monkeypatch.setattr(RgbConverter, "whole", lambda *given: converted.append(1))
    found, source = windows(video, ClipConfig(seconds=2))
    assert [frame.pixels.shape for frame in found[0].frames] == [(48, 64, 3)] * 50
    assert source.looked_at == 75
    assert not converted


def test_windows_that_do_not_touch_skip_what_lies_between(write_video: Callable[..., Path], tmp_path):
    video = write_video(tmp_path / "a.mp4", 125, 25)
    found, source = windows(video, ClipConfig(seconds=1), step=2.0)
    assert [window.start for window in found] == [0, 2, 4]
    assert source.looked_at == 75


def test_start_and_end_bound_what_is_used(write_video: Callable[..., Path], tmp_path):
    video = write_video(tmp_path / "a.mp4", 125, 25)
    found, source = windows(video, ClipConfig(seconds=1), step=1.0, start=1.4, end=4.0)
    assert [window.start for window in found] == pytest.approx([1.4, 2.4])
    assert max(frame.time for window in found for frame in window.frames) < 4.0
    assert source.seconds == pytest.approx(2.6)


@pytest.mark.parametrize(("frames", "refused"), [(100, False), (60, False), (40, True)])
def test_a_short_video_is_padded_or_refused(write_video: Callable[..., Path], tmp_path, frames, refused):
    video = write_video(tmp_path / "a.mp4", frames, 25)
    (window,), _ = windows(video, ClipConfig(seconds=4), least_length=0.5)
    assert bool(window.problem) == refused
    if refused:
        assert "only 1.60 of 4.00 s are there" in window.problem
    elif frames < 100:
        assert window.note == "40 of 100 frames missing at the end, padded with the last one"
        assert np.array_equal(window.frames[-1].pixels, window.frames[59].pixels)


def test_a_gap_refuses_the_windows_that_hold_it_alone(write_video: Callable[..., Path], tmp_path):
    times = [k / 25 for k in range(200) if not 75 <= k < 100]
    video = write_video(tmp_path / "a.mkv", len(times), times=times)
    found, _ = windows(video, ClipConfig(seconds=1), step=1.0)
    assert [bool(window.problem) for window in found] == [False, False, False, True, False, False, False, False]
    assert "have no picture near" in found[3].problem
