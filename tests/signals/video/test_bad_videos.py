"""What is wrong with a video is an error with a remedy, or is repaired by a rule and noted; nothing passes silently."""

import errno
import os
import random
import wave
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import av.logging
import numpy as np
import pytest
from PIL import Image

from painlit.config import ClipConfig
from painlit.errors import ClipError
from painlit.signals.video.decoding import probe, read_clip

CLIP = ClipConfig(seconds=1.2)  # 30 frames at 25 Hz


def refusal(path: Path, clip: ClipConfig = CLIP, **part: float) -> str:
    with pytest.raises(ClipError) as caught:
        list(read_clip(path, clip, **part))
    assert str(path) in caught.value.what
    assert caught.value.remedy
    return caught.value.what.removeprefix(str(path))


# Lengths


@pytest.mark.parametrize(("frames", "padded"), [(30, 0), (29, 1), (27, 3)])
def test_a_clip_a_few_frames_short_is_padded_with_its_last(tmp_path, write_video, numbers, frames, padded):
    reader = read_clip(write_video(tmp_path / "clip.mp4", frames), CLIP)
    assert numbers(reader) == [*range(frames), *[frames - 1] * padded]
    told = (f"{padded} of 30 frames missing at the end, padded with the last one",) if padded else ()
    assert reader.notes == told


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


def test_a_longer_recording_is_read_from_the_start_and_it_is_said(tmp_path, write_video, numbers):
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


# Damage


def flipped(path: Path, seed: int, bits: int = 10, first: float = 0.1, last: float = 0.9) -> Path:
    """A copy with some bits of the middle flipped."""
    data, generator = bytearray(path.read_bytes()), random.Random(seed)
    for _ in range(bits):
        data[generator.randrange(int(first * len(data)), int(last * len(data)))] ^= 1 << generator.randrange(8)
    copy = path.with_stem(f"flipped-{seed}")
    copy.write_bytes(data)
    return copy


@pytest.fixture(scope="module")
def textured() -> list[np.ndarray]:
    """60 frames with something to encode in every block."""
    generator = np.random.default_rng(0)
    wide = generator.integers(0, 256, (20, 60, 3), np.uint8).repeat(8, 0).repeat(8, 1)
    return [wide[:128, 3 * k : 3 * k + 160].copy() for k in range(60)]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    ("codec", "suffix"), [("libx264", "mp4"), ("libx264", "ts"), ("mpeg4", "avi"), ("mpeg1video", "mpg"),
                          ("mpeg2video", "ts")]
)  # fmt: skip
def test_bit_errors_that_the_decoder_sees_are_refused_or_noted(tmp_path, write_video, textured, codec, suffix, seed):
    clip = ClipConfig(seconds=2.4)
    path = write_video(tmp_path / f"clip.{suffix}", textured, codec=codec)
    good = list(read_clip(path, clip))
    reader = read_clip(flipped(path, seed), clip)
    try:
        shown = list(reader)
    except ClipError as error:
        assert "damaged" in error.what or "missing" in error.what or "no picture near" in error.what  # noqa: PT017
        return
    differ = sum(np.abs(a.astype(int) - b).mean() > 2 for a, b in zip(good, shown, strict=True))
    assert not differ or any("damaged" in note or "near" in note or "errors" in note for note in reader.notes)
    assert differ <= 0.1 * 60 + 2


def test_damage_lasts_to_the_next_key_frame_and_is_counted(tmp_path, write_video, textured):
    """One damaged picture of the third group of ten: it and those after it in the group are named, no others."""
    path = write_video(tmp_path / "clip.mkv", textured * 2, g="10", bf="0", sc_threshold="0")
    import av

    with av.open(str(path)) as container:
        packet = [p for p in container.demux(video=0) if p.size][24]
        place = path.read_bytes().index(bytes(packet)) + packet.size // 2
    data = bytearray(path.read_bytes())
    for k in range(8):
        data[place + 4 * k] ^= 0xFF
    path.write_bytes(data)
    reader = read_clip(path, ClipConfig(seconds=4.8))
    assert sum(1 for _ in reader) == 120
    (note,) = [note for note in reader.notes if "damaged" in note or "near" in note]
    assert "6 of 120 frames are damaged, at 0.96 to 1.16 s" in note


def test_a_file_cut_short_is_as_long_as_what_is_left(tmp_path, write_video, textured):
    path = write_video(tmp_path / "clip.mkv", textured)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    assert "of 2.40 s are there, under 90%" in refusal(path, ClipConfig(seconds=2.4))
    path.write_bytes(data[: int(len(data) * 0.97)])
    reader = read_clip(path, ClipConfig(seconds=2.4))
    assert sum(1 for _ in reader) == 60
    assert "missing at the end" in reader.notes[0]


