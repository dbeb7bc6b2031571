"""One recording on its way to an assessment: a row of the table for each window, and what the rows rest on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import cv2
import numpy as np

from painlit.config import Config
from painlit.inference.face_windows import FaceWindow, FaceWindows, Looked
from painlit.inference.heart_windows import Heart, HeartWindow, starts
from painlit.inference.person import PersonBaseline, PersonMeans
from painlit.inference.pictures import Pictures
from painlit.inference.scoring import Score, Scorer, row
from painlit.inference.video_windows import VideoWindow, VideoWindows
from painlit.system.stopwatch import Stopwatch

Row = dict[str, object]


class _Held(NamedTuple):
    """A window that waits for the baseline: embeddings, and its picture compressed, but no frames."""

    start: float
    face: FaceWindow | None
    picture: np.ndarray | None
    heart: HeartWindow | None


class Assessing:
    """The windows of one recording.

    Where the bundle subtracts the mean over the recording itself, windows wait until all of them are there; what waits
    is each frame's embedding once, and a compressed picture a window.

    Args:
        config: The bundle's.
        classes: Their names.
        scorer: Its models.
        faces: What finds and embeds faces.
        heart: Heart rates, if there are any.
        own: The person's baseline, if it is known already.
        watch: Counts signal and score.

    Attributes:
        rows: Of the table, when `finish` was called.
        looked: Frames that were looked at.
        pictures: Faces to show.
        means: What the baseline rests on where it is of the recording itself, else None.
    """

    def __init__(
        self,
        config: Config,
        classes: tuple[str, ...],
        scorer: Scorer,
        faces: FaceWindows,
        heart: Heart | None,
        own: PersonBaseline | None,
        watch: Stopwatch,
    ):
        self.config, self.classes, self.scorer, self.faces = config, dict(enumerate(classes)), scorer, faces
        self.heart, self.own, self.watch = heart, own, watch
        self.seconds = config.clip.nominal_frames / config.clip.video_fps
        self.rows: list[Row] = []
        self.looked: list[Looked] = []
        self.pictures = Pictures(self.seconds)
        self.means = PersonMeans() if config.data.baseline == "session" else None
        self._held: list[_Held] = []

    def over_video(self, windows: VideoWindows) -> Iterator[None]:
        """Take in the windows of a video, one at a time."""
        source = iter(windows)
        while True:
            with self.watch.step("decode"):
                window = next(source, None)
            if window is None:
                return
            face = self.faces.window(window)
            self.looked += face.looked
            self._take(window.start, face)
            yield

    def over_signal(self, start: float, end: float | None, step: float) -> None:
        """Take in the windows of a signal without video.

        Raises:
            ClipError: It is shorter than a window.
        """
        assert self.heart is not None
        for at in starts(self.heart, start, end, step):
            self._take(at, None)

    def finish(self) -> None:
        """Score the windows that waited for the baseline."""
        if self.means is not None:
            self.own = self.means.baseline()
        for held in self._held:
            face = held.face
            if face is not None and held.picture is not None:
                crop = None if face.crop is None else _decompressed(face.crop)
                face = face._replace(picture=_decompressed(held.picture), crop=crop)
            self._score(held.start, face, held.heart)
        self._held = []

    def live(self, windows: VideoWindows, baseline_seconds: float) -> Iterator[tuple[VideoWindow, Row]]:
        """The row of each window of a stream as it comes.

        Args:
            windows: Of the stream.
            baseline_seconds: Where the baseline is of the recording itself: the seconds, from the first window with a
                face on, that it is the mean of. Windows that end before are not scored.
        """
        since: float | None = None
        for window in windows:
            face = self.faces.window(window)
            if self.means is not None and not face.problem and since is None:
                since = window.start
            end = window.start + self.seconds
            if self.means is not None and (since is None or end <= since + baseline_seconds + 1e-6):
                self.means.add(face, None)
                score = self.scorer.none(face, f"the first {baseline_seconds:g} s of the person are their baseline")
            else:
                if self.means is not None and self.own is None:
                    self.own = self.means.baseline()
                score = self.scorer.score(face, None, self.own)
            yield window, self._row(window.start, face, None, score)

    def _take(self, start: float, face: FaceWindow | None) -> None:
        with self.watch.step("signal"):
            heart = None if self.heart is None else self.heart.window(start)
        if self.means is None:
            self._score(start, face, heart)
            return
        self.means.add(face, heart)
        picture = None
        if face is not None and face.picture is not None:
            picture = _compressed(face.picture)
            crop = None if face.crop is None else _compressed(face.crop)
            face = face._replace(picture=None, crop=crop)
        self._held.append(_Held(start, face and face._replace(looked=[]), picture, heart))

    def _score(self, start: float, face: FaceWindow | None, heart: HeartWindow | None) -> None:
        with self.watch.step("score"):
            score = self.scorer.score(face, heart, self.own)
        cells = self._row(start, face, heart, score)
        self.rows.append(cells)
        if face is not None and face.picture is not None:
            score_ = float(cells["score"])  # type: ignore[arg-type]
            self.pictures.add(start + self.seconds / 2, face.picture, score_, (face, heart))

    def _row(self, start: float, face: FaceWindow | None, heart: HeartWindow | None, score: Score) -> Row:
        return {
            **row(start, start + self.seconds, self.classes, score),
            "face_found": np.nan if face is None else face.found,
            "faces": np.nan if face is None else face.faces,
            "ecg_quality": np.nan if heart is None else heart.quality,
            "heart_rate": np.nan if heart is None or heart.bpm is None else float(heart.bpm.mean()),
        }


def _compressed(pixels: np.ndarray) -> np.ndarray:
    return cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])[1]


def _decompressed(picture: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(np.asarray(cv2.imdecode(picture, cv2.IMREAD_COLOR))[..., ::-1])
