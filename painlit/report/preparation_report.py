"""report.html of `make prepare`: what is usable, the faces, the worst ECGs, and all that was refused or repaired."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from painlit.clips.clip import Clip
from painlit.clips.table import PreparedClip
from painlit.config import Config, values_affecting
from painlit.errors import ClipError
from painlit.report import traces
from painlit.report.contact_sheet import MOST_MORE, MOST_SUBJECTS, clips_to_look_at, contact_sheet
from painlit.report.page import write_page
from painlit.report.problem_kinds import MOST_KINDS, by_kind, is_inferred, without_files
from painlit.report.traces import Chart, Trace, chart
from painlit.runs.provenance import provenance
from painlit.system.digests import digest
from painlit.system.progress import progress_bar

MOST_TRACES, MOST_WITHOUT_RATES = 12, 4
"""ECGs that are drawn: those of lowest quality, and some from which no heart rate could be computed."""
_TRIED = 40  # of those without heart rates, many of which cannot be read
_HEAD = 2000  # bytes of a page that hold what it was made from

ReadTrace = Callable[[Clip], Trace | None]
"""The signal of a clip with its R peaks, or None if its heart rates came without one; a `ClipError` is shown."""


def write_preparation_report(
    config: Config,
    clips: Mapping[str, Clip],
    rows: Sequence[PreparedClip],
    problems: Sequence[tuple[str, str, str]],
    read_trace: ReadTrace,
    path: Path,
) -> bool:
    """Write the report of a preparation, unless the existing one was made from the same.

    Args:
        config: The configuration; `report.faces` says whether faces are shown.
        clips: Where the recordings are, by clip name.
        rows: What was prepared.
        problems: Clip name, part (video, ecg, ...) and message of everything refused.
        read_trace: Reads a signal.
        path: Of the HTML file.

    Returns:
        Whether it was written. One that lacks crops or signals, since their files are missing, is rewritten each time.
    """
    made_by = provenance()
    listed = [(clip.name, clip.subject, clip.label) for clip in clips.values()]
    made_from = digest([made_by, [vars(row) for row in rows], problems, _settings(config), listed])
    if _is_made_from(path, made_from):
        return False
    shown = clips_to_look_at(rows, clips)
    with progress_bar("report", total=len(shown)) as advance:
        sheet = contact_sheet(config, clips, shown, advance)
    refused: dict[str, dict[str, str]] = {}
    for name, part, why in problems:
        refused.setdefault(name, {})[part] = why
    figures = list(_figures(clips, rows, refused, read_trace))
    whole = not any(strip.problem for strips in sheet.values() for strip in strips) and not any(f.gone for f in figures)
    subjects = {clips[row.name].subject for row in rows}
    with_video = {clips[row.name].subject for row in rows if row.boxes is not None}
    write_page(
        path,
        "preparation.html.j2",
        title=f"Preparation of {config.data.name}",
        made_from=made_from if whole else "",
        is_biovid=config.data.is_biovid,
        summary=_summary(config, clips, rows, refused),
        faces=config.report.faces,
        sheet=sheet,
        subjects_left_out=len(with_video) - len(sheet),
        without_video=sorted(subjects - with_video),
        most={"subjects": MOST_SUBJECTS, "more": MOST_MORE, "kinds": MOST_KINDS},
        figures=figures,
        chart=traces,
        refused=by_kind(problems, clips),
        repaired=by_kind([(row.name, "", note) for row in rows for note in _repairs(row)], clips),
        inferred=by_kind([(row.name, "", n) for row in rows for n in _notes(row) if is_inferred(n)], clips),
        provenance=made_by,
    )
    return True


@dataclass(frozen=True)
class Figure:
    """An ECG with its heart rates."""

    row: PreparedClip
    chart: Chart
    refused: str
    """Why the heart rates are not used, or nothing."""
    gone: str
    """Why there is no signal, or nothing."""


def _figures(
    clips: Mapping[str, Clip], rows: Sequence[PreparedClip], refused: Mapping[str, Any], read_trace: ReadTrace
) -> Iterator[Figure]:
    """Those without heart rates, as far as they can be read, and then those of lowest quality."""

    def figure(row: PreparedClip) -> Figure:
        clip, trace, gone = clips[row.name], None, ""
        try:
            trace = read_trace(clip)
        except ClipError as error:
            gone = str(error)
        messages = [why.partition("\n")[0] for part, why in refused.get(row.name, {}).items() if part != "video"]
        return Figure(row, chart(trace, row.bpm), "; ".join(without_files(why, clip) for why in messages), gone)

    without = (figure(row) for row in islice((row for row in rows if row.bpm is None), _TRIED))
    yield from islice((found for found in without if found.chart.path), MOST_WITHOUT_RATES)
    yield from (figure(row) for row in sorted((r for r in rows if r.bpm is not None), key=_trust)[:MOST_TRACES])


def _trust(row: PreparedClip) -> tuple[float, float, str]:
    """Quality, then how evenly the heart beats: rates that came without a signal have no quality."""
    jump = np.abs(np.diff(row.bpm)).max(initial=0) if row.bpm is not None else 0
    return (1.0 if row.ecg_quality is None else row.ecg_quality), -float(jump), row.name


def _summary(
    config: Config, clips: Mapping[str, Clip], rows: Sequence[PreparedClip], refused: Mapping[str, Mapping[str, str]]
) -> dict[str, Any]:
    no_video = {row.name for row in rows if row.boxes is None or "video" in refused.get(row.name, ())}
    no_rates = {row.name for row in rows if row.bpm is None or set(refused.get(row.name, ())) - {"video"}}
    labels = Counter(clips[row.name].label for row in rows)
    at_rest = sum(clips[row.name].rest for row in rows)
    return {
        "clips": len(rows),
        "subjects": len({clips[row.name].subject for row in rows}),
        "classes": [(name, labels[name]) for name in config.data.class_names if labels[name]]
        + ([("at rest", at_rest)] if at_rest else []),
        "video": len(rows) - len(no_video),
        "heart_rate": len(rows) - len(no_rates),
        "both": len(rows) - len(no_video | no_rates),
        "refused": len(refused),
        "refused_parts": sorted(Counter(part for parts in refused.values() for part in parts).items()),
        "repaired": sum(bool(_repairs(row)) for row in rows),
    }


def _notes(row: PreparedClip) -> tuple[str, ...]:
    return (*row.video_notes, *row.signal_notes)


def _repairs(row: PreparedClip) -> list[str]:
    return [note for note in _notes(row) if not is_inferred(note)]


def _settings(config: Config) -> dict[str, Any]:
    """All that crops, signals and words depend on."""
    return {**values_affecting(config, "prepare", "embed"), "is_biovid": config.data.is_biovid, **vars(config.report)}


def _is_made_from(path: Path, made_from: str) -> bool:
    try:
        with path.open("rb") as page:
            return f'content="{made_from}"'.encode() in page.read(_HEAD)
    except OSError:
        return False