def test_a_truncated_mp4_says_so(tmp_path, write_video):
    clip = write_video(tmp_path / "clip.mp4", 30)
    clip.write_bytes(clip.read_bytes()[: clip.stat().st_size // 2])
    with pytest.raises(ClipError, match=r"clip\.mp4: truncated.*moov"):
        probe(clip)


# What is no video at all


def test_empty_missing_and_foreign_files_say_so(tmp_path):
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "notes.mp4").write_text("not a video\n" * 100)
    for name, reason in [("empty.mp4", "0 bytes"), ("notes.mp4", "not a video"), ("gone.mp4", "no such file")]:
        assert reason in refusal(tmp_path / name)


@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp", "tif", "webp"])
def test_a_photograph_is_no_video(tmp_path, suffix):
    Image.new("RGB", (64, 48)).save(tmp_path / f"face.{suffix}")
    assert "a single picture" in refusal(tmp_path / f"face.{suffix}")
    (tmp_path / f"face.{suffix}").rename(tmp_path / "face.mp4")
    assert "a single picture" in refusal(tmp_path / "face.mp4")


def test_sound_is_no_video(tmp_path):
    with wave.open(str(tmp_path / "sound.wav"), "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(bytes(16_000))
    assert refusal(tmp_path / "sound.wav") == ": there is no video in it, only audio"


@pytest.mark.parametrize(
    ("suffix", "codec", "letters", "others", "name"),
    [
        ("mp4", "libx264", b"avc1", b"xxxx", " xxxx"),
        ("mp4", "libx264", b"avc1", b"evc1", " evc"),  # a codec that FFmpeg knows, and does not decode
        ("mp4", "libx264", b"avc1", b"a b\0", " a b[0]"),
        ("mp4", "libx264", b"avc1", b"\1\2\3\xff", " [1][2][3][255]"),
        ("avi", "mpeg4", b"FMP4", b"XQQX", " XQQX"),
        ("mkv", "libx264", b"V_MPEG4/ISO/AVC", b"V_QUITE/UNKNOWN", ""),  # Matroska's names are not handed on
    ],
)
def test_a_codec_without_a_decoder_is_named(tmp_path, write_video, suffix, codec, letters, others, name):
    path = write_video(tmp_path / f"clip.{suffix}", 30, codec=codec)
    path.write_bytes(path.read_bytes().replace(letters, others))
    before = av.logging.get_level()
    assert f": its codec{name} has no decoder here" in refusal(path)
    assert av.logging.get_level() == before


def test_a_video_that_the_decoder_cannot_read_names_its_codec(tmp_path, write_video):
    path = write_video(tmp_path / "clip.mp4", 30)
    path.write_bytes(path.read_bytes().replace(b"avc1", b"vvc1"))
    assert "nothing in it decodes (codec vvc" in refusal(path)


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO, errno.ESTALE])
def test_a_file_that_cannot_be_read_is_the_error_of_its_clip(tmp_path, write_video, monkeypatch, number):
    clip = write_video(tmp_path / "clip.mp4", 30)

    def refuse(path: Path, *mode: str):
        raise OSError(number, os.strerror(number), str(path))

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(ClipError, match=rf"clip\.mp4: {os.strerror(number)}"):
        probe(clip)


def test_names_that_look_like_addresses_or_patterns(tmp_path, write_video):
    for name in ("concat:a|b.mp4", "http:clip.mp4", "%03d.mp4", "clip 1 ü.mp4"):
        assert probe(write_video(tmp_path / "clip.mp4", 30).rename(tmp_path / name)).frame_count == 30


