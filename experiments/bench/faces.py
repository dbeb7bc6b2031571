"""Face detection: agreement with an independent implementation, recall on annotated faces, speed, and key frames.

The reference boxes, the annotated photographs and the talking faces of the
GRID corpus are read from `../shared/data` beside the project. The peer is `facenet_pytorch` (same weights) where it can
be imported, otherwise our own networks given one frame at a time; the two are timed in alternation. That package pins
an old torch, so put it aside: `pip install --no-deps --target FOLDER facenet-pytorch`, and FOLDER on PYTHONPATH.

`face.detection=key_frames` is compared with the cascade on every frame, on the GRID videos or on those that
`videos=PATTERN` names, then alone, 3 s of each.
"""

import importlib.util
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from glob import glob
from pathlib import Path
from statistics import median
from xml.etree import ElementTree

import numpy as np
import torch
from torchvision.ops import box_iou

from experiments.bench.data import given, real_data, sized
from experiments.bench.rows import Row
from experiments.bench.timing import in_turn
from painlit.config import ClipConfig, FaceConfig
from painlit.images.reading import read_image
from painlit.signals.video.clip_faces import smallest_face
from painlit.signals.video.decoding import read_clip
from painlit.signals.video.face_detector import FaceDetector, Faces
from painlit.signals.video.key_frame_detector import KeyFrameDetector
from painlit.signals.video.pixels import Pixels

ROUNDS = sized(3, 1)
FRAMES = sized(24, 8)  # of each video
FPS = 25  # of the videos


@dataclass(frozen=True)
class Parity:
    """Agreement with the reference: its boxes of score 0.9 or more are found if one of ours has an IoU of 0.9 or more.

    Attributes:
        boxes: Reference boxes.
        found: How many of them are found.
        mean_iou: Mean over the reference boxes of the greatest IoU.
        extra: Our boxes whose IoU with every reference box of any score is under 0.5.
    """

    boxes: int
    found: int
    mean_iou: float
    extra: int


@dataclass(frozen=True)
class Recall:
    """Annotated faces, and how many have a detection centred inside the annotated box or with an IoU of 0.5 or more."""

    faces: int
    found: int
    found_by_iou: int


def compare_with_reference(detector: FaceDetector, data: Path, chosen: Callable[[str], bool] = bool) -> Parity:
    """Agreement with `reference/mtcnn_boxes.json` on those of its pictures whose name is `chosen`."""
    reference = json.loads((data / "reference" / "mtcnn_boxes.json").read_text(encoding="utf-8"))["detections"]
    ious, extra = [], 0
    for name in filter(chosen, reference):
        (ours,) = detector.detect([load_picture(data, name)])
        theirs = torch.tensor([face["box"] for face in reference[name]]).reshape(-1, 4)
        sure = torch.tensor([face["score"] >= 0.9 for face in reference[name]], dtype=torch.bool)
        iou = torch.cat([box_iou(theirs, torch.from_numpy(ours[:, :4])), torch.zeros(len(theirs), 1)], 1)
        ious += iou.amax(1)[sure].tolist()
        extra += int((iou[:, :-1] < 0.5).all(0).sum())
    return Parity(len(ious), sum(iou >= 0.9 for iou in ious), float(np.mean(ious)), extra)


def recall_on_photographs(detector: FaceDetector, data: Path) -> Recall:
    """Recall on `faces/boxes`, four photographs annotated in dlib's format."""
    folder = data / "faces" / "boxes"
    faces = found = found_by_iou = 0
    for image in ElementTree.parse(folder / "training.xml").iter("image"):
        (ours,) = detector.detect([load_picture(folder, image.attrib["file"])])
        centre = (ours[:, :2] + ours[:, 2:4]) / 2
        for box in image.iter("box"):
            x, y, width, height = (float(box.attrib[key]) for key in ("left", "top", "width", "height"))
            annotated = torch.tensor([[x, y, x + width, y + height]])
            faces += 1
            found += bool(((centre >= [x, y]) & (centre <= [x + width, y + height])).all(1).any())
            found_by_iou += bool((box_iou(annotated, torch.from_numpy(ours[:, :4])) >= 0.5).any())
    return Recall(faces, found, found_by_iou)


def load_picture(data: Path, name: str) -> np.ndarray:
    """An image, or frame k of a video named `file#k`, as (H, W, 3) uint8 RGB."""
    file, _, frame = name.partition("#")
    if frame:
        return next(iter(read_clip(data / file, ClipConfig(seconds=1), start=int(frame) / FPS)))
    return read_image(data / file)


