"""Faces and crops of a part of a recording, and of one whose video needed a repair."""

import numpy as np
import pytest

from painlit.config import ClipConfig, FaceConfig
from painlit.signals.video import clip_faces
from painlit.signals.video.clip_faces import clip_crops

CLIP = ClipConfig(seconds=1.2)
WHOLE = np.tile([8.0, 0, 56, 48], (30, 1))  # of each frame; a square without a margin
PLAIN = FaceConfig(margin=0)


@pytest.fixture
def path(tmp_path, write_video, numbered_frame):
    frames = [np.full((48, 64, 3), 2 * k, np.uint8) for k in range(100)]
    return write_video(tmp_path / "clip.mkv", frames, codec="ffv1", pix_fmt="bgr0")


def shown(crops) -> list[int]:
    return [int(crop.mean()) // 2 for crop in crops]


def test_crops_are_of_the_requested_part(path):
    assert shown(clip_crops(path, WHOLE, CLIP, PLAIN, 16)) == list(range(30))
    assert shown(clip_crops(path, WHOLE, CLIP, PLAIN, 16, 2.0, 3.2)) == list(range(50, 80))
    assert shown(clip_crops(path, WHOLE, CLIP, PLAIN, 16, 2.0, 3.12))[-3:] == [77, 77, 77]


def test_faces_are_detected_in_the_requested_part(path, monkeypatch):
    seen = []

    class Detector:
        def detect(self, frames):
            frames = list(frames)
            seen.extend(shown(frames))
            return [np.array([[8, 0, 56, 48, 0.9]])] * len(frames)

    monkeypatch.setattr(clip_faces, "_detector", lambda *_: Detector())
    track, notes = clip_faces.clip_faces(path, CLIP, PLAIN, "cpu", 2.0, 3.12)
    assert seen == [*range(50, 78), 77, 77]
    assert (track.boxes.shape, track.found.all()) == ((30, 4), True)
    assert notes == ("2 of 30 frames missing at the end, padded with the last one",)


@pytest.mark.parametrize(("clip", "sigma"), [(CLIP, 5.0), (ClipConfig(seconds=1.2, frames=6), 5 * 5 / 29)])
def test_smoothing_is_in_seconds_whatever_frames_are_used(path, monkeypatch, clip, sigma):
    asked = []
    monkeypatch.setattr(clip_faces, "smooth_boxes", lambda boxes, given: asked.append(given) or boxes)
    list(clip_crops(path, WHOLE[: clip.used_frames], clip, FaceConfig(smooth=0.2), 16))
    assert asked == [pytest.approx(sigma)]
