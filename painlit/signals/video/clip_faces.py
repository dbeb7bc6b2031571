"""The face in every used frame of a clip, and its crops: streamed, whatever the clip's length."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import lru_cache
from itertools import chain
from pathlib import Path

import numpy as np

from painlit.config import ClipConfig, FaceConfig
from painlit.signals.video.crops import crop_face, face_squares
from painlit.signals.video.decoding import read_clip
from painlit.signals.video.face_detector import FaceDetector
from painlit.signals.video.face_track import FaceTrack, smooth_boxes, track_face
from painlit.signals.video.key_frame_detector import KeyFrameDetector

DETECTORS = {"every_frame": FaceDetector, "key_frames": KeyFrameDetector}
"""Value of `face.detection` -> what finds faces."""

_LEAST_FACE = 20  # px; MTCNN's networks are made for faces from here on


def clip_faces(
    video: Path, clip: ClipConfig, face: FaceConfig, device: str, start: float = 0.0, end: float | None = None
) -> tuple[FaceTrack, tuple[str, ...]]:
    """The face's box in every used frame, and what `ClipReader` notes of the video.

    Raises:
        ClipError: `ClipReader` refuses the video, or it shows no face.
    """
    reader = read_clip(video, clip, start, end)
    frames = reader.kept()
    first = next(frames)
    detections = face_detector(first.shape, face, device).detect(chain([first], frames))
    return track_face(detections, first.shape, clip=str(video)), reader.notes


def clip_crops(
    video: Path,
    boxes: np.ndarray,
    clip: ClipConfig,
    face: FaceConfig,
    size: int,
    start: float = 0.0,
    end: float | None = None,
    positions: Collection[int] | None = None,
) -> Iterator[np.ndarray]:
    """The square crop of the face in every used frame, (size, size, 3) uint8 RGB.

    Args:
        video: The clip.
        boxes: (F, 4) face boxes in px, as in the clip table.
        clip: Which frames are used.
        face: Smoothing, margin and crop rule.
        size: Side of the crops in px.
        start: Where the clip begins in the video, in s.
        end: Where it ends.
        positions: Numbers of the used frames whose crops are wanted; None: of all.

    Raises:
        ClipError: The video cannot be read any more.
    """
    pairs = zip(read_clip(video, clip, start, end).kept(), clip_squares(boxes, clip, face), strict=True)
    for position, (frame, square) in enumerate(pairs):
        if positions is None or position in positions:
            yield crop_face(frame, square, size)


def clip_squares(boxes: np.ndarray, clip: ClipConfig, face: FaceConfig) -> np.ndarray:
    """The square that is cut out of each used frame, (F, 3) integers x, y, side, as `face_squares` gives them.

    Args:
        boxes: (F, 4) face boxes in px.
        clip: Rate of the used frames.
        face: Smoothing, margin and crop rule.
    """
    frame_rate = clip.video_fps * (len(boxes) - 1) / max(clip.nominal_frames - 1, 1)  # of the used frames
    return face_squares(smooth_boxes(boxes, face.smooth * frame_rate), face.margin, face.crop)  # type: ignore[arg-type]


def face_detector(shape: tuple[int, ...], face: FaceConfig, device: str) -> FaceDetector:
    """The detector for frames of a shape (H, W, ...); one of each kind is kept."""
    return _detector(face.detection, smallest_face(shape, face), device)


def smallest_face(shape: tuple[int, ...], face: FaceConfig) -> int:
    """Side in px of the smallest face that is looked for in frames of a shape (H, W, ...)."""
    return max(_LEAST_FACE, int(face.min_face * min(shape[:2])))


@lru_cache(maxsize=8)
def _detector(detection: str, min_face_size: int, device: str) -> FaceDetector:
    return DETECTORS[detection](min_face_size=min_face_size, device=device)
