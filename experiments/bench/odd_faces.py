"""`make bench ARGS=odd_faces`: which faces `make prepare` finds, and what smoothing does to the boxes' jitter.

Portraits of the London and Canada sets, from `../shared/data` beside the project, are turned, darkened, partly covered,
squeezed towards a profile and shrunk. A face is found if a box lies where the box of the unchanged portrait went: its
centre within half a side, its side within a factor of 1.7. The jitter is the mean movement of the box's centre from
frame to frame in the GRID videos, whose speakers hardly move.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial

import cv2
import numpy as np
import torch

from experiments.bench.data import real_data
from painlit.config import ClipConfig, FaceConfig
from painlit.images.reading import read_image
from painlit.signals.video.clip_faces import clip_faces, smallest_face
from painlit.signals.video.face_detector import FaceDetector
from painlit.signals.video.face_track import smooth_boxes

SETS = {"London": "faces/london/neutral/*.jpg", "Canada": "faces/canada/*.jpg"}
THIN = 2  # every second portrait
SMOOTHING = (0.0, 0.04, 0.08, 0.16)  # s

Box = np.ndarray
Change = Callable[[np.ndarray, Box], tuple[np.ndarray, np.ndarray]]
"""(H, W, 3) portrait and (4,) box -> the changed portrait, and the (2, 3) matrix that moved its points."""


def changes() -> dict[str, Change]:
    """Name of each condition -> what makes it."""
    named: dict[str, Change] = {"as it is": _unmoved(lambda image, box: image)}
    for degrees in (15, 30, 45, 60, 90, 180):
        named[f"turned by {degrees}°"] = partial(_turned, degrees=degrees)
    for gain in (0.3, 0.1, 0.05):
        named[f"darkened to {gain:.0%}"] = _unmoved(partial(_darkened, gain=gain))
    for part, area in {"lower half": (0, 0.5, 1, 1), "eyes": (0, 0.2, 1, 0.5), "left half": (0, 0, 0.5, 1)}.items():
        named[f"{part} covered"] = _unmoved(partial(_covered, area=area))
    for share in (0.7, 0.5, 0.35):
        named[f"width squeezed to {share:.0%}"] = partial(_scaled, x=share)
    named["left half mirrored"] = _unmoved(_mirrored)
    for side in (60, 40, 30, 20, 15, 10):
        named[f"shrunk to {side} px"] = partial(_shrunk, side=side)
    for share in (0.3, 0.2, 0.15, 0.1):
        named[f"{share:.0%} of the frame's short side"] = partial(_far, share=share)
    return named


def main() -> None:
    """Print the share of faces found under each condition, and the jitter before and after smoothing."""
    data = real_data()
    torch.set_num_threads(1)
    found: dict[str, list[str]] = {}
    for name, pattern in SETS.items():
        images = [read_image(path) for path in sorted(data.glob(pattern))[::THIN]]
        boxes = [best if (best := _boxes(image)).size else None for image in images]
        pairs = [(image, box[0, :4]) for image, box in zip(images, boxes, strict=True) if box is not None]
        print(f"{name}: {len(pairs)} of {len(images)} faces found as they are")
        for condition, change in changes().items():
            seen = sum(_is_found(*change(image, box), box) for image, box in pairs)
            found.setdefault(condition, []).append(f"{100 * seen / len(pairs):.0f}")
    print(f"| condition | {' % | '.join(SETS)} % |\n| --- |{' --- |' * len(SETS)}")
    for condition, shares in found.items():
        print(f"| {condition} | {' | '.join(shares)} |")
    print_jitter()


def print_jitter() -> None:
    """Mean movement of the centre and change of the side from frame to frame."""
    clip, face = ClipConfig(seconds=3), FaceConfig()
    tracks = [clip_faces(path, clip, face, "cpu")[0].boxes for path in sorted(real_data("videos").glob("*.mpg"))]
    print("| face.smooth | centre moves, px | % of the side | side changes, px |\n| --- | --- | --- | --- |")
    for seconds in SMOOTHING:
        boxes = np.stack([smooth_boxes(track, seconds * clip.video_fps) for track in tracks])
        centre, side = (boxes[..., :2] + boxes[..., 2:]) / 2, (boxes[..., 2:] - boxes[..., :2]).max(axis=-1)
        moved = np.linalg.norm(np.diff(centre, axis=1), axis=-1)
        share = (moved / side[:, 1:]).mean()
        print(f"| {seconds:g} | {moved.mean():.2f} | {share:.2%} | {np.abs(np.diff(side, axis=1)).mean():.2f} |")


_detector = lru_cache(FaceDetector)


def _boxes(image: np.ndarray) -> np.ndarray:
    return _detector(smallest_face(image.shape, FaceConfig())).detect(image[None])[0]


def _unmoved(change: Callable[[np.ndarray, Box], np.ndarray]) -> Change:
    return lambda image, box: (change(image, box), np.eye(2, 3))


def _is_found(image: np.ndarray, moved: np.ndarray, box: Box) -> bool:
    centre = moved @ [*(box[:2] + box[2:]) / 2, 1]
    side = _side(box) * np.sqrt(abs(np.linalg.det(moved[:, :2])))
    boxes = _boxes(image)[:, :4]
    distance = np.linalg.norm((boxes[:, :2] + boxes[:, 2:]) / 2 - centre, axis=1)
    ratio = np.sqrt(np.prod(np.maximum(boxes[:, 2:] - boxes[:, :2], 1), axis=1)) / side
    return bool(((distance < side / 2) & (ratio < 1.7) & (ratio > 1 / 1.7)).any())


def _side(box: Box) -> float:
    return float(np.sqrt(np.prod(box[2:] - box[:2])))


def _warped(image: np.ndarray, matrix: np.ndarray, width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
    shrinks = abs(np.linalg.det(matrix[:, :2])) < 0.5
    if shrinks:  # warpAffine does not average
        image = cv2.GaussianBlur(image, (0, 0), 0.4 / np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    return cv2.warpAffine(image, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE), matrix


def _turned(image: np.ndarray, box: Box, degrees: float) -> tuple[np.ndarray, np.ndarray]:
    x, y = ((box[:2] + box[2:]) / 2).tolist()
    return _warped(image, cv2.getRotationMatrix2D((x, y), degrees, 1), image.shape[1], image.shape[0])


def _shrunk(image: np.ndarray, box: Box, side: float) -> tuple[np.ndarray, np.ndarray]:
    return _scaled(image, box, side / _side(box), side / _side(box))


def _scaled(image: np.ndarray, box: Box, x: float, y: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    size = round(image.shape[1] * x), round(image.shape[0] * y)
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.array([[x, 0, 0], [0, y, 0]])


def _far(image: np.ndarray, box: Box, share: float) -> tuple[np.ndarray, np.ndarray]:
    """The face in the middle of a frame of 960 x 720."""
    scale = share * 720 / _side(box)
    x, y = (box[:2] + box[2:]) / 2
    return _warped(image, np.array([[scale, 0, 480 - scale * x], [0, scale, 360 - scale * y]]), 960, 720)


def _darkened(image: np.ndarray, box: Box, gain: float) -> np.ndarray:
    noise = np.random.default_rng(0).normal(0, 2, image.shape)  # a sensor's, in grey levels
    return np.clip(image * gain + noise, 0, 255).round().astype(np.uint8)


def _covered(image: np.ndarray, box: Box, area: tuple[float, ...]) -> np.ndarray:
    """With a grey rectangle over a part of the box, in shares of its size."""
    x0, y0, x1, y1 = (box[[0, 1, 0, 1]] + np.array(area) * np.tile(box[2:] - box[:2], 2)).round().astype(int)
    image = image.copy()
    image[max(y0, 0) : y1, max(x0, 0) : x1] = 128
    return image


def _mirrored(image: np.ndarray, box: Box) -> np.ndarray:
    """With its right half replaced by the left one's mirror image."""
    middle = round(float(box[0] + box[2]) / 2)
    width = min(middle, image.shape[1] - middle)
    image = image.copy()
    image[:, middle : middle + width] = image[:, middle - width : middle][:, ::-1]
    return image
