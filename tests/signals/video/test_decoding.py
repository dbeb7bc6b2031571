"""Frames by presentation time: which one of a video is taken for each time of a clip."""

import tracemalloc
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from painlit.config import ClipConfig
from painlit.errors import ClipError
from painlit.signals.video.decoding import ClipReader, probe, read_clip

CLIP = ClipConfig(seconds=1.2)  # 30 frames at 25 Hz
NTSC = Fraction(30_000, 1001)


@pytest.mark.parametrize(
    ("codec", "suffix", "options"),
    [
        ("libx264", "mp4", {}),
        ("libx264", "mov", {"bf": "3"}),
        ("libx264", "mkv", {"bf": "3", "g": "10"}),
        ("libx264", "ts", {"bf": "2"}),
        ("libx264", "avi", {}),
        ("libx264", "h264", {}),
        ("libx265", "mp4", {}),
        ("libvpx", "webm", {"deadline": "realtime"}),
        ("libvpx-vp9", "webm", {"deadline": "realtime"}),
        ("libsvtav1", "mp4", {}),
        ("mpeg4", "mp4", {}),
        ("mpeg4", "avi", {"bf": "2"}),
        ("mpeg1video", "mpg", {}),
        ("mpeg2video", "ts", {"bf": "2"}),
        ("mjpeg", "avi", {}),
        ("prores_ks", "mov", {}),
        ("ffv1", "mkv", {}),
        ("gif", "gif", {}),
    ],
)
def test_a_clip_of_the_requested_rate_gives_each_of_its_frames(tmp_path, write_video, numbers, codec, suffix, options):
    path = write_video(tmp_path / f"clip.{suffix}", 30, codec=codec, **options)
    reader = read_clip(path, CLIP)
    assert numbers(reader) == list(range(30))
    assert reader.times == pytest.approx([k / 25 for k in range(30)], abs=0.001)
    assert len(reader) == 30
    assert [note for note in reader.notes if "no frame times" not in note] == []
    assert numbers(reader) == list(range(30)), "a second pass is the same"


@pytest.mark.parametrize(
    "pix_fmt", ["gray", "yuv420p10le", "yuv422p", "yuv444p", "yuv444p10le", "yuva420p", "yuvj420p", "gbrp", "bgra"]
)
def test_every_pixel_format_is_rgb_in_the_end(tmp_path, write_video, numbers, pix_fmt):
    codec = "ffv1" if pix_fmt in ("yuva420p", "bgra") else "libx264rgb" if pix_fmt == "gbrp" else "libx264"
    path = write_video(tmp_path / "clip.mkv", 30, codec=codec, pix_fmt="" if pix_fmt == "gbrp" else pix_fmt)
    frames = list(read_clip(path, CLIP))
    assert numbers(frames) == list(range(30))
    assert {(frame.shape, frame.dtype) for frame in frames} == {((48, 64, 3), np.dtype(np.uint8))}
    (red, _, _), (_, _, blue) = frames[3][40, 16], frames[3][40, 48]
    assert (red > 150) == (blue > 150) == (pix_fmt != "gray")


@pytest.mark.parametrize("shape", [(49, 65), (51, 67), (48, 66)])
def test_odd_sizes(tmp_path, write_video, numbered_frame, shape):
    frames = [numbered_frame(k, shape) for k in range(30)]
    path = write_video(tmp_path / "odd.mp4", frames, pix_fmt="yuv444p")
    assert {frame.shape for frame in read_clip(path, CLIP)} == {(*shape, 3)}
    assert (probe(path).height, probe(path).width) == shape