def peer_detector(min_face_size: int, alone: bool = False) -> tuple[str, Callable[[np.ndarray], object]]:
    """Name of the peer, and what runs it on (F, H, W, 3) frames, in batches of 8 or each alone."""
    if importlib.util.find_spec("facenet_pytorch"):
        from facenet_pytorch import MTCNN

        peer = MTCNN(min_face_size=min_face_size, keep_all=True)
        if alone:
            return "facenet_pytorch, one frame at a time", lambda frames: [peer.detect(frame) for frame in frames]
        return "facenet_pytorch, batches of 8", lambda frames: [
            peer.detect(f) for f in np.split(frames, len(frames) // 8)
        ]
    ours = FaceDetector(min_face_size, batch_frames=1)
    return "our networks, one frame at a time", ours.detect


def time_videos(videos: Sequence[Path], min_face_size: int) -> list[Row]:
    """Print ms per frame on the GRID videos, ours and the peer's, in alternation."""
    second = ClipConfig(seconds=1)
    clips = [np.stack(list(read_clip(path, second))[:FRAMES]) for path in videos]
    name, peer = peer_detector(min_face_size)
    detectors = {"painlit": FaceDetector(min_face_size).detect, name: peer}
    seconds: dict[str, list[float]] = {who: [] for who in detectors}
    for clip in clips:
        for who, times in in_turn({who: partial(detect, clip) for who, detect in detectors.items()}, ROUNDS).items():
            seconds[who] += times
    height, width = clips[0].shape[1:3]
    runs = f"{torch.get_num_threads()} thread, median of {ROUNDS * len(clips)} (fastest)"
    print(f"ms per frame, {width}x{height}, faces from {min_face_size} px, {runs}:")
    ms = {who: [1e3 * time / FRAMES for time in times] for who, times in seconds.items()}
    for who, times in ms.items():
        print(f"  {who}: {median(times):.1f} ({min(times):.1f})")
    return [Row.of(f"{who}, from {min_face_size} px", times, "ms a frame", name, ms[name]) for who, times in ms.items()]


class Counted(KeyFrameDetector):
    """Counts the frames that the whole cascade sees."""

    whole = 0

    def _detect_batch(self, frames: Sequence[Pixels]) -> list[Faces]:
        self.whole += len(frames)
        return super()._detect_batch(frames)


def compare_key_frames(videos: Sequence[Path]) -> list[Row]:
    """Print of each video how far key frames agree with every frame, how many the cascade saw, and how much is saved.

    A box agrees if its IoU with one of every frame's is 0.9 or more. Both look for faces as small as `face.min_face`
    has it; beside their agreement is that of the cascade from 20 px with the same.
    """
    print(
        "| video | agree | two cascades agree | frames of the cascade | times as fast as it | as it from 20 px | peer |"
    )
    print("| --- |" + " --- |" * 6)
    rows = []
    for path in videos:
        frames = np.stack(list(read_clip(path, ClipConfig(seconds=3))))
        smallest = smallest_face(frames.shape[1:], FaceConfig())
        keys, every, small = Counted(smallest), FaceDetector(smallest), FaceDetector(20)
        found, expected, other = keys.detect(frames), every.detect(frames), small.detect(frames)
        share = keys.whole / len(frames)
        name, peer = peer_detector(smallest, alone=True)
        works = {"keys": keys.detect, "every": every.detect, "small": small.detect, "peer": peer}
        times = in_turn({who: partial(work, frames) for who, work in works.items()}, ROUNDS)
        ratios = " | ".join(f"{median(times[who]) / median(times['keys']):.1f}" for who in ("every", "small", "peer"))
        agree, usual = _agreement(found, expected), _agreement(other, expected)
        print(f"| {path.stem} | {agree:.1%} | {usual:.1%} | {share:.1%} | {ratios} |", flush=True)
        ms = {who: [1e3 * time / len(frames) for time in each] for who, each in times.items()}
        rows += [
            Row.of(f"{path.stem}, {what}", ms[who], "ms a frame", name, ms["peer"])
            for who, what in (("keys", "key frames"), ("every", "every frame"), ("peer", name))
        ]
    return rows


def _agreement(found: Sequence[np.ndarray], expected: Sequence[np.ndarray]) -> float:
    """Share of expected boxes, over all frames, with one of those found at an IoU of 0.9 or more."""
    pairs = [(torch.from_numpy(e[:, :4]), torch.from_numpy(f[:, :4])) for f, e in zip(found, expected, strict=True)]
    hits = [bool(hit) for theirs, ours in pairs for hit in (box_iou(theirs, ours) >= 0.9).any(1)]
    return float(np.mean(hits))


def main() -> list[Row]:
    """Print agreement, recall and speed."""
    chosen = dict(argument.split("=", 1) for argument in given()).get("videos")
    torch.set_num_threads(1)  # with more, whatever else runs on the machine decides the figures
    if chosen:
        return compare_key_frames([Path(name) for name in sorted(glob(chosen, recursive=True))])
    data = real_data()
    detector = FaceDetector()
    parity = compare_with_reference(detector, data)
    print(f"reference boxes of score >= 0.9 found with IoU >= 0.9: {parity.found}/{parity.boxes}")
    print(f"mean IoU {parity.mean_iou:.5f}, extra boxes {parity.extra}")
    recall = recall_on_photographs(detector, data)
    print(f"annotated faces found: {recall.found}/{recall.faces} by centre in box, {recall.found_by_iou} by IoU >= 0.5")
    videos = sorted((data / "videos").glob("*.mpg"))[: sized(None, 1)]
    rows = [row for size in (20, 36) for row in time_videos(videos, size)]  # all faces; an eighth of the short side
    return [*rows, *compare_key_frames(videos)]
