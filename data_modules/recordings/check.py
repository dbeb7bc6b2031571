"""Are the recordings what the loader expects? Every file's presence, videos' headers, signals; no video is decoded."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from data_modules.recordings.clips import read_clips
from data_modules.recordings.preparation import clip_ecg, device_rates
from data_modules.recordings.table import RECORDINGS, clip_rows, unread_columns
from painlit.clips.clip import UNKNOWN_PERSON, Clip, biovid_person
from painlit.config import ClipConfig, Config
from painlit.errors import ClipError, some
from painlit.signals.video.clip_rules import LEAST_SHARE
from painlit.signals.video.decoding import VideoInfo, probe
from painlit.system.processes import cores, unordered
from painlit.system.progress import progress_bar

_LISTED = 100  # faults that are listed one by one


def check_recordings(config: Config) -> tuple[list[str], list[str]]:
    """Look at every clip that a data set lists: are its files there, do they open, are they long enough?

    Returns:
        What is there, and what is wrong or missing; each entry is one line for the user.

    Raises:
        PainlitError: samples.csv or the table of clips is missing or faulty; the row is named.
    """
    parts = [*recording_checks(config)]
    return [line for there, _ in parts for line in there], [line for _, wrong in parts for line in wrong]


def recording_checks(config: Config) -> Iterator[tuple[list[str], list[str]]]:
    """As `check_recordings`, in two parts: first the list and the folders, at once, then every file.

    Yields:
        What is there, and what is wrong.

    Raises:
        PainlitError: As `check_recordings`.
    """
    config, clips = read_clips(config)
    inventory, findings = _inventory(clips, config), [line for part in RECORDINGS for line in _missing(clips, part)]
    if config.data.layout == "biovid":
        findings += _names(clips)
    elif unread := unread_columns(config.data.table):
        inventory.append(f"{config.data.table}: columns that nothing reads: {some(unread)}")
    yield inventory, findings
    yield _faulty(clips, config)


def _inventory(clips: list[Clip], config: Config) -> list[str]:
    at_rest, clips = [clip for clip in clips if clip.rest], [clip for clip in clips if not clip.rest]
    classes = Counter(clip.label for clip in clips)
    per_class = ", ".join(f"{name} {classes[name]}" for name in config.data.class_names)
    parts = {"video": "video", "ecg": "ECG", "heart_rate": "heart rates"}
    there = ", ".join(
        f"{n} with {word}" for key, word in parts.items() if (n := sum(bool(getattr(c, key)) for c in clips))
    )
    subjects, rested = {clip.subject for clip in clips}, {clip.subject for clip in at_rest}
    inventory = [f"{len(clips)} clips of {len(subjects)} subjects: {per_class}; {there}"]
    if at_rest:
        without = f"; none of {some(sorted(subjects - rested))}" if subjects - rested else ""
        inventory.append(f"{len(at_rest)} recordings at rest of {len(rested)} subjects{without}")
    return inventory


def _missing(clips: list[Clip], part: str) -> Iterator[str]:
    """Files that are absent or empty; a whole subject's absence is one finding."""
    files = {clip.name: path for clip in clips if (path := getattr(clip, part)) is not None}
    sizes: dict[Path, int] = {}
    for folder in {path.parent for path in files.values()}:
        if folder.is_dir():
            with os.scandir(folder) as entries:
                sizes |= {folder / entry.name: entry.stat().st_size for entry in entries}
    absent = [clip for clip in clips if clip.name in files and files[clip.name] not in sizes]
    by_subject = Counter(clip.subject for clip in absent)
    listed = Counter(clip.subject for clip in clips if clip.name in files)
    whole = {subject for subject, count in by_subject.items() if count == listed[subject]}
    if whole:
        first = next(files[clip.name] for clip in absent if clip.subject in whole)
        yield f"{len(whole)} subjects without any {part} file, for instance {first}: {some(sorted(whole))}"
    single = [str(files[clip.name]) for clip in absent if clip.subject not in whole]
    if single:
        yield f"{len(single)} {part} files are missing: {some(single)}"
    empty = sorted({str(path) for path in files.values() if sizes.get(path, 1) == 0})
    if empty:
        yield f"{len(empty)} {part} files are empty: {some(empty)}"


@dataclass(frozen=True)
class _Look:
    """What the headers of a clip's files state, and their faults."""

    clip: Clip
    video: VideoInfo | None
    faults: list[str]


def _look(clip: Clip, config: Config) -> _Look:
    video, faults = None, []
    try:
        if clip.video and _readable(clip.video):
            video = probe(clip.video, config.clip.image_fps)
            faults += _length(clip, video, config.clip)
    except ClipError as error:
        faults.append(error.one_line)
    try:
        if clip.ecg and _readable(clip.ecg):
            clip_ecg(clip, config)
        elif clip.heart_rate and not clip.ecg and _readable(clip.heart_rate):
            device_rates(clip, config)
    except ClipError as error:
        faults.append(error.one_line)
    return _Look(clip, video, faults)


def _readable(path: Path) -> bool:
    """Whether there is something to open; absent and empty files are reported before."""
    return path.exists() and (path.is_dir() or path.stat().st_size > 0)


def _length(clip: Clip, video: VideoInfo, wanted: ClipConfig) -> list[str]:
    """Whether a video is long enough, by its header."""
    if not video.seconds:
        return []
    there = min(video.seconds, clip.stretch.end or video.seconds) - clip.stretch.start
    if there >= LEAST_SHARE * wanted.seconds:
        return []
    part = (
        ""
        if clip.stretch.start == 0 and clip.stretch.end is None
        else f", of which {max(0, there):.2f} s are the clip's"
    )
    remedy = "choose another start or end, set clip.seconds, or leave the clip out: it will be refused"
    return [f"{clip.video} lasts {video.seconds:.2f} s{part}; clip.seconds={wanted.seconds:g}; {remedy}"]


def _faulty(clips: list[Clip], config: Config) -> tuple[list[str], list[str]]:
    """A summary of the headers of all videos, and what is wrong in which file."""
    workers = config.prepare.workers or cores()
    with progress_bar("read videos' headers and signals", total=len(clips)) as advance:
        looks = []
        for look in unordered(partial(_look, config=config), clips, workers, what="the findings"):
            looks.append(look)
            advance()
    order = {clip.name: number for number, clip in enumerate(clips)}
    looks.sort(key=lambda look: order[look.clip.name])
    videos = {look.clip.video: f"{look.video.fps:.4g} Hz" for look in looks if look.video}
    rates = some(f"{rate} in {n} videos" for rate, n in Counter(videos.values()).most_common())
    summary = [f"frame rates: {rates}"] if rates else []
    rows = {} if config.data.layout == "biovid" else clip_rows(config.data.table)
    of: dict[str, list[str]] = {}  # fault -> its clips
    for look in looks:
        name = look.clip.name
        for fault in look.faults:
            of.setdefault(fault, []).append(f"{name} in row {rows[name]}" if name in rows else name)
    faults = [f"{fault} (clip{'s' * (len(names) > 1)} {some(names)})" for fault, names in of.items()]
    more = [f"and {len(faults) - _LISTED} more of this kind"] if len(faults) > _LISTED else []
    return summary, [*faults[:_LISTED], *more]


def _names(clips: list[Clip]) -> Iterator[str]:
    odd = sorted({clip.subject for clip in clips if biovid_person(clip.subject) == UNKNOWN_PERSON})
    if odd:
        yield f"{len(odd)} subject names do not state sex and age (code_w_21): {some(odd)}; subgroups will say unknown"
