"""Recordings to assess: one, a folder of videos, or a table with a row for each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data_modules.recordings.cells import recording_in, stretch_in
from data_modules.recordings.table import RECORDINGS, rows_of
from painlit.errors import PainlitError
from painlit.signals.video.picture_folder import SUFFIXES as PICTURES
from painlit.system.names import check_name

VIDEOS = {".3gp", ".avi", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".ts", ".webm", ".wmv"}
_TABLES = {".csv", ".tsv", ".txt"}
_RESTS = ("rest", "rest_ecg", "rest_heart_rate")
FILES = (*RECORDINGS, *_RESTS)
"""Columns, and fields of a `Recording`: what it consists of, and what its assessment needs."""
TIMES = ("start", "end", "offset", "rest_start", "rest_end", "rest_offset")
"""The same of its times."""


@dataclass(frozen=True)
class Recording:
    """What to assess."""

    name: str
    video: Path | None = None
    ecg: Path | None = None
    heart_rate: Path | None = None
    start: float = 0.0
    """s on the video's clock."""
    end: float | None = None
    offset: float = 0.0
    """s by which the signal's clock is ahead."""
    rest: Path | None = None
    """Video of the same person at rest."""
    rest_ecg: Path | None = None
    rest_heart_rate: Path | None = None
    rest_start: float = 0.0
    """s on the clock of the video at rest."""
    rest_end: float | None = None
    rest_offset: float = 0.0
    """s by which the clock of the signal at rest is ahead."""
    where: str = ""
    """Table and row that list it."""

    @property
    def files(self) -> dict[str, Path]:
        """What it consists of, and what its assessment needs."""
        return {kind: file for kind in FILES if (file := getattr(self, kind)) is not None}


def is_list(path: Path) -> bool:
    """Whether a path holds many recordings: a table, or a folder that is not one of a video's pictures."""
    if path.is_dir():
        return not any(entry.suffix.lower() in PICTURES for entry in path.iterdir()) or bool(_videos(path))
    return path.suffix.lower() in _TABLES


def list_recordings(path: Path) -> list[Recording]:
    """The recordings of a folder, its videos in order of names, or of a table; nothing is opened.

    Signals are not looked for beside the videos of a folder: which belongs to which is said in a table.

    Raises:
        PainlitError: No recording is there, two have one name, or a cell of the table is not what its column needs.
    """
    found = [Recording(file.stem, file) for file in _videos(path)] if path.is_dir() else _of_table(path)
    if not found:
        pictures = (
            f"; its {len(held)} folders of pictures are given in a table" if (held := picture_folders(path)) else ""
        )
        raise PainlitError(
            f"{path}: there is no recording", f"give a folder of videos ({', '.join(sorted(VIDEOS))}){pictures}"
        )
    seen: dict[str, Recording] = {}
    for recording in found:
        if recording.name.casefold() in seen:
            raise PainlitError(
                f"{path}: two recordings are called {recording.name}",
                "rename one; in a table the column `name` says what to call them",
            )
        seen[recording.name.casefold()] = recording
    return found


def picture_folders(path: Path) -> list[Path]:
    """Folders of pictures below a folder, which `list_recordings` passes over: of none is its rate known."""
    below = sorted(entry for entry in path.iterdir() if entry.is_dir()) if path.is_dir() else []
    return [folder for folder in below if any(entry.suffix.lower() in PICTURES for entry in folder.iterdir())]


def _videos(folder: Path) -> list[Path]:
    return sorted(f for f in folder.iterdir() if f.suffix.lower() in VIDEOS and not f.name.startswith("."))


def _of_table(path: Path) -> list[Recording]:
    found = []
    for number, row in rows_of(path, (*FILES, *TIMES, "name"), needed=()):
        where = f"{path}, row {number}"
        files: dict[str, Any] = {kind: recording_in(path.parent, row[kind]) for kind in RECORDINGS if row.get(kind)}
        if not files or {"ecg", "heart_rate"} <= set(files):
            what = "an ECG and heart rates" if files else "no recording"
            raise PainlitError(f"{where}: {what}", "give a video, an ECG or heart rates; of the last two one")
        rests: dict[str, Any] = {kind: recording_in(path.parent, row[kind]) for kind in _RESTS if row.get(kind)}
        if {"rest_ecg", "rest_heart_rate"} <= set(rests):
            raise PainlitError(f"{where}: an ECG and heart rates at rest", "give one of them")
        name = row.get("name") or next(iter(files.values())).stem
        check_name(f"{where}: name", name)
        times: dict[str, Any] = dict(
            zip(TIMES, (*stretch_in(row, where), *stretch_in(row, where, "rest_")), strict=True)
        )
        found.append(Recording(name, **files, **times, **rests, where=where))
    return found
