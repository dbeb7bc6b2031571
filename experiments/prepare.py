"""`make prepare`: face boxes and heart rates of every clip of a data set, in one small table.

Parallel over clips and without copying pixels. Resumable: a second run takes up the clips that are missing, and the
unusable half of those with a problem. Leaves runs/prepare/<data.name>/{clips.sqlite, problems.csv, quality.csv,
config.yaml, metrics.json}.
"""

from __future__ import annotations

import csv
import io
import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from data_modules.biovid import Clip, read_samples
from data_modules.biovid_prepare import prepare_clip, table_path, table_settings
from experiments.command import main
from painlit.build import pick_device
from painlit.clip_table import ClipTable, PreparedClip
from painlit.config import Config
from painlit.files import write_json, write_text
from painlit.processes import unordered
from painlit.progress import progress_bar
from painlit.provenance import save_config


@dataclass(frozen=True)
class PrepareResult:
    """What `make prepare` made."""

    table: Path
    clips: int
    video_problems: int
    ecg_problems: int
    noted: int


def run(config: Config) -> PrepareResult:
    """Prepare every clip of `data.root` that the table does not hold yet, or holds with a problem."""
    pick_device(config.prepare.device)  # here, not in every worker
    clips = read_samples(config.data.root, config.data.signals)
    folder = config.folder("prepare")
    table = ClipTable(table_path(config), table_settings(config))
    save_config(config, folder)
    before = table.clips()
    done = {name for name, row in before.items() if not row.problems}
    missing = [(clip, before.get(clip.name)) for clip in clips if clip.name not in done]
    with progress_bar("prepare", total=len(clips), done=len(clips) - len(missing)) as advance:
        workers = config.prepare.workers or os.cpu_count() or 1
        for row in unordered(partial(_prepare, config=config), missing, workers, what="the clip table"):
            table.add(row)
            advance()
    listed = {clip.name for clip in clips}
    rows = [row for row in table.clips().values() if row.name in listed]
    _write_report(folder / "problems.csv", rows)
    _write_quality(folder / "quality.csv", rows)
    result = PrepareResult(
        table=table.path,
        clips=len(rows),
        video_problems=sum(bool(row.video_problem) for row in rows),
        ecg_problems=sum(bool(row.ecg_problem) for row in rows),
        noted=sum(bool(row.notes) for row in rows),
    )
    write_json(folder / "metrics.json", {k: v for k, v in vars(result).items() if k != "table"})
    _print(result, rows)
    return result


def _prepare(clip: tuple[Clip, PreparedClip | None], config: Config) -> PreparedClip:
    return prepare_clip(*clip, config)


def _write_report(path: Path, rows: list[PreparedClip]) -> None:
    """problems.csv: every clip with a problem (unusable) or a note (repaired)."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["clip", "part", "kind", "message"])
    for row in rows:
        writer.writerows([row.name, "video", "unusable", row.video_problem] for _ in range(bool(row.video_problem)))
        writer.writerows([row.name, "ecg", "unusable", row.ecg_problem] for _ in range(bool(row.ecg_problem)))
        writer.writerows([row.name, "video", "repaired", note] for note in row.notes)
    write_text(path, text.getvalue())


def _write_quality(path: Path, rows: list[PreparedClip]) -> None:
    """quality.csv: how far the heart rates of each clip can be trusted, the worst first."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["clip", "ecg quality", "mean bpm", "used"])
    for row in sorted(rows, key=lambda row: -1.0 if row.ecg_quality is None else row.ecg_quality):
        quality = "" if row.ecg_quality is None else f"{row.ecg_quality:.3f}"
        bpm = "" if row.bpm is None else f"{row.bpm.mean():.1f}"
        writer.writerow([row.name, quality, bpm, "no" if row.ecg_problem else "yes"])
    write_text(path, text.getvalue())


def _print(result: PrepareResult, rows: list[PreparedClip]) -> None:
    print(
        f"{result.clips} clips prepared; unusable: {result.video_problems} videos, {result.ecg_problems} ECGs; "
        f"repaired: {result.noted} videos"
    )
    bad = [(row.name, problem) for row in rows for problem in row.problems]
    for name, problem in bad[:10]:
        print(f"  {name}: {problem}")
    if bad or result.noted:
        print(f"  all of them: {result.table.parent / 'problems.csv'}")
    known = sorted(row.ecg_quality for row in rows if row.ecg_quality is not None)
    if known:
        print(f"ECG quality (0 to 1): median {known[len(known) // 2]:.2f}, lowest {known[0]:.2f}; see quality.csv")


if __name__ == "__main__":
    main(run, __doc__)
