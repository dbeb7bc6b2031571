"""Faces of windows: found, followed, cropped and embedded, each frame once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from itertools import islice
from typing import NamedTuple

import numpy as np
import torch

from painlit.clips.embedded_frames import EmbeddedFrames
from painlit.clips.table import PreparedClip
from painlit.config import Config
from painlit.inference.same_person import SamePerson
from painlit.inference.video_windows import Frame, VideoWindow
from painlit.models.frame_embedder import FrameEmbedder
from painlit.signals.video.clip_faces import clip_squares, face_detector
from painlit.signals.video.crops import Resize, crop_face, resized
from painlit.system.stopwatch import Stopwatch
from painlit.system.threads import side_by_side

_PICTURE = 112  # px; side of the faces that are shown
Square = tuple[int, int, int]


class Looked(NamedTuple):
    """A frame that was looked at."""

    time: float
    """When it is shown, in s on the video's clock."""
    found: bool
    """Whether the face was found in it."""
    faces: int
    """Faces in it, of any person."""


class FaceWindow(NamedTuple):
    """The face in a window."""

    rows: Mapping[str, list[np.ndarray]]
    """Embedder -> of each embedded frame (2, D) float16, which windows share; empty if `problem` says why."""
    found: float
    """Share of frames in which the face is found; NaN if the video itself cannot be used."""
    faces: int
    """The most faces in a frame."""
    picture: np.ndarray | None
    """The face in the middle of the window, (S, S, 3) uint8 RGB."""
    looked: list[Looked]
    """Of the frames that no earlier window has used."""
    problem: str
    note: str = ""
    """What was padded."""
    crop: np.ndarray | None = None
    """The face in the middle of the window as it is embedded, (S, S, 3) uint8 RGB; None if it is not."""
    embedded: EmbeddedFrames | None = None
    """The frames that `rows` are of; None: all."""

    def embeddings(self, embedder: str) -> np.ndarray:
        """(2, F, D) float16, as in the embedding cache."""
        rows = np.stack(self.rows[embedder], axis=1)
        return rows if self.embedded is None else self.embedded.with_others(rows)


class FaceWindows:
    """Follows one person through the windows of a video.

    Each window gets what `make prepare` and `make embed` would give a clip of the same frames. What windows share is
    not computed again: faces are detected once in each frame, and a crop is embedded once.

    Args:
        config: The model's clips, faces and images.
        embedders: By name, on `device`, each with whether its tiles are read by any model; they are most of the work.
        device: Of the detector and the embedders.
        watch: Counts detect, embed, and as crop what the network waits for crops.
        resize: What resizes faces, as `resized` does.
    """

    def __init__(
        self,
        config: Config,
        embedders: Mapping[str, tuple[FrameEmbedder, bool]],
        device: torch.device,
        watch: Stopwatch,
        resize: Resize = resized,
    ):
        self.config, self.embedders, self.device, self.watch = config, embedders, device, watch
        self._resize = resize
        self._person = SamePerson()
        self._detections: dict[int, np.ndarray] = {}
        self._rows: dict[tuple[int, Square], dict[str, np.ndarray]] = {}

    def window(self, window: VideoWindow) -> FaceWindow:
        """The face of a window; windows come in order."""
        frames, first = window.frames, window.frames[0].at
        self._detections = {index: boxes for index, boxes in self._detections.items() if index >= first}
        self._rows = {key: rows for key, rows in self._rows.items() if key[0] >= first}
        if window.problem:
            return FaceWindow({}, float("nan"), 0, None, [], window.problem)
        new = [frame for frame in frames if frame.at not in self._detections]
        unseen = {frame.at for frame in new}
        with self.watch.step("detect"):
            self._detect(new)
        detections = [self._detections[frame.at] for frame in frames]
        indices = [frame.at for frame in frames]
        track = self._person.track(indices, detections, frames[0].pixels.shape)
        there = np.zeros(len(frames), bool) if track is None else track.found
        looked = [
            Looked(frame.time, bool(found), len(self._detections[frame.at]))
            for frame, found in zip(frames, there, strict=True)
            if frame.at in unseen
        ]
        faces = max(len(boxes) for boxes in detections)
        if track is None:
            problem = "the person's face is not there, another is" if faces else "no face"
            return FaceWindow({}, 0.0, faces, None, looked, problem)
        config = self.config
        squares: list[Square] = [(*map(int, s),) for s in clip_squares(track.boxes, config.clip, config.face)]  # type: ignore[misc]
        middle = len(frames) // 2
        picture = crop_face(frames[middle].pixels, np.array(squares[middle]), _PICTURE)
        why = PreparedClip("", found=track.found).video_refusal(config.face.least_found).partition("\n")[0]
        if why:
            return FaceWindow({}, float(there.mean()), faces, picture, looked, why)
        embedded = EmbeddedFrames.of(indices, config.embed.every)
        shown = {(frames[k].at, squares[k]): frames[k] for k in embedded.positions}
        self._embed(shown)
        rows = {name: [self._rows[key][name] for key in shown] for name in self.embedders}
        crop = crop_face(frames[middle].pixels, np.array(squares[middle]), 2 * config.spatial.image_size)
        some = None if len(shown) == len(frames) else embedded  # windows may wait, thousands of them
        return FaceWindow(rows, float(there.mean()), faces, picture, looked, "", window.note, crop, some)

    def _detect(self, frames: list[Frame]) -> None:
        if frames:
            detector = face_detector(frames[0].pixels.shape, self.config.face, str(self.device))
            boxes = detector.detect([frame.pixels for frame in frames])
            self._detections |= {frame.at: found for frame, found in zip(frames, boxes, strict=True)}

    def _embed(self, shown: Mapping[tuple[int, Square], Frame]) -> None:
        new = {key: frame for key, frame in shown.items() if key not in self._rows}
        with closing(side_by_side([self._cropped(new)])) as batches:  # beside the network
            while True:
                with self.watch.step("crop"):
                    batch = next(batches, None)
                if batch is None:
                    return
                keys, crops = batch
                with self.watch.step("embed"):
                    images = torch.from_numpy(crops).to(self.device).permute(0, 3, 1, 2)
                    for name, (embedder, with_tiles) in self.embedders.items():
                        for key, row in zip(keys, frame_rows(embedder, with_tiles, images), strict=True):
                            self._rows.setdefault(key, {})[name] = row

    def _cropped(
        self, frames: Mapping[tuple[int, Square], Frame]
    ) -> Iterator[tuple[list[tuple[int, Square]], np.ndarray]]:
        """The faces in frames, some at a time: their keys, and (n, S, S, 3) uint8 RGB."""
        side, keys = 2 * self.config.spatial.image_size, iter(frames)
        while some := list(islice(keys, self.config.embed.batch_frames)):
            crops = [crop_face(frames[key].pixels, np.array(key[1]), side, self._resize) for key in some]
            yield some, np.stack(crops)


def frame_rows(embedder: FrameEmbedder, with_tiles: bool, crops: torch.Tensor) -> np.ndarray:
    """Embeddings of crops (n, 3, S, S) uint8 RGB as windows keep them, (n, 2, D) float16; unused tiles are 0."""
    with torch.inference_mode():
        full, tiles = embedder(crops) if with_tiles else (embedder.full(crops), None)
        both = torch.stack([full, torch.zeros_like(full) if tiles is None else tiles], 1)  # (n, 2, D)
        return both.float().cpu().numpy().astype("<f2")
