"""BioVid clips to rows of the clip table."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

import numpy as np

from painlit.clips.clip import Clip
from painlit.clips.table import PreparedClip
from painlit.config import Config
from painlit.errors import ClipError, PainlitError
from painlit.report.traces import Trace
from painlit.signals.ecg.detectors import detect_r_peaks
from painlit.signals.ecg.heart_rate import heart_rate_from_peaks
from painlit.signals.ecg.pan_tompkins import find_r_peaks
from painlit.signals.ecg.signal_quality import signal_quality
from painlit.signals.files import EcgSignal, read_ecg
from painlit.signals.files.ecg_signal import EDGE
from painlit.signals.heart_rates import HeartRates, read_heart_rates
from painlit.signals.video.clip_faces import clip_faces
from painlit.signals.video.face_track import FaceTrack
from painlit.system.digests import FileState

NO_VIDEO, NO_SIGNAL = "the data set lists no video of it", "the data set lists neither ECG nor heart rates of it"


def usable_part(clip: Clip, before: PreparedClip | None) -> PreparedClip:
    """What an earlier run found and is still true: without the halves that were unusable or are of other recordings.

    What is usable is kept to the last bit, since embeddings and finished folds rest on it.
    """
    row = dataclasses.replace(before or PreparedClip(clip.name), stretch=clip.stretch)
    here = before.stretch if before else clip.stretch
    if row.boxes is None or here[:2] != clip.stretch[:2] or not _same(row.video_file, clip.video):
        row = dataclasses.replace(row, boxes=None, found=None, video_problem="", video_notes=())
    if row.bpm is None or here != clip.stretch or not _same(row.signal_file, clip.signal):
        row = dataclasses.replace(row, bpm=None, ecg_quality=None, signal_problem="", signal_notes=())
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
        row = _with_heart_rates(dataclasses.replace(row, signal_file=_state(clip.signal)), clip, config)
    return row


def ecg_trace(clip: Clip, config: Config) -> Trace | None:
    """The ECG of a clip with its R peaks, to look at; without any if it is unusable. None where there is no ECG.

    Raises:
        ClipError: The ECG cannot be read.
    """
    if clip.ecg is None:
        return None
    signal = clip_ecg(clip, config)
    ecg, rate = signal.values, signal.rate
    try:
        peaks = detect_r_peaks(config.prepare.r_peaks, ecg, rate)
    except ClipError:  # which the row's problem states
        peaks = np.zeros(0, np.int64)
    return Trace(ecg, rate, peaks)


def refuse_other_data(clips: Sequence[Clip], prepared: Mapping[str, PreparedClip], table: Path) -> None:
    """Refuse to prepare a data set into the table of another one.

    Args:
        clips: As the data set lists them.
        prepared: Rows of the table.
        table: Its path, for the error.

    Raises:
        PainlitError: No clip is the same, or more than half of the recordings under the same names are others.
    """
    known = _recordings(clips, prepared)
    other = [path for path, before in known if not before.still_true_of(path)]
    if (prepared and prepared.keys().isdisjoint(clip.name for clip in clips)) or len(other) > max(2, len(known) // 2):
        what = f"{len(other)} of {len(known)} recordings differ, such as {other[0]}" if other else "no clip is the same"
        raise PainlitError(
            f"{table} holds another data set: {what}",
            f"give this data set a data.name of its own, or delete {table} to prepare it anew",
        )


def refuse_replaced(
    clips: Sequence[Clip], prepared: Mapping[str, PreparedClip], video: bool = False, signal: bool = False
) -> None:
    """Refuse recordings that are no longer those which were prepared; one that is gone needs no other look.

    Args:
        clips: As the data set lists them.
        prepared: Their rows of the clip table.
        video: Look at videos.
        signal: Look at ECGs and files of heart rates.

    Raises:
        PainlitError: Files were replaced, edited or cut short since `make prepare`.
    """
    used = _recordings(clips, prepared, video, signal)
    changed = [path for path, before in used if not before.still_true_of(path)]
    moved = [c.name for c in clips if c.name in prepared and c.stretch != prepared[c.name].stretch]
    if changed or moved:
        raise PainlitError(
            f"{len(changed)} recordings are not those that were prepared, the first is {changed[0]}"
            if changed
            else f"{len(moved)} clips have another start, end or offset than was prepared, the first is {moved[0]}",
            "run `make prepare` (and `make embed`) again, or put the files back",
        )


def _recordings(
    clips: Sequence[Clip], prepared: Mapping[str, PreparedClip], video: bool = True, signal: bool = True
) -> list[tuple[Path, FileState]]:
    """Videos and signals of prepared clips that are there, with what they were when they were prepared."""
    rows = [(clip, prepared[clip.name]) for clip in clips if clip.name in prepared]
    files = [(clip.video, row.video_file) for clip, row in rows if video]
    files += [(clip.signal, row.signal_file) for clip, row in rows if signal]
    return [(path, before) for path, before in files if before and path and path.exists()]


def _state(file: Path | None) -> FileState | None:
    try:
        return None if file is None else FileState.of(file)
    except OSError:  # missing or unreadable, which the row's problem states
        return None


def _same(before: FileState | None, file: Path | None) -> bool:
    return before is not None and file is not None and before.still_true_of(file)


def _with_faces(row: PreparedClip, clip: Clip, config: Config) -> PreparedClip:
    if clip.video is None:
        return dataclasses.replace(row, video_problem=NO_VIDEO)
    try:
        track, notes = clip_faces(clip.video, config.clip, config.face, config.prepare.device, *clip.stretch[:2])
    except ClipError as error:
        return dataclasses.replace(row, video_problem=str(error))
    return dataclasses.replace(row, boxes=track.boxes, found=track.found, video_notes=(*notes, *_notes(track)))


def _with_heart_rates(row: PreparedClip, clip: Clip, config: Config) -> PreparedClip:
    try:
        if clip.ecg is not None:
            return _from_ecg(row, clip, config)
        if clip.heart_rate is not None:
            bpm, notes = device_rates(clip, config)
            return dataclasses.replace(row, bpm=bpm, signal_notes=notes)
    except ClipError as error:
        return dataclasses.replace(row, signal_problem=str(error))
    return dataclasses.replace(row, signal_problem=NO_SIGNAL)


def device_rates(clip: Clip, config: Config) -> tuple[np.ndarray, tuple[str, ...]]:
    """The heart rates that a device recorded, (S,) bpm, and notes on them.

    Raises:
        ClipError: The file cannot be read, or has a gap longer than `signals.longest_gap`.
    """
    assert clip.heart_rate is not None
    series, seconds = _heart_rates(clip.heart_rate, _state(clip.heart_rate)), config.clip.heart_rates
    start = clip.stretch.start + clip.stretch.offset
    with _errors_with_offset(clip):
        bpm, filled = series.per_second(start, seconds, config.signals.longest_gap)
    notes = (f"{filled} of {seconds} seconds without heart rate, filled from their neighbours",) if filled else ()
    return bpm, (*series.notes, *notes)


def _from_ecg(row: PreparedClip, clip: Clip, config: Config) -> PreparedClip:
    """Rates of each second, and the signal's quality, which our detector judges whichever finds the peaks."""
    signal = clip_ecg(clip, config)
    ecg, rate = signal.values, signal.rate
    try:
        ours, chosen = find_r_peaks(ecg, rate), config.prepare.r_peaks
        peaks = ours.at if chosen == "pan_tompkins" else detect_r_peaks(chosen, ecg, rate)
        rule = config.prepare.heart_rate_rule
        bpm = heart_rate_from_peaks(peaks, rate, config.clip.heart_rates, rule)  # type: ignore[arg-type]
        quality = signal_quality(ecg, rate, ours)
    except ClipError as error:
        raise ClipError(f"{clip.ecg}: {error.what}", error.remedy) from error
    return dataclasses.replace(row, bpm=bpm, ecg_quality=quality, signal_notes=signal.notes)


