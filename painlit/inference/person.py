"""The person's own baseline at the time of assessing: means over windows of the recording, or of one at rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from painlit.clips.baseline import Baseline, BaselineMeans
from painlit.errors import ClipError, PainlitError
from painlit.inference.face_windows import FaceWindow, FaceWindows
from painlit.inference.heart_windows import Heart, HeartWindow, starts
from painlit.inference.video_windows import VideoWindows

File = str | PathLike[str]
HOW = {
    "none": "nothing of the person's own is subtracted",
    "session": "the person's own mean over the whole recording is subtracted",
    "rest": "the person's own mean over a recording at rest is subtracted",
}
"""`data.baseline` of a bundle -> what it means for an assessment."""


@dataclass(frozen=True)
class Rest:
    """A recording of the same person at rest, for bundles that were trained with `data.baseline=rest`.

    It must have what the recording to assess has: video, heart rates or both. Windows slide over all of it.
    """

    video: File | None = None
    ecg: File | None = None
    heart_rate: File | None = None
    """Heart rates or beat intervals of a device, instead of an ECG."""
    start: float = 0.0
    """Where the rest begins, in s on the video's clock."""
    end: float | None = None
    offset: float = 0.0
    """s by which the signal's clock is ahead of the video's."""

    def plain(self) -> dict[str, Any]:
        """As plain values."""
        named = {"video": self.video, "ecg": self.ecg, "heart_rate": self.heart_rate}
        files = {kind: None if file is None else str(file) for kind, file in named.items()}
        return {**files, "start": self.start, "end": self.end, "offset": self.offset}


class PersonBaseline(NamedTuple):
    """What is subtracted from one person's windows."""

    bpm: float | None
    embeddings: Mapping[str, np.ndarray]
    """Embedder -> (2, D) float32."""

    def of(self, embedder: str | None) -> Baseline:
        """For a model that reads the embeddings of this embedder; None: no video."""
        return Baseline(self.bpm, None if embedder is None else self.embeddings.get(embedder))


class PersonMeans:
    """Running means over the windows that have the modality."""

    def __init__(self) -> None:
        self._heart = BaselineMeans()
        self._faces: dict[str, BaselineMeans] = {}

    def add(self, face: FaceWindow | None, heart: HeartWindow | None) -> None:
        """Take in a window, as far as it has a face and heart rates."""
        if heart is not None and heart.bpm is not None:
            self._heart.add_bpm(heart.bpm)
        if face is not None and not face.problem:
            for name in face.rows:
                self._faces.setdefault(name, BaselineMeans()).add_embeddings(face.embeddings(name))

    @property
    def faces(self) -> int:
        """Windows with a face so far."""
        return max((means.windows_embeddings for means in self._faces.values()), default=0)

    @property
    def hearts(self) -> int:
        """Windows with heart rates so far."""
        return self._heart.windows_bpm

    def baseline(self) -> PersonBaseline:
        """The means so far."""
        found = {name: means.baseline().embeddings for name, means in self._faces.items()}
        return PersonBaseline(self._heart.baseline().bpm, {name: m for name, m in found.items() if m is not None})

    def note(self, kind: str) -> str:
        """A sentence on what the baseline rests on."""
        bpm, parts = self._heart.baseline().bpm, []
        if bpm is not None:
            parts.append(f"heart rate {bpm:.1f} bpm over {_windows(self.hearts)}")
        if self.faces:
            parts.append(f"face over {_windows(self.faces)}")
        alone = "; of a single window little is left" if kind == "session" and max(self.faces, self.hearts) == 1 else ""
        return f"{HOW[kind]}: {', '.join(parts) or 'there is none'}{alone}"


def check_rest(kind: str, rest: Rest | None, video: bool, signal: bool) -> None:
    """Refuse to assess without the baseline that a bundle was trained with, and with one that it does not use.

    Args:
        kind: Its `data.baseline`.
        rest: What the user gives.
        video: Whether the recording has video and the bundle reads it.
        signal: Likewise of heart rates.

    Raises:
        PainlitError: Something is missing, or given and not used.
    """
    if rest is not None and rest.ecg is not None and rest.heart_rate is not None:
        raise PainlitError("the rest has an ECG and heart rates", "give one of them: they say the same")
    if kind != "rest":
        if rest is not None:
            raise PainlitError(
                f"a recording at rest is given, and the bundle was trained with data.baseline={kind}",
                "leave it out: the model does not use it",
            )
        return
    rest = rest or Rest()
    missing = ["video (--rest FILE)"] if video and rest.video is None else []
    if signal and rest.ecg is None and rest.heart_rate is None:
        missing.append("ECG or heart rates (--rest-ecg FILE, --rest-heart-rate FILE)")
    if missing:
        raise PainlitError(
            f"the bundle was trained with data.baseline=rest, and of the person at rest there is no "
            f"{' and no '.join(missing)}",
            "give a recording of the same person at rest; in Python rest=Rest(video=…, ecg=…)",
        )


def measure_rest(
    rest: Rest, faces: FaceWindows | None, windows: VideoWindows | None, heart: Heart | None
) -> PersonMeans:
    """The means over a recording at rest.

    Args:
        rest: The recording, for its times and for errors.
        faces: What embeds its faces; None where no video is used.
        windows: Of its video.
        heart: Its heart rates; None where none are used. Its windows follow its own times: the two clocks need not
            overlap.

    Raises:
        ClipError: No window has a face, or none has heart rates.
    """
    means, why = PersonMeans(), ""
    if faces is not None and windows is not None:
        for window in windows:
            face = faces.window(window)
            means.add(face, None)
            why = face.problem or why
        if not means.faces:
            raise _useless(rest.video, why)
    if heart is not None:
        for start in starts(heart, rest.start, rest.end, 1.0):
            found = heart.window(start)
            means.add(None, found)
            why = found.problem or why
        if not means.hearts:
            raise _useless(heart.path, why)
    return means


def _useless(file: Any, why: str) -> ClipError:
    return ClipError(f"{Path(file)} is no baseline: {why}", "give a recording of the person at rest that can be read")


def _windows(count: int) -> str:
    return f"{count:,} {'window' if count == 1 else 'windows'}"
