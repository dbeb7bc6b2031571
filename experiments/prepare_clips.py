"""The work of `make prepare`, and what it reports."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from data_modules.recordings.clips import read_clips
from data_modules.recordings.preparation import (
    NO_SIGNAL,
    NO_VIDEO,
    ecg_trace,
    prepare_clip,
    refuse_other_data,
    usable_part,
)
from painlit.clips.clip import Clip
from painlit.clips.table import ClipTable, PreparedClip, table_path, table_settings
from painlit.config import Config
from painlit.errors import PainlitError
from painlit.report.preparation_report import write_preparation_report
from painlit.report.problem_kinds import is_inferred
from painlit.runs.artefact import write_artefact
from painlit.runs.provenance import save_config
from painlit.system.csv_files import write_csv
from painlit.system.devices import pick_device
from painlit.system.processes import cores, unordered
from painlit.system.progress import progress_bar


@dataclass(frozen=True)
class PrepareResult:
    """The result of `make prepare`."""

    table: Path
    clips: int
    video_problems: int
    signal_problems: int
    repaired: int


def prepare(config: Config, retry: bool) -> PrepareResult:
    """Prepare every clip of the data set that the table does not hold yet.

    Args:
        config: Where the clips are, and how they are prepared.
        retry: Look again at the unusable half of clips with a problem, and at files that were replaced. What was
            trained before without such a clip is refused afterwards, since it is there now.
    """
    device = str(pick_device(config.prepare.device))
    config, clips = read_clips(config)
    folder = config.folder("prepare")
    table = ClipTable(table_path(config), table_settings(config))
    save_config(config, folder)
    before = table.clips(skip_damaged=True)
    refuse_other_data(clips, before, table.path)
    rows = {clip.name: usable_part(clip, before.get(clip.name)) for clip in clips if retry or clip.name not in before}
    missing = [(clip, row) for clip in clips if (row := rows.get(clip.name)) and (row.boxes is None or row.bpm is None)]
    config = dataclasses.replace(config, prepare=dataclasses.replace(config.prepare, device=device))
    with progress_bar("prepare", total=len(clips), done=len(clips) - len(missing)) as advance:
        workers = config.prepare.workers or cores()
        for row in unordered(partial(_prepare, config=config), missing, workers, what="the clip table"):
            table.add(row)
            advance()
    listed = {clip.name for clip in clips}
    done = [row for row in table.clips().values() if row.name in listed]
    done, shared = _without_shared_notes(done)
    least, least_found = config.prepare.least_ecg_quality, config.face.least_found
    kinds = {clip.name: "ecg" if clip.ecg else "heart_rate" for clip in clips}
    problems = [
        (row.name, part, why)
        for row in done
        for part, why in (("video", row.video_refusal(least_found)), (kinds[row.name], row.signal_refusal(least)))
        if why not in ("", NO_VIDEO, NO_SIGNAL)  # what is not listed is no fault
    ]
    _write_report(folder / "problems.csv", problems, done, kinds)
    _write_quality(folder / "quality.csv", done, least)
    result = PrepareResult(
        table=table.path,
        clips=len(done),
        video_problems=sum(part == "video" for _, part, _ in problems),
        signal_problems=sum(part != "video" for _, part, _ in problems),
        repaired=sum(not all(map(is_inferred, (*row.video_notes, *row.signal_notes))) for row in done),
    )
    write_artefact(folder / "metrics.json", {k: v for k, v in vars(result).items() if k != "table"})
    _print(result, problems, done, shared)
    _write_page(config, clips, done, problems, folder / "report.html")
    return result


def _prepare(piece: tuple[Clip, PreparedClip], config: Config) -> PreparedClip:
    return prepare_clip(*piece, config)


def _write_page(
    config: Config, clips: list[Clip], rows: list[PreparedClip], problems: list[tuple[str, str, str]], path: Path
) -> None:
    """report.html; what is prepared stays so if it cannot be written."""
    try:
        named = {clip.name: clip for clip in clips}
        write_preparation_report(config, named, rows, problems, partial(ecg_trace, config=config), path)
    except (OSError, PainlitError) as error:
        print(f"{path} could not be written: {error}")
    else:
        print(f"look at it: {path}")


def _write_report(
    path: Path, problems: list[tuple[str, str, str]], rows: list[PreparedClip], kinds: Mapping[str, str]
) -> None:
    """problems.csv: every clip with a problem (unusable) or a note (repaired, or inferred), the last ones last."""
    unusable = [(name, part, "unusable", why) for name, part, why in problems]
    notes = [(row.name, "video", note) for row in rows for note in row.video_notes]
    notes += [(row.name, kinds[row.name], note) for row in rows for note in row.signal_notes]
    remarks = [(name, part, "inferred" if is_inferred(note) else "repaired", note) for name, part, note in notes]
    remarks.sort(key=lambda line: line[2] == "inferred")
    write_csv(path, [("clip", "part", "kind", "message"), *unusable, *remarks])


def _write_quality(path: Path, rows: list[PreparedClip], least: float) -> None:
    """quality.csv: how far the heart rates of each clip can be trusted, the worst first."""
    lines = [("clip", "ecg quality", "mean bpm", "used")]
    for row in sorted(rows, key=lambda row: -1.0 if row.ecg_quality is None else row.ecg_quality):
        quality = "" if row.ecg_quality is None else f"{row.ecg_quality:.3f}"
        bpm = "" if row.bpm is None else f"{row.bpm.mean():.1f}"
        lines.append((row.name, quality, bpm, "no" if row.signal_refusal(least) else "yes"))
    write_csv(path, lines)


def _without_shared_notes(rows: list[PreparedClip]) -> tuple[list[PreparedClip], list[str]]:
    """The rows without the notes that most of them have, such as the unit of a device's times, and these notes."""
    counts = Counter(note for row in rows for note in (*row.video_notes, *row.signal_notes))
    shared = [note for note, count in counts.items() if count > max(1, len(rows) // 2)]

    def others(notes: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(note for note in notes if note not in shared)

    return [
        dataclasses.replace(row, video_notes=others(row.video_notes), signal_notes=others(row.signal_notes))
        for row in rows
    ], shared


def _print(
    result: PrepareResult, problems: list[tuple[str, str, str]], rows: list[PreparedClip], shared: list[str]
) -> None:
    print(
        f"{result.clips} clips prepared; unusable: {result.video_problems} videos, {result.signal_problems} signals; "
        f"repaired: {result.repaired} clips"
    )
    for note in shared:
        print(f"  most clips: {note}")
    for name, part, why in problems[:10]:
        print(f"  {name}, {part}: {why}")
    if problems or result.repaired:
        print(f"  all of them: {result.table.parent / 'problems.csv'}")
    known = sorted(row.ecg_quality for row in rows if row.ecg_quality is not None)
    if known:
        print(f"ECG quality (0 to 1): median {known[len(known) // 2]:.2f}, lowest {known[0]:.2f}; see quality.csv")
