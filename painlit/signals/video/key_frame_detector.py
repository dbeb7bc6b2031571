"""Face detection on key frames, and O-Net alone on the frames between them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice, pairwise

import numpy as np
import torch
from torchvision.ops import box_iou

from painlit.signals.video import mtcnn_boxes as geometry
from painlit.signals.video.face_detector import FaceDetector, Faces, checked
from painlit.signals.video.mtcnn_sampler import FrameCrops

KEY_INTERVAL = 12  # frames; 0.48 s at 25 Hz
KEYS_AT_ONCE = 4  # the frames up to so many key frames are in memory
SHARE = 1 / 3  # of O-Net's box in the mean of the two
LEAST_OVERLAP = 0.5  # IoU of a face's boxes in two key frames
LEAST_AGREEMENT = 0.8  # IoU of O-Net's box with the interpolated one
LEAST_SCORE = 0.9  # of O-Net, which here is without P- and R-Net's opinion


class KeyFrameDetector(FaceDetector):
    """MTCNN where the whole cascade sees every 12th frame, and others only where O-Net cannot follow.

    Between two key frames with the same faces, each face is expected on the straight line between its two boxes. O-Net
    looks there, and its box and the expected one are averaged, which takes away some of the jitter of both. Where O-Net
    sees no face or puts it elsewhere, where a face has no partner in the other key frame, or where there is none, the
    frame halfway is a key frame too, and so on down to every frame. A face that comes and goes between two key frames
    that agree is missed.

    Frames must be in order. The first and the last frame given are key frames, so results depend on where a video is
    cut into pieces.
    """

    def detect_faces(self, frames: np.ndarray | Iterable[np.ndarray]) -> Iterator[Faces]:
        """Like `FaceDetector.detect_faces`, of frames in order; holds `KEY_INTERVAL` * `KEYS_AT_ONCE` of them."""
        stream = iter(frames)
        before: dict[int, Faces] = {}
        while chunk := checked(list(islice(stream, KEY_INTERVAL * KEYS_AT_ONCE))):
            found = self._detect_chunk(chunk, before)
            before = {-1: found[-1]}
            yield from found

    def _detect_chunk(self, frames: Sequence[np.ndarray], before: Mapping[int, Faces]) -> list[Faces]:
        """The faces of consecutive frames; before has those of frame -1, if there is one."""
        faces, end = dict(before), len(frames) - 1
        keys = sorted({*range(KEY_INTERVAL - 1, end, KEY_INTERVAL), end, *([] if before else [0])})
        while keys:
            faces |= zip(keys, super().detect_faces([frames[key] for key in keys]), strict=True)
            gaps = _gaps(faces)
            work = [(frames[first + 1 : last], faces[first], faces[last]) for first, last in gaps]
            for (first, last), found in zip(gaps, self._in_threads(self._follow, work), strict=True):
                faces |= zip(range(first + 1, last), found, strict=False)
            keys = [(first + last) // 2 for first, last in _gaps(faces)]
        return [faces[at] for at in range(len(frames))]

    @torch.inference_mode()
    def _follow(self, gap: tuple[Sequence[np.ndarray], Faces, Faces]) -> list[Faces]:
        """The faces of the frames between two key frames; none if any face is not where it is expected."""
        frames, first, last = gap
        partners = _partners(first.boxes, last.boxes)
        if not len(partners):
            return []
        start, end = (torch.from_numpy(b[:, :4]).to(self.device) for b in (first.boxes, last.boxes[partners]))
        share = torch.arange(1, len(frames) + 1, device=self.device) / (len(frames) + 1)
        expected = torch.lerp(start, end, share[:, None, None]).flatten(0, 1)  # (frames * faces, 4)
        index = torch.arange(len(frames), device=self.device).repeat_interleave(len(partners))

        squares = geometry.square(expected)
        boxes, scores, landmarks = self._finish(FrameCrops(frames, self.device), index, squares)
        if not ((scores > LEAST_SCORE) & (box_iou(boxes, expected).diagonal() > LEAST_AGREEMENT)).all():
            return []
        rows = torch.cat([torch.lerp(expected, boxes, SHARE), scores[:, None]], 1).cpu().numpy()
        points, order = landmarks.cpu().numpy(), [np.flatnonzero(index.cpu() == at) for at in range(len(frames))]
        ordered = [of[np.argsort(-rows[of, 4], kind="stable")] for of in order]
        return [Faces(rows[of], points[of]) for of in ordered]


def _gaps(faces: Iterable[int]) -> list[tuple[int, int]]:
    """Frames whose faces are known, each with the next such frame, if there are others between them."""
    return [(first, last) for first, last in pairwise(sorted(faces)) if last - first > 1]


def _partners(first: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Of each box (n, 5) of a key frame the index of the same face in another; empty if they differ in faces."""
    if len(first) != len(last) or not len(first):
        return np.zeros(0, int)
    overlap = box_iou(torch.from_numpy(first[:, :4]), torch.from_numpy(last[:, :4])).numpy()
    partners = overlap.argmax(1)
    same = len(set(partners)) == len(partners) and overlap.max(1).min() > LEAST_OVERLAP
    return partners if same else np.zeros(0, int)
