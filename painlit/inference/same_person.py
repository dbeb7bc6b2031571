"""Whose face is assessed, from the first window to the last."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from painlit.signals.video.face_track import MAX_DRIFT, MAX_GROWTH, FaceTrack, NoFaceError, track_face

_SURE = 1e6  # score of a box that is known to be theirs: no chain without it is better
_ANOTHER, _SEEN = 0.5, 3  # side of another person's face, in sides of theirs, and frames that it must be seen in


class SamePerson:
    """Follows one person through windows that overlap.

    In the first window with a face it is the person that `track_face` follows: the one with the largest face over the
    whole window. From then on a window goes on with the boxes that were theirs in the frames that it shares with the
    window before, and in new frames links what is near and of like size, as `track_face` does. A person who was not
    seen for a whole window is taken up again where they were last; in another place only if they were alone in all of
    the recording so far. Who else appears is not taken for them.
    """

    def __init__(self) -> None:
        self._theirs: dict[int, np.ndarray] = {}  # index of a frame -> their box and score
        self._last: np.ndarray | None = None
        self._beside = 0  # frames so far with another face beside theirs

    def track(self, indices: Sequence[int], detections: Sequence[np.ndarray], shape: Sequence[int]) -> FaceTrack | None:
        """Where their face is in a window; None if it is in no frame of it.

        Args:
            indices: Of its frames, the same in all windows for the same frame.
            detections: Per frame (n, 5) boxes and scores.
            shape: Height and width of the frames in px.
        """
        self._theirs = {index: box for index, box in self._theirs.items() if index >= indices[0]}
        candidates = [self._candidates(i, boxes) for i, boxes in zip(indices, detections, strict=True)]
        try:
            track = track_face(candidates, shape)
        except NoFaceError:
            return None
        for index, found, box, boxes in zip(indices, track.found, track.boxes, detections, strict=True):
            if found and index not in self._theirs:
                self._last = boxes[np.abs(boxes[:, :4] - box).sum(axis=1).argmin()]
                self._theirs[index] = self._last
                self._beside += sum(_side(other) >= _ANOTHER * _side(self._last) for other in boxes) > 1
        return track

    def _candidates(self, index: int, boxes: np.ndarray) -> np.ndarray:
        if index in self._theirs:
            return np.append(self._theirs[index][:4], _SURE)[None]
        if self._last is None or self._theirs or (len(boxes) == 1 and self._beside < _SEEN):
            return boxes
        return boxes[[_is_near(box, self._last) for box in boxes]]


def _side(box: np.ndarray) -> float:
    return float(np.sqrt(np.prod(np.maximum(box[2:4] - box[:2], 1))))


def _is_near(box: np.ndarray, other: np.ndarray) -> bool:
    """Whether two boxes may be of one face that was not seen for a while."""
    smaller, larger = sorted((_side(box), _side(other)))
    distance = np.linalg.norm((box[:2] + box[2:4] - other[:2] - other[2:4]) / 2)
    return bool(distance <= MAX_DRIFT * smaller and larger <= MAX_GROWTH * smaller)
