"""BioVid clips to rows of the clip table."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from painlit.clips.clip import Clip
from painlit.clips.table import PreparedClip
from painlit.config import Config
from painlit.errors import ClipError, PainlitError
from painlit.signals.ecg.detectors import detect_r_peaks
from painlit.signals.ecg.heart_rate import heart_rate_from_peaks
from painlit.signals.ecg.pan_tompkins import find_r_peaks
from painlit.signals.ecg.signal_quality import signal_quality
from painlit.signals.files import EcgSignal, read_ecg
from painlit.signals.files.ecg_signal import EDGE
from painlit.signals.video.clip_faces import clip_faces
from painlit.signals.video.face_track import FaceTrack
from painlit.system.digests import FileState


def usable_part(clip: Clip, before: PreparedClip | None) -> PreparedClip:
    """What an earlier run found and is still true: without the halves that were unusable or whose file was replaced.

    What is usable is kept to the last bit, since embeddings and finished folds rest on it.
    """
    row = before or PreparedClip(clip.name, clip.subject, clip.label)
    if row.boxes is None or not _same(row.video_file, clip.video):
        row = dataclasses.replace(row, boxes=None, found=None, notes=(), video_problem="")
    if row.bpm is None or not _same(row.ecg_file, clip.ecg):
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
        row = _with_faces(dataclasses.replace(row, video_file=_state(clip.video)), clip, config)
    if row.bpm is None:
        row = _with_heart_rates(dataclasses.replace(row, ecg_file=_state(clip.ecg)), clip, config)
    return row


def refuse_other_data(clips: Sequence[Clip], prepared: Mapping[str, PreparedClip], table: Path) -> None:
    """Refuse to prepare a data set into the table of another one.

    Args:
        clips: As the data set lists them.
        prepared: Rows of the table.
        table: Its path, for the error.

    Raises:
        PainlitError: No clip is the same, or more than half of the recordings under the same names are others.
    """
    held = [clip for clip in clips if clip.name in prepared]
    files = [(clip.video, prepared[clip.name].video_file) for clip in held]
    files += [(clip.ecg, prepared[clip.name].ecg_file) for clip in held]
    known = [(path, before) for path, before in files if before and path.exists()]
    other = [path for path, before in known if not before.still_true_of(path)]
    if (prepared and not held) or len(other) > max(2, len(known) // 2):
        what = f"{len(other)} of {len(known)} recordings differ, such as {other[0]}" if other else "no clip is the same"
        raise PainlitError(
            f"{table} holds another data set: {what}",
            f"give this data set a data.name of its own, or delete {table} to prepare it anew",
        )


def refuse_replaced(
    clips: Iterable[Clip], prepared: Mapping[str, PreparedClip], video: bool = False, ecg: bool = False
) -> None:
    """Refuse recordings that are no longer those which were prepared; one that is gone needs no other look.

    Args:
        clips: As the data set lists them.
        prepared: Their rows of the clip table.
        video: Look at videos.
        ecg: Look at ECGs.

    Raises:
        PainlitError: Files were replaced, edited or cut short since `make prepare`.
    """
    known = [(clip, prepared[clip.name]) for clip in clips if clip.name in prepared]
    used = [(clip.video, row.video_file) for clip, row in known if video]
    used += [(clip.ecg, row.ecg_file) for clip, row in known if ecg]
    changed = [path for path, before in used if before and path.exists() and not before.still_true_of(path)]
    if changed:
        raise PainlitError(
            f"{len(changed)} recordings are not those that were prepared, the first is {changed[0]}",
            "run `make prepare` (and `make embed`) again, or put the files back",
        )


def _state(file: Path) -> FileState | None:
    try:
        return FileState.of(file)
    except OSError:  # missing or unreadable, which the row's problem says
        return None


def _same(before: FileState | None, file: Path) -> bool:
    return before is not None and before.still_true_of(file)


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
    signal = clip_ecg(clip, config)
    ecg, rate = signal.values, signal.rate
    try:
        ours, chosen = find_r_peaks(ecg, rate), config.prepare.r_peaks
        peaks = ours.at if chosen == "pan_tompkins" else detect_r_peaks(chosen, ecg, rate)
        rule = config.prepare.heart_rate_rule
        bpm = heart_rate_from_peaks(peaks, rate, config.clip.heart_rates, rule)  # type: ignore[arg-type]
        return bpm, signal_quality(ecg, rate, ours)
    except ClipError as error:
        raise ClipError(f"{clip.ecg}: {error.what}", error.remedy) from error


def clip_ecg(clip: Clip, config: Config) -> EcgSignal:
    """The ECG of a clip, whose file holds that clip alone.

    Raises:
        ClipError: It cannot be read, tells another rate than `clip.ecg_hz`, or is longer or shorter than a clip.
    """
    signal, seconds = read_ecg(clip.ecg, config.clip.ecg_hz, config.signals.lead), config.clip.seconds
    if (signal.seconds - seconds) * signal.rate > EDGE + 0.5:
        raise ClipError(
            f"{clip.ecg} lasts {signal.seconds:.3f} s, a clip {seconds:g} s", "copy it again, or set clip.seconds"
        )
    return signal.between(signal.start, seconds)


def _notes(track: FaceTrack, padded: int) -> tuple[str, ...]:
    notes = []
    if padded:
        notes.append(f"{padded} of {len(track.found)} frames missing at the end, padded with the last one")
    if not track.found.all():
        notes.append(f"no face in {int((~track.found).sum())} of {len(track.found)} frames, boxes interpolated")
    return tuple(notes)
