"""Whose face is assessed, from the first window to the last."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from painlit.signals.video.face_track import MAX_DRIFT, MAX_GROWTH, FaceTrack, NoFaceError, track_face


class SamePerson:
    """Follows one person through windows that overlap.

    In the first window with a face it is the person whom `track_face` follows: the one with the largest face over the
    whole window. From then on a window may only go on with them: in frames that it shares with the window before, with
    the box that was theirs; in new ones by the rule of `track_face`, which links boxes that are near and of like size.
    A person who was lost is taken up again where they were last, or anywhere else if nobody else is in the frame. Who
    appears in another place beside others is not taken for them.
    """

    def __init__(self) -> None:
        self._theirs: dict[int, np.ndarray] = {}  # index of a frame -> their box and score
        self._last: np.ndarray | None = None

    def track(
        self, indices: Sequence[int], detections: Sequence[np.ndarray], shape: Sequence[int], name: str
    ) -> FaceTrack | None:
        """Where their face is in a window; None if it is in no frame of it.

        Args:
            indices: Of its frames, the same in all windows for the same frame.
            detections: Per frame (n, 5) boxes and scores.
            shape: Height and width of the frames in px.
            name: Of the recording.
        """
        self._theirs = {index: box for index, box in self._theirs.items() if index >= indices[0]}
        candidates = [self._candidates(i, boxes) for i, boxes in zip(indices, detections, strict=True)]
        try:
            track = track_face(candidates, shape, name)
        except NoFaceError:
            return None
        for index, found, box, boxes in zip(indices, track.found, track.boxes, candidates, strict=True):
            if found:
                self._last = boxes[np.abs(boxes[:, :4] - box).sum(axis=1).argmin()]
                self._theirs[index] = self._last
        return track

    def _candidates(self, index: int, boxes: np.ndarray) -> np.ndarray:
        if index in self._theirs:
            return self._theirs[index][None]
        if self._last is None or self._theirs or len(boxes) == 1:
            return boxes
        return boxes[[_is_near(box, self._last) for box in boxes]]


def _is_near(box: np.ndarray, other: np.ndarray) -> bool:
    """Whether two boxes may be of one face that was not seen for a while."""
    sides = np.sqrt([np.prod(np.maximum(b[2:4] - b[:2], 1)) for b in (box, other)])
    distance = np.linalg.norm((box[:2] + box[2:4] - other[:2] - other[2:4]) / 2)
    return bool(distance <= MAX_DRIFT * sides.min() and sides.max() <= MAX_GROWTH * sides.min())
