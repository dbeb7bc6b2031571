"""`make prepare`: face boxes and heart rates of every clip of a data set, in one small table.

Parallel over clips, resumable (a second run takes up the clips that are missing or had a problem), and without copying
pixels. Leaves runs/prepare/<data.name>/{clips.sqlite, problems.csv, config.yaml, metrics.json}.
"""

from __future__ import annotations

import csv
import io
import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

from data_modules.biovid import Clip, read_samples
from data_modules.biovid_prepare import prepare_clip, table_path, table_settings
from experiments.command import main
from painlit.build import pick_device
from painlit.clip_table import ClipTable, PreparedClip
from painlit.config import Config
from painlit.errors import PainlitError
from painlit.files import write_json, write_text
from painlit.processes import end_with_parent
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
    done = {name for name, row in table.clips().items() if not row.problems}
    missing = [clip for clip in clips if clip.name not in done]
    with progress_bar("prepare", total=len(clips), done=len(clips) - len(missing)) as advance:
        for row in _prepared(missing, config):
            table.add(row)
            advance()
    listed = {clip.name for clip in clips}
    rows = [row for row in table.clips().values() if row.name in listed]
    _write_report(folder / "problems.csv", rows)
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


def _prepared(clips: list[Clip], config: Config) -> Iterator[PreparedClip]:
    """Rows in the order they get ready; at most a few clips per worker are under way."""
    workers = config.prepare.workers or os.cpu_count() or 1
    context = multiprocessing.get_context("spawn")
    pending: dict[Future, Clip] = {}
    pool = ProcessPoolExecutor(min(workers, max(1, len(clips))), mp_context=context, initializer=_start_worker)
    try:
        waiting = iter(clips)
        while True:
            for clip in waiting:
                pending[pool.submit(prepare_clip, clip, config)] = clip
                if len(pending) >= 2 * workers:
                    break
            if not pending:
                return
            for future in wait(pending, return_when=FIRST_COMPLETED).done:
                clip = pending.pop(future)
                yield future.result()
    except BrokenProcessPool as error:
        raise PainlitError(
            f"a preparing process was ended from outside, near clip {clip.name} (out of memory?)",
            "run the same command again: finished clips are kept; fewer prepare.workers need less memory",
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _start_worker() -> None:
    import cv2
    import torch

    end_with_parent()
    torch.set_num_threads(1)  # the processes share the cores
    cv2.setNumThreads(1)


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


if __name__ == "__main__":
    main(run, __doc__)
