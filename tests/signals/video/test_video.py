import errno
import os
import tracemalloc
from pathlib import Path

import cv2
import numpy as np
import pytest

from painlit.errors import ClipError
from painlit.signals.video.decoding import ClipReader, probe, read_clip, read_frames

SIZE = 64, 48  # width, height
STRIPES = 6  # one per bit of the frame number, white or black


def write_clip(path: Path, frames: int) -> Path:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), 25, SIZE)
    for index in range(frames):
        bits = np.repeat([index >> bit & 1 for bit in range(STRIPES)], SIZE[0] // STRIPES)
        stripes = np.pad(bits * 255, (0, SIZE[0] - len(bits))).astype(np.uint8)
        writer.write(np.broadcast_to(stripes[:, None], (*SIZE[::-1], 3)).copy())
    writer.release()
    return path


def positions(frames) -> list[int]:
    """The frame number that each frame carries in its stripes."""
    middle = np.arange(STRIPES) * (SIZE[0] // STRIPES) + SIZE[0] // STRIPES // 2
    return [int(((frame[24, middle, 0] > 127) << np.arange(STRIPES)).sum()) for frame in frames]


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_clip(tmp_path / "clip.mp4", 30)


def test_probe(clip: Path):
    info = probe(clip)
    assert (info.width, info.height, info.fps, info.frame_count) == (64, 48, 25.0, 30)


def test_frames_are_the_ones_asked_for(clip: Path):
    assert positions(read_frames(clip, range(30))) == list(range(30))
    assert positions(read_frames(clip, [0, 3, 4, 17, 29])) == [0, 3, 4, 17, 29]
    assert list(read_frames(clip, [])) == []


def test_frames_are_rgb(tmp_path: Path):
    writer = cv2.VideoWriter(str(tmp_path / "red.mp4"), cv2.VideoWriter_fourcc(*"mp4v"), 25, SIZE)
    writer.write(np.full((*SIZE[::-1], 3), (0, 0, 255), np.uint8))  # OpenCV's order: blue, green, red
    writer.release()
    (frame,) = read_frames(tmp_path / "red.mp4", [0])
    assert frame.shape == (48, 64, 3)
    assert frame.dtype == np.uint8
    assert frame[..., 0].mean() > 200
    assert frame[..., 2].mean() < 50


@pytest.mark.parametrize("indices", [[3, 3], [4, 2], [-1, 0]])
def test_positions_must_increase(clip: Path, indices: list[int]):
    with pytest.raises(ValueError, match="strictly increasing"):
        list(read_frames(clip, indices))


def test_a_position_beyond_the_end_is_an_error(clip: Path):
    frames = read_frames(clip, [28, 30])
    assert positions([next(frames)]) == [28]
    with pytest.raises(ClipError, match=r"clip\.mp4.*frame 30.*only 30 frames decode"):
        next(frames)


def test_a_full_clip_is_not_padded(clip: Path):
    reader = read_clip(clip, range(30), nominal_frames=30)
    assert positions(reader) == list(range(30))
    assert reader.padded == 0


def test_a_clip_longer_than_nominal_is_cut(clip: Path):
    reader = read_clip(clip, range(25), nominal_frames=25)
    assert positions(reader) == list(range(25))
    assert reader.padded == 0


def test_a_clip_a_few_frames_short_is_padded_with_its_last(clip: Path):
    reader = ClipReader(clip, range(33), nominal_frames=33)
    assert positions(reader) == [*range(30), 29, 29, 29]
    assert reader.padded == 3
    assert positions(reader) == [*range(30), 29, 29, 29]  # a second pass is the same
    assert reader.padded == 3
    assert len(reader) == 33


def test_padding_repeats_the_last_frame_even_if_that_was_not_asked_for(clip: Path):
    reader = ClipReader(clip, [0, 32], nominal_frames=33)
    assert positions(reader) == [0, 29]
    assert reader.padded == 1


@pytest.mark.parametrize("indices", [range(34), [0], []])
def test_a_clip_under_90_percent_is_an_error_whatever_is_asked_for(clip: Path, indices):
    with pytest.raises(ClipError, match=r"clip\.mp4: only 30 of 34 frames decode"):
        list(ClipReader(clip, indices, nominal_frames=34))


def test_positions_beyond_the_nominal_length_are_refused(clip: Path):
    with pytest.raises(ValueError, match="position 30"):
        ClipReader(clip, [30], nominal_frames=30)
    with pytest.raises(ValueError, match="at least one"):
        ClipReader(clip, [], nominal_frames=0)


def test_truncated_file_says_so(clip: Path):
    clip.write_bytes(clip.read_bytes()[: clip.stat().st_size // 2])
    with pytest.raises(ClipError, match=r"clip\.mp4: truncated.*moov"):
        probe(clip)


def test_empty_missing_and_foreign_files_say_so(tmp_path: Path):
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "notes.mp4").write_text("not a video\n" * 100)
    for name, reason in [("empty.mp4", "0 bytes"), ("notes.mp4", "not a video"), ("gone.mp4", "no such file")]:
        with pytest.raises(ClipError, match=rf"{name}.*{reason}") as error:
            list(read_frames(tmp_path / name, [0]))
        assert error.value.remedy


def test_memory_does_not_grow_with_length(tmp_path: Path):
    reader = read_clip(write_clip(tmp_path / "long.mp4", 60), range(60), nominal_frames=60)
    tracemalloc.start()
    shown = sum(1 for _ in reader)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert shown == 60
    assert peak < 10 * SIZE[0] * SIZE[1] * 3


def test_a_frame_handed_out_is_not_overwritten(clip: Path):
    frames = list(read_clip(clip, range(32), nominal_frames=32))
    frames[31][:] = 0
    assert positions(frames[:31]) == [*range(30), 29]


def test_real_clip(shared_data: Path):
    path = shared_data / "videos" / "bbaf2n.mpg"
    assert (probe(path).width, probe(path).height, probe(path).fps) == (360, 288, 25.0)
    reader = read_clip(path, range(75), nominal_frames=75)
    assert sum(1 for _ in reader) == 75
    assert reader.padded == 0


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO, errno.ESTALE])
def test_a_file_that_cannot_be_read_is_the_error_of_its_clip(clip: Path, monkeypatch, number: int):
    def refuse(path: Path, *mode: str):
        raise OSError(number, os.strerror(number), str(path))

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(ClipError, match=rf"clip\.mp4: {os.strerror(number)}"):
        probe(clip)
