"""Face detection by MTCNN, many frames at a time."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from itertools import islice
from typing import NamedTuple, TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from torchvision.ops import batched_nms

from painlit.signals.video import mtcnn_boxes as geometry
from painlit.signals.video.mtcnn_sampler import AreaSampler, FrameCrops
from painlit.signals.video.mtcnn_weights import load_mtcnn
from painlit.signals.video.pixels import Pixels
from painlit.system.threads import dealt_out

CROPS_AT_ONCE = 64  # bounds the memory of R- and O-Net
FACTOR = 0.709  # between two levels of the image pyramid
Part = TypeVar("Part")
THRESHOLDS = 0.6, 0.7, 0.7  # least face probability after P-, R- and O-Net


class Faces(NamedTuple):
    """The faces of one frame, best score first.

    Attributes:
        boxes: (n, 5) float32 x1, y1, x2, y2 in px, score 0..1. Corners may lie outside the frame.
        landmarks: (n, 5, 2) float32 x, y in px: left eye, right eye, nose, left and right corner of the mouth, left and
            right as seen in the image.
    """

    boxes: np.ndarray
    landmarks: np.ndarray


class FaceDetector:
    """MTCNN with its published weights (Zhang et al. 2016): three networks, each with fewer and better candidates.

    Args:
        min_face_size: Smallest face to find, in px. Time grows with its inverse square, so give what the recordings
            allow. None takes an eighth of the frame's short side: the one near face of a laboratory recording.
        device: Where the networks and all box arithmetic run.
        batch_frames: Frames worked on at once, on a CPU by each thread; bounds memory.

    Raises:
        PainlitError: The package that carries the weights is not installed.
    """

    def __init__(self, min_face_size: int | None = 20, device: str | torch.device = "cpu", batch_frames: int = 8):
        if min_face_size is not None and min_face_size < geometry.CELL:
            raise ValueError(f"min_face_size is {min_face_size}, must be at least {geometry.CELL} px")
        self.min_face_size, self.device, self.batch_frames = min_face_size, torch.device(device), batch_frames
        self.pnet, self.rnet, self.onet = load_mtcnn()
        for network in (self.pnet, self.rnet, self.onet):
            network.to(self.device)

    def detect(self, frames: np.ndarray | Iterable[Pixels]) -> list[np.ndarray]:
        """Boxes of the faces in each frame.

        Args:
            frames: (F, H, W, 3) uint8 RGB, or any iterable of what reads like such (H, W, 3) frames, all of one
                size.

        Returns:
            Per frame (n, 5) float32: x1, y1, x2, y2 in px and the score, best first; n is 0 where there is no face.

        Raises:
            ValueError: A frame is not (H, W, 3) uint8, or they differ in size.
        """
        return [faces.boxes for faces in self.detect_faces(frames)]

    def detect_faces(self, frames: np.ndarray | Iterable[Pixels]) -> Iterator[Faces]:
        """Like `detect`, with landmarks, frame by frame as it goes: takes a stream and never holds all of it."""
        stream = iter(frames)
        batches = iter(lambda: checked(list(islice(stream, self.batch_frames))), [])
        for faces in self._in_threads(self._detect_batch, batches):
            yield from faces

    def _in_threads(self, work: Callable[[Part], list[Faces]], parts: Iterable[Part]) -> Iterator[list[Faces]]:
        return dealt_out(work, parts) if self.device.type == "cpu" else map(work, parts)

    @torch.inference_mode()
    def _detect_batch(self, frames: Sequence[Pixels]) -> list[Faces]:
        with closing(AreaSampler(frames, self.device)) as sampler:
            index, boxes = self._propose(sampler)
            index, boxes = self._refine(sampler, index, boxes)
            index, boxes, scores, landmarks = self._output(sampler, index, boxes)
        rows = torch.cat([boxes, scores[:, None]], 1).cpu().numpy()
        points, of_frame = landmarks.cpu().numpy(), index.cpu().numpy()
        return [Faces(rows[of_frame == f], points[of_frame == f]) for f in range(sampler.frames)]

    def _propose(self, sampler: AreaSampler) -> tuple[Tensor, Tensor]:
        """Stage 1: frame index (n,) and square candidate boxes (n, 4)."""
        levels = []
        for scale, size in self._pyramid(sampler):
            probability, offsets = self.pnet(sampler.pyramid_level(*size))
            index, rows, columns = (probability >= THRESHOLDS[0]).nonzero(as_tuple=True)
            boxes, scores = geometry.candidate_boxes(rows, columns, scale), probability[index, rows, columns]
            keep = batched_nms(boxes, scores, index, 0.5)
            levels.append((index[keep], boxes[keep], scores[keep], offsets[index, :, rows, columns][keep]))
        if not levels:
            return torch.zeros(0, dtype=torch.long, device=self.device), torch.zeros(0, 4, device=self.device)
        index, boxes, scores, offsets = (torch.cat(parts) for parts in zip(*levels, strict=True))
        keep = batched_nms(boxes, scores, index, 0.7)
        return index[keep], geometry.square(geometry.shift(boxes[keep], offsets[keep], inclusive=False))

    def _refine(self, sampler: AreaSampler, index: Tensor, boxes: Tensor) -> tuple[Tensor, Tensor]:
        """Stage 2: the candidates that R-Net takes for faces, moved and squared."""
        scores, offsets = self._run(self.rnet, sampler, index, boxes, side=24)
        passed = scores > THRESHOLDS[1]
        index, boxes, scores, offsets = index[passed], boxes[passed], scores[passed], offsets[passed]
        keep = batched_nms(boxes, scores, index, 0.7)
        return index[keep], geometry.square(geometry.shift(boxes[keep], offsets[keep]))

    def _output(self, sampler: AreaSampler, index: Tensor, boxes: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Stage 3: frame index (n,), boxes (n, 4), scores (n,) and landmarks (n, 5, 2) of the faces."""
        boxes, scores, landmarks = self._finish(sampler, index, boxes)
        passed = scores > THRESHOLDS[2]
        index, boxes, scores, landmarks = index[passed], boxes[passed], scores[passed], landmarks[passed]
        keep = geometry.suppress_contained(boxes, scores, index, 0.7)
        return index[keep], boxes[keep], scores[keep], landmarks[keep]

    def _finish(self, sampler: AreaSampler | FrameCrops, index: Tensor, boxes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """O-Net's boxes (n, 4), scores (n,) and landmarks (n, 5, 2) of square candidates."""
        scores, offsets, landmarks = self._run(self.onet, sampler, index, boxes, side=48)
        size = boxes[:, 2:] - boxes[:, :2] + 1
        return geometry.shift(boxes, offsets), scores, boxes[:, None, :2] + landmarks * size[:, None] - 1

    def _run(
        self, network: nn.Module, sampler: AreaSampler | FrameCrops, index: Tensor, boxes: Tensor, side: int
    ) -> list[Tensor]:
        corners = geometry.pixel_corners(boxes, sampler.height, sampler.width)
        parts = [
            network(sampler.crops(i, c, side))
            for i, c in zip(index.split(CROPS_AT_ONCE), corners.split(CROPS_AT_ONCE), strict=True)
        ]
        return [torch.cat(part) for part in zip(*parts, strict=True)]

    def _pyramid(self, sampler: AreaSampler) -> list[tuple[float, tuple[int, int]]]:
        height, width = sampler.height, sampler.width
        smallest = self.min_face_size or max(geometry.CELL, min(height, width) // 8)
        return geometry.pyramid_sizes(height, width, smallest, FACTOR)


def checked(frames: list[Pixels]) -> list[Pixels]:
    """The frames, which are (H, W, 3) uint8 and of one size, else ValueError."""
    for frame in frames:
        if frame.ndim != 3 or frame.shape[2] != 3 or frame.dtype != np.uint8:
            raise ValueError(f"a frame is {frame.dtype} {frame.shape}, must be uint8 (H, W, 3)")
        if frame.shape != frames[0].shape:
            raise ValueError(f"frames differ in size: {frames[0].shape} and {frame.shape}")
    return frames
