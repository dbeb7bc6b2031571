"""What `make paper` prints before it starts: the steps, the raw data that are missing, and how long it takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rich.table import Table

from data_modules.proxy.halves import subjects_of
from data_modules.recordings.clips import read_clips
from experiments import check_data
from experiments.paper_steps import Step, half_of, run_is_finished
from experiments.tables import TableRun
from painlit.config import ClipConfig, Config
from painlit.errors import PainlitError
from painlit.loso.engines.local import gpu_count
from painlit.loso.rough_estimate import Timed, hours_of_run, timed
from painlit.system.terminal import console

BIOVID = 87, 20
"""Subjects, and clips of each of them and each class (3.5)."""
NO_ESTIMATE = "no estimate before its data are listed"


def missing_data(config: Config, steps: Sequence[Step]) -> list[str]:
    """What is missing or wrong of the raw data of the steps that are not finished, each of which is looked at.

    What a step before makes is not looked for: a half of the proxies, and the photographs beside it.
    """
    pending = [step for step in steps if step.left()]
    sets = list(dict.fromkeys(name for step in pending for name in step.sets))
    findings: list[str] = []
    if any(step.name == "proxy-data" for step in pending):
        sets = [name for name in sets if name not in ("biovid", "folders")]
        try:
            subjects_of(config, half_of(config), ClipConfig())
        except PainlitError as error:
            findings.append(error.one_line)
    for name in sets:
        try:
            found = check_data.run(replace(config, check=replace(config.check, sets=[name]))).findings
        except PainlitError as error:
            found = [error.one_line]
        findings += [f"{name}: {line}" for line in found]
    return findings


def print_steps(config: Config, steps: Sequence[Step], runs: Sequence[TableRun]) -> None:
    """Print what is finished, what is to do, and hours where they can be estimated."""
    if not steps:
        return
    table = Table(title="make paper", title_justify="left")
    for column in ("step", "state", "estimate"):
        table.add_column(column)
    for step in steps:
        left = step.left()
        estimate = "" if not left else _tables_estimate(config, runs) if step.name == "tables" else NO_ESTIMATE
        table.add_row(step.name, f"to do: {left}" if left else "finished", estimate)
    console(110).print(table)
    if not gpu_count(config) and any(step.left() for step in steps):
        print("warning: this machine has no GPU; the estimate is for its CPU")


def _tables_estimate(config: Config, runs: Sequence[TableRun]) -> str:
    """Hours of all runs of the tables that are not finished, from a few timed steps of each kind of model."""
    pending = [run.config for run in runs if not run_is_finished(run.config)]
    if any(run.joint for run in pending):
        return "no estimate for train.joint=true"
    counts = _clips(config, runs)
    steps: dict[tuple[str, bool], Timed] = {}
    hours = 0.0
    for run in pending:
        kind = run.model.modality, run.model.raw_heart_rates  # augmentations cost little beside
        if kind not in steps:
            steps[kind] = timed(run)
        subjects, clips = counts[run.task]
        hours += hours_of_run(run, steps[kind], subjects, clips)
    device = next(iter(steps.values())).device
    shown = f"{hours:,.0f}" if hours >= 10 else f"{hours:.2g}"
    return f"{shown} h on {device}, from timed steps on random inputs; starting and testing folds is not in it"


def _clips(config: Config, runs: Sequence[TableRun]) -> dict[str, tuple[int, int]]:
    """Task -> subjects and clips of its classes: as listed, or as BioVid has them, or as they will be made."""
    tasks = {run.config.task: run.config.classes for run in runs}
    try:
        listed = read_clips(config)[1]
    except PainlitError:
        made = (config.proxy.subjects, config.proxy.clips_per_class) if half_of(config) else BIOVID
        return {task: (made[0], made[0] * made[1] * len(classes)) for task, classes in tasks.items()}
    found = {}
    for task, classes in tasks.items():
        mine = [clip for clip in listed if clip.label in classes]
        found[task] = len({clip.subject for clip in mine}), len(mine)
    return found
