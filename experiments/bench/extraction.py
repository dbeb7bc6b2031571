"""`make prepare` and `make embed`: use of the cores, and seconds for 100 clips of proxy A, of the paper's size.

Each is timed as a command of its own on a few clips and on more, so that what comes once (imports, processes) and what
each clip takes are known apart; figures for 100 clips are scaled from these. CPU time is that of all processes of a
command (Linux). What else runs on the machine takes cores away, so the cores that a command's threads ran on or waited
for are given beside: what it would use alone.
It has no quick form: six commands start, which alone takes a minute.
Other `key=value` arguments reach the commands.
"""

from __future__ import annotations

import shutil
import sys

from experiments.bench.data import RUNS, given
from experiments.bench.resident import Use, in_new_process, use_of
from experiments.bench.rows import Row
from experiments.bench.simulated import link_clips
from painlit.config import load
from painlit.errors import PainlitError
from painlit.runs.provenance import save_config

PLACE = RUNS / "extraction"
COUNTS = {"prepare": (4, 24), "embed": (1, 3)}
"""Stage -> clips of its two runs: embedding a clip takes some 40 times as long as preparing it."""
ALL = 100
SETTINGS = ("embed.weights=untrained",)


def run_of(stage: str, count: int) -> Use:
    """A command on so many clips that are not prepared, or embedded, yet."""
    place = PLACE / stage / f"{count}"
    link_clips(place / "data", count)
    settings = f"runs={place / 'runs'}", f"data.root={place / 'data'}", "data.is_biovid=false"
    save_config(load([*settings, *SETTINGS, *given()]), place)
    command = [sys.executable, "-m", "experiments", stage, f"config={place / 'config.yaml'}"]
    if stage == "embed":
        in_new_process(use_of, [*command[:3], "prepare", *command[4:]])
    return in_new_process(use_of, command)


def use_for_all(stage: str) -> Use:
    """What 100 clips take."""
    uses = []
    for count in COUNTS[stage]:
        uses.append(run_of(stage, count))
        took = f"{uses[-1].wall:.1f} s, of all cores {uses[-1].cpu:.1f} s used and {uses[-1].wanted:.1f} s wanted"
        print(f"  make {stage}, {count} clips: {took}", flush=True)
    if uses[1].wall <= uses[0].wall:
        what = f"make {stage} took no longer for {COUNTS[stage][1]} clips than for {COUNTS[stage][0]}"
        raise PainlitError(f"{what}: other work decides these times", "run the benchmark again when it is quieter")
    return uses[0].scaled(uses[1], *COUNTS[stage], ALL)


def main() -> list[Row]:
    """Print seconds for 100 clips, and how far the cores were used."""
    shutil.rmtree(PLACE, ignore_errors=True)
    rows = []
    for stage, counts in COUNTS.items():
        use = use_for_all(stage)
        rows.append(Row.of(f"make {stage}, {ALL} clips, scaled from {' and '.join(map(str, counts))}", [use.wall], "s"))
        rows.append(Row.of(f"make {stage}, CPU time of the same", [use.cpu], "s"))
        rows.append(Row.of(f"make {stage}, use of a core", [100 * use.cpu / use.wall], "%"))
        rows.append(Row.of(f"make {stage}, cores wanted", [100 * use.wanted / use.wall], "% of a core"))
    shutil.rmtree(PLACE)
    for row in rows:
        print(f"  {row.what}: {row.median:.1f} {row.unit}")
    return rows
