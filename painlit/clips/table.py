"""The small table that `make prepare` leaves: face boxes and heart rates of every clip.

One SQLite file, one transaction per clip: a stopped run keeps what it finished, and a reader never sees half a row.
Boxes are kept as detected, so the crop rule can change without another detection.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from painlit.clips.clip import WHOLE, Stretch
from painlit.config import Config, values_affecting
from painlit.errors import PainlitError
from painlit.runs.artefact import DamagedError, refuse_changes
from painlit.system.database import database
from painlit.system.digests import FileState, digest

_FORMAT = 5  # before, R peaks were found by other decisions, and quality was judged by them
_SCHEMA = """
CREATE TABLE IF NOT EXISTS settings (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS clips (
    name TEXT PRIMARY KEY, stretch TEXT NOT NULL,
    video_file TEXT, boxes BLOB, found BLOB, video_problem TEXT NOT NULL, video_notes TEXT NOT NULL,
    signal_file TEXT, bpm TEXT, ecg_quality REAL, signal_problem TEXT NOT NULL, signal_notes TEXT NOT NULL,
    digest TEXT NOT NULL
);
"""


@dataclass(frozen=True)
class PreparedClip:
    """What later steps need of one clip besides its video.

    `boxes` is None exactly if `video_problem` gives a reason, `bpm` exactly if `signal_problem` does. A signal of low
    quality has heart rates all the same, and a video with few faces boxes: who uses them checks `signal_refusal` and
    `video_refusal`.
    """

    name: str
    stretch: Stretch = WHOLE
    video_file: FileState | None = None
    """The video when it was read; None if it was missing."""
    boxes: np.ndarray | None = None
    """(F, 4) float32: x1, y1, x2, y2 in px of the face in each used frame."""
    found: np.ndarray | None = None
    """(F,) bool: detected there; False where the box was interpolated."""
    video_problem: str = ""
    video_notes: tuple[str, ...] = ()
    """What was repaired or is remarkable: padded frames, interpolated boxes."""
    signal_file: FileState | None = None
    """The ECG, or the file of heart rates."""
    bpm: np.ndarray | None = None
    """(S,) float64: one heart rate per whole second."""
    ecg_quality: float | None = None
    """0 to 1; None where no heart rate could be computed, or a device recorded it."""
    signal_problem: str = ""
    signal_notes: tuple[str, ...] = ()

    @property
    def video_source(self) -> int:
        """64 bits over the video's content, the stretch and the face boxes, never 0: what embeddings are made from."""
        assert self.boxes is not None, f"{self.name} has no boxes, and should have been excluded"
        video = self.video_file and self.video_file.sha256
        return int(digest([video, self.stretch[:2], self.boxes.astype("<f4")])[:16], 16) | 1

    def video_refusal(self, least_found: float) -> str:
        """Why the video cannot be used, or nothing.

        Args:
            least_found: `face.least_found`.
        """
        if self.video_problem or self.found is None or self.found.mean() >= least_found:
            return self.video_problem
        return (
            f"the face is found in {self.found.mean():.0%} of the frames, under {least_found:.0%}, so most boxes are "
            "guesses\n  -> look at the video; face.least_found=0 takes it as it is"
        )

    def signal_refusal(self, least_quality: float) -> str:
        """Why the heart rates cannot be used, or nothing.

        Args:
            least_quality: `prepare.least_ecg_quality`.
        """
        if self.signal_problem or self.ecg_quality is None or self.ecg_quality >= least_quality:
            return self.signal_problem
        return (
            f"signal quality {self.ecg_quality:.2f} is below {least_quality:g}, so its heart rates cannot be trusted\n"
            "  -> look at the ECG; prepare.least_ecg_quality=0 takes it as it is"
        )


class ClipTable:
    """Read and write access to a table of prepared clips.

    Args:
        path: The SQLite file.
        settings: What the rows depend on. A file made with other settings is refused, never mixed.

    Raises:
        PainlitError: The file was made with other settings, or is damaged.
    """

    def __init__(self, path: Path, settings: dict[str, Any]):
        self.path = Path(path)
        settings = {"format": _FORMAT, **settings}
        with database(self.path) as connection:
            connection.executescript(_SCHEMA)
            stored = {k: json.loads(v) for k, v in connection.execute("SELECT key, value FROM settings")}
            if not stored:
                connection.executemany(
                    "INSERT INTO settings VALUES (?, ?)", [(k, json.dumps(v)) for k, v in settings.items()]
                )
        if stored:
            remedy = f"set them back, choose another data.name, or delete {self.path} to prepare again"
            refuse_changes(self.path, stored, settings, remedy)
        self._settings = stored or json.loads(json.dumps(settings))

    def add(self, clip: PreparedClip) -> None:
        """Write one clip, replacing an earlier row of the same name."""
        row = (
            clip.name,
            json.dumps(clip.stretch),
            json.dumps(clip.video_file),
            None if clip.boxes is None else clip.boxes.astype("<f4").tobytes(),
            None if clip.found is None else clip.found.astype(np.uint8).tobytes(),
            clip.video_problem,
            json.dumps(clip.video_notes),
            json.dumps(clip.signal_file),
            None if clip.bpm is None else json.dumps([round(float(v), 4) for v in clip.bpm]),
            clip.ecg_quality,
            clip.signal_problem,
            json.dumps(clip.signal_notes),
        )
        with database(self.path) as connection:
            values = (*row, self._digest(row))
            connection.execute(f"INSERT OR REPLACE INTO clips VALUES ({', '.join('?' * len(values))})", values)

    def clips(self, skip_damaged: bool = False) -> dict[str, PreparedClip]:
        """All rows by clip name.

        Args:
            skip_damaged: Name rows that are not as they were written, and leave them out: they are prepared again.

        Raises:
            DamagedError: A row is not as it was written.
        """
        with database(self.path) as connection:
            rows = connection.execute("SELECT * FROM clips ORDER BY name").fetchall()
        damaged = [row for row in rows if row[-1] != self._digest(row[:-1])]
        if damaged:
            what = f"{self.path}: {len(damaged)} rows are not as they were written, the first is {damaged[0][0]}"
            if not skip_damaged:
                raise DamagedError(what, "run `make prepare` again: it prepares them anew")
            print(f"{what}; they are prepared anew")
        return {row[0]: _clip(row[:-1]) for row in rows if row not in damaged}

    def _digest(self, row: tuple) -> str:
        values = [value.hex() if isinstance(value, bytes) else value for value in row]
        return digest([self._settings, values])


def table_settings(config: Config) -> dict[str, Any]:
    """What the rows of the clip table depend on."""
    return {**values_affecting(config, "prepare"), "clip.frames": config.clip.used_frames}


def table_path(config: Config) -> Path:
    """Where `make prepare` leaves the clip table."""
    return config.folder("prepare") / "clips.sqlite"


def open_table(config: Config) -> ClipTable:
    """The clip table that `make prepare` left for this configuration.

    Raises:
        PainlitError: There is none, or it was made with other settings.
    """
    path = table_path(config)
    if not path.is_file():
        raise PainlitError(f"{path} does not exist", "run `make prepare` with the same configuration first")
    return ClipTable(path, table_settings(config))


def _clip(row: tuple) -> PreparedClip:
    name, stretch, video, boxes, found, problem, notes, signal, bpm, quality, signal_problem, signal_notes = row
    return PreparedClip(
        name=name,
        stretch=Stretch(*json.loads(stretch)),
        video_file=_file_state(video),
        boxes=None if boxes is None else np.frombuffer(boxes, "<f4").reshape(-1, 4),
        found=None if found is None else np.frombuffer(found, np.uint8).astype(bool),
        video_problem=problem,
        video_notes=tuple(json.loads(notes)),
        signal_file=_file_state(signal),
        bpm=None if bpm is None else np.array(json.loads(bpm)),
        ecg_quality=quality,
        signal_problem=signal_problem,
        signal_notes=tuple(json.loads(signal_notes)),
    )


def _file_state(text: str) -> FileState | None:
    held = json.loads(text)
    return held and FileState(*held)