# Rotation and pixels that are not square


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("degrees", [0, 90, 180, 270, -90])
def test_a_turned_or_flipped_video_is_shown_upright(tmp_path, write_video, numbers, numbered_frame, degrees, flip):
    frames = [numbered_frame(k) for k in range(30)]
    stored = [np.rot90(frame[:, ::-1] if flip else frame, k=-degrees // 90) for frame in frames]
    path = write_video(
        tmp_path / "clip.mp4",
        [np.ascontiguousarray(frame) for frame in stored],
        prepare=lambda stream: stream.set_display_rotation(degrees, hflip=flip),
    )
    reader = read_clip(path, CLIP)
    shown = list(reader)
    assert {frame.shape for frame in shown} == {(48, 64, 3)}
    assert (probe(path).width, probe(path).height) == (64, 48)
    assert numbers(shown) == list(range(30))
    assert shown[0][40, 10, 0] > 150 > shown[0][40, 10, 2]
    assert any("turned upright" in note for note in reader.notes) == (bool(degrees) or flip)


@pytest.mark.parametrize(("aspect", "width"), [("16/15", 68), ("4/3", 85), ("1/2", 32), ("1/1", 64), ("1/9", 64)])
def test_pixels_that_are_not_square_are_made_so(tmp_path, write_video, numbers, aspect, width):
    def shape(stream):
        stream.codec_context.sample_aspect_ratio = Fraction(aspect)

    path = write_video(tmp_path / "clip.mp4", 30, prepare=shape)
    reader = read_clip(path, CLIP)
    frames = list(reader)
    assert {frame.shape for frame in frames} == {(48, width, 3)}
    assert (probe(path).width, probe(path).height) == (width, 48)
    assert numbers(frames) == list(range(30))
    assert any("not square" in note for note in reader.notes) == (width != 64)
    assert any("cannot be true" in note for note in reader.notes) == (aspect == "1/9")


# Folders of pictures


def folder(path: Path, frames: dict[str, np.ndarray]) -> Path:
    path.mkdir()
    for name, frame in frames.items():
        Image.fromarray(frame).save(path / name)
    return path


PICTURES = ClipConfig(seconds=1.2, image_fps=25)


@pytest.mark.parametrize("name", ["{:03d}.png", "frame{}.png", "s1-{:d}.jpg", "{:05d}.BMP", "img_2024_{:06d}.tif"])
def test_a_folder_of_numbered_pictures_is_a_clip(tmp_path, numbered_frame, numbers, name):
    path = folder(tmp_path / "clip", {name.format(k + 7): numbered_frame(k) for k in range(30)})
    (path / "._0001.png").write_bytes(b"Mac")
    (path / "Thumbs.db").write_bytes(b"Windows")
    reader = read_clip(path, PICTURES)
    assert numbers(reader) == list(range(30))
    assert reader.notes == ()
    info = probe(path, image_fps=25)
    assert (info.width, info.height, info.fps, info.frame_count, info.seconds) == (64, 48, 25, 30, 1.2)


@pytest.mark.parametrize(("orientation", "degrees"), [(1, 0), (3, 180), (6, 270), (8, 90)])
def test_pictures_are_turned_as_exif_says(tmp_path, numbered_frame, numbers, orientation, degrees):
    (tmp_path / "clip").mkdir()
    exif = Image.Exif()
    exif[0x0112] = orientation
    for k in range(30):
        stored = Image.fromarray(np.rot90(numbered_frame(k), k=-degrees // 90))
        stored.save(tmp_path / "clip" / f"{k}.jpg", exif=exif, quality=95)
    reader = read_clip(tmp_path / "clip", PICTURES)
    frames = list(reader)
    assert {frame.shape for frame in frames} == {(48, 64, 3)}
    assert numbers(frames) == list(range(30))
    assert any(f"turned upright as its display matrix says ({degrees}°)" in note for note in reader.notes) == bool(
        degrees
    )


def test_pictures_have_a_step_gaps_and_another_rate(tmp_path, numbered_frame, numbers):
    kept = [k for k in range(60) if k != 20]
    path = folder(tmp_path / "clip", {f"{10 * k:04d}.png": numbered_frame(k) for k in kept})
    assert numbers(read_clip(path, ClipConfig(seconds=1.2, image_fps=50))) == [
        2 * k if k != 10 else 19 for k in range(30)
    ]
    assert numbers(read_clip(path, PICTURES, start=1.0))[:3] == [25, 26, 27]


def test_a_folder_that_is_no_clip_says_why(tmp_path, numbered_frame):
    frames = {f"{k}.png": numbered_frame(k) for k in range(30)}
    assert "does not say how many are shown a second" in refusal(folder(tmp_path / "a", frames))
    assert "without pictures" in refusal(folder(tmp_path / "b", {}), PICTURES)
    path = folder(tmp_path / "c", frames)
    (path / "7.png").write_bytes((path / "7.png").read_bytes()[:60])
    reader = read_clip(path, PICTURES)
    assert sum(1 for _ in reader) == 30
    assert any("7.png does not decode" in note for note in reader.notes)
    for name, what in (("7.jpg", "has the same number"), ("face.png", "no number")):
        Image.fromarray(numbered_frame(0)).save(path / name)
        with pytest.raises(ClipError, match=what):
            list(read_clip(path, PICTURES))
        (path / name).unlink()
    for picture in path.iterdir():
        picture.write_bytes(b"no picture")
    assert "no picture decodes" in refusal(path, PICTURES)


@pytest.mark.parametrize("cut", [0.3, 0.8])
def test_a_jpeg_cut_short_is_not_filled_up(tmp_path, textured, cut):
    path = folder(tmp_path / "clip", {f"{k}.jpg": textured[k] for k in range(30)})
    data = (path / "9.jpg").read_bytes()
    (path / "9.jpg").write_bytes(data[: int(cut * len(data))])
    reader = read_clip(path, PICTURES)
    assert sum(1 for _ in reader) == 30
    assert any("9.jpg does not decode" in note or "damaged" in note for note in reader.notes)


# The examples


def test_examples_of_real_trouble(shared_data: Path):
    def example(number: int) -> Path:
        return next((shared_data / "cases").glob(f"{number:02d}-*/*.mp4"))

    clip = ClipConfig()
    for number, note in ((5, ""), (6, "longer than a clip"), (10, ""), (11, "the video has 15 a second")):
        reader = read_clip(example(number), clip)
        assert sum(1 for _ in reader) == 138
        assert [note in told for told in reader.notes] == [True] * bool(note), number
        assert max(abs(a - b) for a, b in zip(reader.times, clip.frame_times, strict=True)) <= 1 / 30 + 1e-6
        assert all(a <= b for a, b in pairwise(reader.times))
    assert "138 of 138 frames are damaged" in refusal(example(8), clip)