def clip_ecg(clip: Clip, config: Config) -> EcgSignal:
    """The ECG of a clip, at times on its own clock; a table of BioVid's holds one clip alone.

    Raises:
        ClipError: It cannot be read, states another rate than the settings, or does not hold the clip's times.
    """
    assert clip.ecg is not None
    biovid, seconds = config.data.layout == "biovid", config.clip.seconds
    rate = config.clip.ecg_hz if biovid else config.signals.rate
    signal = _ecg(clip.ecg, _state(clip.ecg), rate, config.signals.lead)
    if biovid and (signal.seconds - seconds) * signal.rate > EDGE + 0.5:
        raise ClipError(
            f"{clip.ecg} lasts {signal.seconds:.3f} s, a clip {seconds:g} s", "copy it again, or set clip.seconds"
        )
    with _errors_with_offset(clip):
        return signal.between(signal.start if biovid else clip.stretch.start + clip.stretch.offset, seconds)


@contextmanager
def _errors_with_offset(clip: Clip) -> Iterator[None]:
    """Errors name a clip's start and offset, if it has an offset."""
    try:
        yield
    except ClipError as error:
        if not (offset := clip.stretch.offset):
            raise
        what = f"{error.what} (start {clip.stretch.start:g} s, offset {offset:g} s)"
        raise ClipError(what, f"{error.remedy}; mend offset if it is wrong") from error


@lru_cache(maxsize=2)
def _ecg(path: Path, _: FileState | None, rate: float | None, lead: str) -> EcgSignal:
    """A recording, read once for the clips that follow one another in it unless its files change."""
    return read_ecg(path, rate, lead)


@lru_cache(maxsize=2)
def _heart_rates(path: Path, _: FileState | None) -> HeartRates:
    return read_heart_rates(path)


def _notes(track: FaceTrack) -> tuple[str, ...]:
    missing = int((~track.found).sum())
    return (f"no face in {missing} of {len(track.found)} frames, boxes interpolated",) if missing else ()
