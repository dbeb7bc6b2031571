"""What is wrong with a video is an error with a remedy, or is repaired by a rule and noted; nothing passes silently."""

import errno
import os
import random
import wave
from itertools import pairwise
from pathlib import Path

import av
import av.logging
import numpy as np
import pytest
from PIL import Image
from refusals import refusal

from painlit.config import ClipConfig
from painlit.errors import ClipError
from painlit.signals.video.decoding import probe, read_clip

# Damage


def flipped(path: Path, seed: int, bits: int = 10, first: float = 0.1, last: float = 0.9) -> Path:
    """A copy with some bits of the middle flipped."""
    data, generator = bytearray(path.read_bytes()), random.Random(seed)
    for _ in range(bits):
        data[generator.randrange(int(first * len(data)), int(last * len(data)))] ^= 1 << generator.randrange(8)
    copy = path.with_stem(f"flipped-{seed}")
    copy.write_bytes(data)
    return copy


def is_told(path: Path, clip: ClipConfig, good: list[np.ndarray]) -> bool:
    """Whether a damaged clip is refused as such, or its damage noted, or each of its frames is as it should be."""
    reader = read_clip(path, clip)
    try:
        shown = list(reader)
    except ClipError as error:
        return any(word in error.what for word in ("damaged", "missing", "no picture near"))
    differ = sum(np.abs(a.astype(int) - b).mean() > 2 for a, b in zip(good, shown, strict=True))
    noted = any(word in note for note in reader.notes for word in ("damaged", "near", "errors"))
    return not differ or (noted and differ <= 0.1 * len(good) + 2)


@pytest.mark.parametrize(
    ("codec", "suffix"), [("libx264", "mp4"), ("libx264", "ts"), ("mpeg4", "avi"), ("mpeg1video", "mpg"),
                          ("mpeg2video", "ts")]
)  # fmt: skip
def test_bit_errors_are_refused_or_noted_but_for_the_few_that_no_decoder_sees(
    tmp_path, write_video, textured, codec, suffix
):
    clip = ClipConfig(seconds=2.4)
    path = write_video(tmp_path / f"clip.{suffix}", textured, codec=codec)
    good = list(read_clip(path, clip))
    assert sum(is_told(flipped(path, seed), clip, good) for seed in range(6)) >= 5


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
    path = write_video(tmp_path / "clip.mkv", textured, bf="0")
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


# The examples


def test_examples_of_real_trouble(shared_data: Path):
    def example(number: int) -> Path:
        return next((shared_data / "cases").glob(f"{number:02d}-*/*.mp4"))

    clip = ClipConfig()
    for number, note in ((5, ""), (6, "longer than a clip"), (10, ""), (11, "the video has 15 a second")):
        reader = read_clip(example(number), clip)
        assert sum(1 for _ in reader) == 138
        assert [note in line for line in reader.notes] == [True] * bool(note), number
        assert max(abs(a - b) for a, b in zip(reader.times, clip.frame_times, strict=True)) <= 1 / 30 + 1e-6
        assert all(a <= b for a, b in pairwise(reader.times))
    assert "138 of 138 frames are damaged" in refusal(example(8), clip)
