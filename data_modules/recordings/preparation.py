"""BioVid clips to rows of the clip table."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from data_modules.recordings.biovid import read_ecg
from painlit.clips.clip import Clip
from painlit.clips.table import PreparedClip
from painlit.config import Config
from painlit.errors import ClipError
from painlit.signals.ecg.detectors import detect_r_peaks
from painlit.signals.ecg.heart_rate import heart_rate_from_peaks
from painlit.signals.ecg.pan_tompkins import find_r_peaks
from painlit.signals.ecg.signal_quality import signal_quality
from painlit.signals.video.clip_faces import clip_faces
from painlit.signals.video.face_track import FaceTrack


def usable_part(clip: Clip, before: PreparedClip | None) -> PreparedClip:
    """What an earlier run found and is still true: without the halves that were unusable or whose file was replaced.

    What is usable is kept to the last bit, since embeddings and finished folds rest on it.
    """
    row = before or PreparedClip(clip.name, clip.subject, clip.label)
    if row.boxes is None or row.video_bytes != _bytes(clip.video):
        row = dataclasses.replace(row, boxes=None, found=None, notes=(), video_problem="")
    if row.bpm is None or row.ecg_bytes != _bytes(clip.ecg):
        row = dataclasses.replace(row, bpm=None, ecg_quality=None, ecg_problem="")
    return row


def prepare_clip(clip: Clip, row: PreparedClip, config: Config) -> PreparedClip:
    """Find what is missing: the face in every used frame, and the heart rate of every second.

    The two halves fail apart: a clip whose ECG is unusable still serves a video model. What was wrong is in the row.

    Args:
        clip: Its files.
        row: What `usable_part` left.
        config: Clip, face and preparation settings.
    """
    if row.boxes is None:
        row = dataclasses.replace(_with_faces(row, clip, config), video_bytes=_bytes(clip.video))
    if row.bpm is None:
        row = dataclasses.replace(_with_heart_rates(row, clip, config), ecg_bytes=_bytes(clip.ecg))
    return row


def _bytes(file: Path) -> int | None:
    return file.stat().st_size if file.is_file() else None


def _with_faces(row: PreparedClip, clip: Clip, config: Config) -> PreparedClip:
    try:
        track, padded = clip_faces(clip.video, config.clip, config.face, config.prepare.device)
    except ClipError as error:
        return dataclasses.replace(row, video_problem=str(error))
    return dataclasses.replace(row, boxes=track.boxes, found=track.found, notes=_notes(track, padded))


def _with_heart_rates(row: PreparedClip, clip: Clip, config: Config) -> PreparedClip:
    try:
        bpm, quality = _heart_rates(clip, config)
    except ClipError as error:
        return dataclasses.replace(row, ecg_problem=str(error))
    return dataclasses.replace(row, bpm=bpm, ecg_quality=quality)


def _heart_rates(clip: Clip, config: Config) -> tuple[np.ndarray, float]:
    """Rates, (S,) bpm, and the signal's quality, which our detector judges whichever finds the peaks."""
    ecg, rate = read_ecg(clip.ecg, config.clip.ecg_samples), config.clip.ecg_hz
    try:
        ours, chosen = find_r_peaks(ecg, rate), config.prepare.r_peaks
        peaks = ours.at if chosen == "pan_tompkins" else detect_r_peaks(chosen, ecg, rate)
        rule = config.prepare.heart_rate_rule
        bpm = heart_rate_from_peaks(peaks, rate, config.clip.heart_rates, rule)  # type: ignore[arg-type]
        return bpm, signal_quality(ecg, rate, ours)
    except ClipError as error:
        raise ClipError(f"{clip.ecg}: {error.what}", error.remedy) from error


def _notes(track: FaceTrack, padded: int) -> tuple[str, ...]:
    notes = []
    if padded:
        notes.append(f"{padded} of {len(track.found)} frames missing at the end, padded with the last one")
    if not track.found.all():
        notes.append(f"no face in {int((~track.found).sum())} of {len(track.found)} frames, boxes interpolated")
    return tuple(notes)
