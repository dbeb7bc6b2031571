"""Is this folder what the loader expects? Answers in seconds, without decoding videos."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from data_modules.recordings.biovid import read_samples
from data_modules.recordings.preparation import clip_ecg
from painlit.clips.clip import Clip, demographics
from painlit.config import CLASS_NAMES, Config
from painlit.errors import ClipError
from painlit.signals.video.decoding import probe

_SHOWN = 5  # examples in a finding


def check_biovid(config: Config) -> tuple[list[str], list[str]]:
    """Look at a BioVid folder: every file's presence and size, one video and one ECG of each subject in full.

    Returns:
        What is there, and what is wrong or missing; each entry is one line for the user.

    Raises:
        PainlitError: samples.csv is missing or faulty; the row is named.
    """
    clips = read_samples(config.data.root, config.data.signals)
    findings = [*_missing(clips, "video"), *_missing(clips, "ecg"), *_faulty_examples(clips, config), *_names(clips)]
    return _inventory(clips), findings


def _inventory(clips: list[Clip]) -> list[str]:
    subjects = {clip.subject for clip in clips}
    classes = Counter(clip.label for clip in clips)
    per_class = ", ".join(f"{CLASS_NAMES[label]} {count}" for label, count in sorted(classes.items()))
    return [f"{len(clips)} clips of {len(subjects)} subjects: {per_class}"]


def _missing(clips: list[Clip], part: str) -> Iterator[str]:
    """Files that are absent or empty; a whole subject's absence is one finding."""
    sizes: dict[Path, int] = {}
    for folder in {getattr(clip, part).parent for clip in clips}:
        if folder.is_dir():
            with os.scandir(folder) as entries:
                sizes |= {folder / entry.name: entry.stat().st_size for entry in entries}
    absent = [clip for clip in clips if getattr(clip, part) not in sizes]
    by_subject = Counter(clip.subject for clip in absent)
    whole = {s for s, n in by_subject.items() if n == sum(clip.subject == s for clip in clips)}
    if whole:
        folder = getattr(next(clip for clip in absent if clip.subject in whole), part).parent.parent
        yield f"{len(whole)} subjects without any {part} file in {folder}: {_some(sorted(whole))}"
    single = [str(getattr(clip, part)) for clip in absent if clip.subject not in whole]
    if single:
        yield f"{len(single)} {part} files are missing: {_some(single)}"
    empty = [str(path) for clip in clips if sizes.get(path := getattr(clip, part), 1) == 0]
    if empty:
        yield f"{len(empty)} {part} files are empty: {_some(empty)}"


def _faulty_examples(clips: list[Clip], config: Config) -> Iterator[str]:
    """Each subject's first video and ECG: do they open, and are they what the configuration says?"""
    rates: Counter[float] = Counter()
    for clip in {clip.subject: clip for clip in reversed(clips)}.values():
        if clip.ecg.is_file() and clip.ecg.stat().st_size:
            try:
                clip_ecg(clip, config)
            except ClipError as error:
                yield str(error).replace("\n  ->", ";")
        if clip.video.is_file() and clip.video.stat().st_size:
            try:
                info = probe(clip.video)
            except ClipError as error:
                yield str(error).replace("\n  ->", ";")
                continue
            rates[round(info.fps, 2)] += 1
            if info.frame_count and info.frame_count < 0.9 * config.clip.nominal_frames:
                yield f"{clip.video} says it has {info.frame_count} frames, not {config.clip.nominal_frames}"
    wrong = {rate: count for rate, count in rates.items() if abs(rate - config.clip.video_fps) > 0.5}
    if wrong:
        told = ", ".join(f"{rate} Hz in {count} videos" for rate, count in wrong.items())
        yield f"frame rate {told}, but clip.video_fps={config.clip.video_fps}"


def _names(clips: list[Clip]) -> Iterator[str]:
    odd = sorted({clip.subject for clip in clips if demographics(clip.subject) is None})
    if odd:
        yield f"{len(odd)} subject names do not tell sex and age (code_w_21): {_some(odd)}; subgroups will say unknown"


def _some(items: Iterable[str]) -> str:
    items = list(items)
    return ", ".join(items[:_SHOWN]) + (f" and {len(items) - _SHOWN} more" if len(items) > _SHOWN else "")