def stamps(path: Path) -> list[float]:
    """The presentation times of all packets, in s from the first: read without decoding."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        times = sorted(packet.pts * packet.time_base for packet in container.demux(stream) if packet.pts is not None)
    return [float(time - times[0]) for time in times]


def jittered(seconds: float, seed: int) -> list[float]:
    """Times of a phone: intervals of 20 to 47 ms."""
    steps = np.random.default_rng(seed).uniform(0.020, 0.047, 200)
    times = [0.0, *np.cumsum(steps).tolist()]
    return [time for time in times if time < seconds]


@pytest.mark.parametrize("rate", [12.5, 15, 24, 25, NTSC, 30, 50, 60, "variable"])
@pytest.mark.parametrize("suffix", ["mp4", "mkv", "webm"])
def test_the_frame_nearest_to_each_time_is_taken(tmp_path, write_video, rate, suffix):
    """At all rates the times differ from the requested ones by half a frame of the source at most."""
    clip, codec = ClipConfig(seconds=2), {"webm": "libvpx"}.get(suffix, "libx264")
    times = jittered(2.1, seed=3) if rate == "variable" else [k / float(rate) for k in range(int(2.1 * rate))]
    path = write_video(tmp_path / f"clip.{suffix}", len(times), fps=30, codec=codec, times=times)
    reader = read_clip(path, clip)
    assert sum(1 for _ in reader) == 50
    shown = np.array(stamps(path))
    wanted = np.array(clip.frame_times)
    nearest = shown[np.abs(shown[None] - wanted[:, None]).round(6).argmin(axis=1)]  # the earlier of two
    assert reader.times == pytest.approx(nearest.tolist(), abs=1e-6)
    half = max(b - a for a, b in pairwise(shown)) / 2
    assert np.abs(np.array(reader.times) - wanted).max() <= half + 0.001
    assert any("repeat" in note for note in reader.notes) == (rate != "variable" and rate < 25)


def test_the_same_recording_at_other_rates_gives_the_same_moments(tmp_path, write_video):
    """What a frame shows is its time; chosen frames of all rates show the same within half a frame of the slower."""
    clip, shown = ClipConfig(seconds=2), {}
    for rate in (25, NTSC, 30, 60, "variable"):
        times = jittered(2.1, seed=1) if rate == "variable" else [k / float(rate) for k in range(int(2.1 * rate))]
        frames = [np.full((48, 64, 3), round(100 * time), np.uint8) for time in times]  # 10 ms a grey level
        path = write_video(tmp_path / f"{rate}.mkv".replace("/", "_"), frames, fps=30, codec="ffv1", times=times,
                           pix_fmt="bgr0")  # fmt: skip
        shown[rate] = np.array([frame[0, 0, 0] / 100 for frame in read_clip(path, clip)])
    for rate, moments in shown.items():
        slower = 0.047 if rate == "variable" else 1 / 25
        assert np.abs(moments - shown[25]).max() <= slower / 2 + 0.010, rate


def test_of_two_frames_equally_near_the_earlier_is_taken(tmp_path, write_video, numbers):
    path = write_video(tmp_path / "clip.mp4", 60, fps=50)
    reader = read_clip(path, ClipConfig(seconds=1.0, video_fps=25), start=0.01)
    assert numbers(reader) == [2 * k for k in range(25)]


@pytest.mark.parametrize("lead", [0.4, 5.0])
@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts"])
def test_the_clock_begins_with_the_first_frame_shown(tmp_path, write_video, numbers, suffix, lead):
    path = write_video(tmp_path / f"late.{suffix}", 30, times=[lead + k / 25 for k in range(30)])
    reader = read_clip(path, CLIP)
    assert (numbers(reader), reader.times[:2]) == (list(range(30)), pytest.approx([0, 0.04]))


LONG = [("mp4", "libx264", {"g": "50", "bf": "3"}), ("mkv", "libx264", {"g": "250"}), ("ts", "libx264", {"g": "25"}),
        ("webm", "libvpx", {"g": "50", "deadline": "realtime"}), ("avi", "mpeg4", {"g": "12", "bf": "2"}),
        ("avi", "libx264", {"g": "25", "bf": "3"}), ("mpg", "mpeg2video", {"g": "12", "bf": "2"}),
        ("mov", "mjpeg", {}), ("h264", "libx264", {"g": "25"}),
        ("mp4", "libx264", {"x264-params": "open-gop=1:keyint=25:bframes=3"})]  # fmt: skip


@pytest.mark.parametrize(("suffix", "codec", "options"), LONG, ids=[f"{s}-{c}" for s, c, _ in LONG])
@pytest.mark.parametrize("start", [1.0, 4.96, 8.0])
def test_a_part_of_a_long_recording_is_the_right_one(tmp_path, write_video, numbers, suffix, codec, options, start):
    path = write_video(tmp_path / f"long.{suffix}", 250, codec=codec, **options)
    reader = read_clip(path, CLIP, start=start, end=start + 1.2)
    first = round(start * 25)
    assert numbers(reader) == list(range(first, first + 30))
    assert reader.times == pytest.approx([start + k / 25 for k in range(30)], abs=0.001)
    assert not any("longer" in note or "damaged" in note for note in reader.notes)


def test_a_long_recording_is_not_decoded_from_its_beginning(tmp_path, write_video, monkeypatch):
    path = write_video(tmp_path / "long.mp4", 1500, g="50")
    decoded = []
    from painlit.signals.video.shown_frames import Decoding

    timed = Decoding._timed
    monkeypatch.setattr(
        Decoding, "_timed", lambda self, *rest: (decoded.append(1) or frame for frame in timed(self, *rest))
    )
    assert sum(1 for _ in read_clip(path, CLIP, start=50.0)) == 30
    assert len(decoded) < 200


def test_the_end_of_a_part_is_kept(tmp_path, write_video, numbers):
    path = write_video(tmp_path / "long.mp4", 100)
    reader = read_clip(path, CLIP, start=1.0, end=2.12)
    assert numbers(reader) == [*range(25, 53), 52, 52]
    assert "2 of 30 frames missing at the end" in reader.notes[0]
    with pytest.raises(ClipError, match=r"only 1\.00 of 1\.20 s are there from 1 s on"):
        list(read_clip(path, CLIP, start=1.0, end=2.0))


@pytest.mark.parametrize(("start", "end"), [(-1, None), (2, 2), (2, 1), (float("nan"), None), (0, float("nan"))])
def test_what_is_no_part_of_a_recording_is_refused(tmp_path, start, end):
    with pytest.raises(ClipError, match="cannot reach"):
        read_clip(tmp_path / "clip.mp4", CLIP, start, end)


def test_fewer_frames_a_clip(tmp_path, write_video, numbers):
    path = write_video(tmp_path / "clip.mp4", 30)
    assert numbers(read_clip(path, ClipConfig(seconds=1.2, frames=4))) == [0, 10, 19, 29]
    assert numbers(read_clip(path, ClipConfig(seconds=1.2, frames=1))) == [15]


def test_a_frame_handed_out_is_not_overwritten(tmp_path, write_video, numbers):
    path = write_video(tmp_path / "clip.mp4", 15, fps=12.5)
    frames = list(read_clip(path, CLIP))
    assert numbers(frames[:4]) == [0, 0, 1, 1]
    frames[2][:] = 0
    assert numbers(frames[:4]) == [0, 0, 0, 1]


def test_memory_does_not_grow_with_length(tmp_path, write_video):
    reader = read_clip(write_video(tmp_path / "long.mp4", 60), ClipConfig(seconds=2.4))
    tracemalloc.start()
    shown = sum(1 for _ in reader)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert shown == 60
    assert peak < 30 * 64 * 48 * 3


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts"])
def test_length_counts_from_the_first_frame(tmp_path, write_video, suffix):
    """Matroska states when a recording ends: 10 s late, a clip from 12 s on seemed to be there."""
    path = write_video(tmp_path / f"late.{suffix}", 50, times=10 + np.arange(50) / 25)
    assert probe(path).seconds == pytest.approx(2, abs=0.05)


def test_probe(tmp_path, write_video):
    info = probe(write_video(tmp_path / "clip.mp4", 60, fps=30))
    assert (info.width, info.height, info.fps, info.frame_count) == (64, 48, 30.0, 60)
    assert (info.seconds, info.codec, info.rotation) == (2.0, "h264", 0)


def test_real_clip(shared_data: Path):
    path = shared_data / "videos" / "bbaf2n.mpg"
    assert (probe(path).width, probe(path).height, probe(path).fps) == (360, 288, 25.0)
    reader = ClipReader(path, ClipConfig(seconds=3))
    assert sum(1 for _ in reader) == 75
    assert reader.notes == ()


@pytest.mark.parametrize("pattern", ["proxy_biovid/PartA/video/*/*-PA4-00*.mp4", "videos/*.mpg"])
def test_frames_and_pixels_are_opencvs(shared_data: Path, pattern: str):
    """Position for position and bit for bit, so what was trained on them stays valid."""
    import cv2

    path = sorted(shared_data.glob(pattern))[0]
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    seconds = 5.5 if path.suffix == ".mp4" else 3
    for frame in read_clip(path, ClipConfig(seconds=seconds)):
        assert (frame == cv2.cvtColor(capture.read()[1], cv2.COLOR_BGR2RGB)).all()
    assert not capture.grab()
