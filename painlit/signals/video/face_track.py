"""One person through a clip: from the faces found in each frame to one box per frame."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

from painlit.errors import ClipError

MAX_STEP = 0.5  # how far a face moves from one frame to the next, in sides of the smaller box
MAX_DRIFT = 0.75  # and over frames in which it was not found; two heads side by side are about 1 apart
MAX_GROWTH = 1.5  # ratio of the sides of two linked boxes


class NoFaceError(ClipError):
    """No frame of a clip shows a face."""


@dataclass(frozen=True)
class FaceTrack:
    """Where one person's face is in each frame.

    Attributes:
        boxes: (F, 4) float32 x1, y1, x2, y2 in px, inside the frame.
        found: (F,) bool; False where the box is interpolated from its neighbours.
    """

    boxes: np.ndarray
    found: np.ndarray


def track_face(detections: Sequence[np.ndarray], frame_shape: Sequence[int], clip: str = "clip") -> FaceTrack:
    """Follow the person whose face is largest over the whole clip.

    A person is a chain of boxes in different frames, each near the one before and of similar size. Of all chains the
    one with the greatest sum of sides (square root of the area, times the score, less the path it moves) is found
    exactly, by dynamic programming. A larger face that is visible for a few frames only is another chain with a smaller
    sum, so neither a bystander nor a false detection takes the track over. Frames that the chain misses take boxes
    linearly interpolated in time; before its first and after its last frame the nearest box holds.

    Args:
        detections: Per frame (n, 5) x1, y1, x2, y2, score, as `FaceDetector.detect` gives them.
        frame_shape: Height and width of the frames in px (more values are ignored).
        clip: Name of the clip, for the error.

    Raises:
        NoFaceError: No frame has a face.
    """
    counts = [len(boxes) for boxes in detections]
    if not sum(counts):
        raise NoFaceError(
            f"{clip}: no face in any of {len(counts)} frames",
            "look at the clip; if the face is small, lower min_face_size",
        )
    frame = np.repeat(np.arange(len(counts)), counts)
    candidates = np.concatenate([np.reshape(boxes, (-1, 5)) for boxes in detections]).astype(np.float64)
    chain = _best_chain(frame, candidates)

    height, width = frame_shape[:2]
    every = np.arange(len(counts))
    corners = [np.interp(every, frame[chain], candidates[chain, corner]) for corner in range(4)]
    boxes = np.clip(np.stack(corners, 1), 0, [width, height, width, height])
    return FaceTrack(boxes.astype(np.float32), np.isin(every, frame[chain]))


def smooth_boxes(boxes: np.ndarray, sigma: float) -> np.ndarray:
    """Boxes whose centre and size follow a Gaussian mean over time, against the detector's jitter.

    Args:
        boxes: (F, 4) x1, y1, x2, y2 in px, evenly spaced in time.
        sigma: Standard deviation of the Gaussian in frames; 0 leaves the boxes as they are.
    """
    return gaussian_filter1d(boxes, sigma, axis=0, mode="nearest", output=np.float64) if sigma else boxes


def _best_chain(frame: np.ndarray, candidates: np.ndarray) -> list[int]:
    """Indices of the candidates, in order of time, of the chain with the greatest sum.

    Args:
        frame: (n,) frame of each candidate, not decreasing.
        candidates: (n, 5) boxes and scores.
    """
    centre = (candidates[:, :2] + candidates[:, 2:4]) / 2
    side = np.sqrt(np.prod(np.maximum(candidates[:, 2:4] - candidates[:, :2], 1), axis=1))
    total = side * candidates[:, 4]
    before = np.full(len(frame), -1)
    for i in range(len(frame)):
        gap = frame[i] - frame[:i]
        distance = np.linalg.norm(centre[i] - centre[:i], axis=1)
        smaller, larger = np.minimum(side[i], side[:i]), np.maximum(side[i], side[:i])
        near = distance <= np.where(gap == 1, MAX_STEP, MAX_DRIFT) * smaller
        linked = (gap > 0) & near & (larger <= MAX_GROWTH * smaller)
        sums = np.where(linked, total[:i] - distance - (larger - smaller), 0)
        if i and sums.max() > 0:
            before[i] = sums.argmax()
            total[i] += sums[before[i]]
    chain = [int(total.argmax())]
    while before[chain[-1]] >= 0:
        chain.append(int(before[chain[-1]]))
    return chain[::-1]
