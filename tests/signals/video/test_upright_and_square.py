"""Videos that are turned, flipped, or of pixels that are not square."""

from fractions import Fraction

import numpy as np
import pytest
from refusals import CLIP

from painlit.signals.video.decoding import probe, read_clip

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
