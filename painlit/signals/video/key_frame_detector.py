"""Face detection on key frames, and O-Net alone on every second frame between them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice, pairwise

import numpy as np
import torch
from scipy.interpolate import make_interp_spline
from torchvision.ops import box_iou

from painlit.signals.video import mtcnn_boxes as geometry
from painlit.signals.video.face_detector import FaceDetector, Faces, checked
from painlit.signals.video.mtcnn_sampler import FrameCrops
from painlit.signals.video.pixels import Pixels

KEY_INTERVAL = 12  # frames; 0.48 s at 25 Hz
KEYS_AT_ONCE = 4  # of a stream, the frames up to so many key frames are in memory
SHARE = 1 / 3  # of O-Net's box in the mean of the two
EVERY = 2  # of so many frames between key frames O-Net sees one
LEAST_OVERLAP = 0.5  # IoU of a face's boxes in two key frames
LEAST_AGREEMENT = 0.8  # IoU of O-Net's box with the interpolated one
LEAST_SCORE = 0.9  # of O-Net, which here is without P- and R-Net's opinion


class KeyFrameDetector(FaceDetector):
    """MTCNN where the whole cascade sees every 12th frame, and others only where O-Net cannot follow.

    Between two key frames with the same faces, each face is expected on the straight line between its two boxes. In
    every second frame O-Net looks there, and its box and the expected one are averaged, which takes away some of the
    jitter of both; in the frames beside it a face is halfway between its boxes. Where O-Net sees no face or puts it
    elsewhere, where a face has no partner in the other key frame, or where there is none, the frame halfway is a key
    frame too, and so on down to every frame. A face that comes and goes between two key frames that agree is missed,
    and one that is gone in a single frame may be reported there all the same.

    Frames must be in order. The first and the last frame given are key frames, so results depend on where a video is
    cut into pieces.
    """

    def detect_faces(self, frames: np.ndarray | Iterable[Pixels]) -> Iterator[Faces]:
        """Like `FaceDetector.detect_faces`, of frames in order; holds `KEY_INTERVAL` * `KEYS_AT_ONCE` of a stream.

        Of a list, which is in memory, all key frames are dealt out at once. The faces are the same.
        """
        stream = iter(frames)
        at_once = len(frames) if isinstance(frames, list) else KEY_INTERVAL * KEYS_AT_ONCE
        before: dict[int, Faces] = {}
        while chunk := checked(list(islice(stream, at_once))):
            found = self._detect_chunk(chunk, before)
            before = {-1: found[-1]}
            yield from found

    def _detect_chunk(self, frames: Sequence[Pixels], before: Mapping[int, Faces]) -> list[Faces]:
        """The faces of consecutive frames; before has those of frame -1, if there is one."""
        faces, end = dict(before), len(frames) - 1
        keys = sorted({*range(KEY_INTERVAL - 1, end, KEY_INTERVAL), end, *([] if before else [0])})
        while keys:
            faces |= zip(keys, self._detect_keys([frames[key] for key in keys]), strict=True)
            gaps = _gaps(faces)
            work = [(frames[first + 1 : last], faces[first], faces[last]) for first, last in gaps]
            for (first, last), found in zip(gaps, self._in_threads(self._follow, work), strict=True):
                faces |= zip(range(first + 1, last), found, strict=False)
            keys = [(first + last) // 2 for first, last in _gaps(faces)]
        return [faces[at] for at in range(len(frames))]

    def _detect_keys(self, frames: Sequence[Pixels]) -> Iterator[Faces]:
        """The faces of key frames; each thread gets a share, two at least, which cost little more than one."""
        threads = torch.get_num_threads() if self.device.type == "cpu" else 1
        shares = max(-(-len(frames) // self.batch_frames), min(threads, len(frames) // 2))
        batches = [[frames[at] for at in share] for share in np.array_split(range(len(frames)), shares)]
        return chain.from_iterable(self._in_threads(self._detect_batch, batches))

    @torch.inference_mode()
    def _follow(self, gap: tuple[Sequence[Pixels], Faces, Faces]) -> list[Faces]:
        """The faces of the frames between two key frames; none if any face is not where it is expected."""
        frames, first, last = gap
        partners = _partners(first.boxes, last.boxes)
        if not len(partners):
            return []
        whole = len(frames) + 1
        looked = list(range(EVERY, whole, EVERY)) or [1]  # counted from the key frame before
        start, end = (torch.from_numpy(b[:, :4]).to(self.device) for b in (first.boxes, last.boxes[partners]))
        share = torch.tensor(looked, device=self.device) / whole
        expected = torch.lerp(start, end, share[:, None, None]).flatten(0, 1)  # (looked * faces, 4)
        index = torch.tensor(looked, device=self.device).repeat_interleave(len(partners)) - 1

        squares = geometry.square(expected)
        boxes, scores, landmarks = self._finish(FrameCrops(frames, self.device), index, squares)
        if not ((scores > LEAST_SCORE) & (box_iou(boxes, expected).diagonal() > LEAST_AGREEMENT)).all():
            return []
        rows = torch.cat([torch.lerp(expected, boxes, SHARE), scores[:, None], landmarks.flatten(1)], 1).cpu().numpy()
        known = np.stack([_rows(first), *rows.reshape(len(looked), len(partners), -1), _rows(last)[partners]])
        between = make_interp_spline([0, *looked, whole], known, k=1)(np.arange(1, whole))
        return [_faces(of_frame) for of_frame in between.astype(np.float32)]


def _rows(faces: Faces) -> np.ndarray:
    """(n, 15): x1, y1, x2, y2, score and landmarks of faces."""
    return np.hstack([faces.boxes, faces.landmarks.reshape(-1, 10)])


def _faces(rows: np.ndarray) -> Faces:
    """The faces of `_rows`, best score first."""
    rows = rows[np.argsort(-rows[:, 4], kind="stable")]
    return Faces(rows[:, :5], rows[:, 5:].reshape(-1, 5, 2))


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
