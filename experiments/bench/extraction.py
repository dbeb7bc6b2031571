"""`make prepare` and `make embed`: use of the cores, and seconds for 100 clips of proxy A, of the paper's size.

Each is timed as a command of its own on a few clips and on more, so that what comes once (imports, processes) and what
each clip takes are known apart; figures for 100 clips are scaled from these. CPU time is that of all processes of a
command (Linux). What else runs on the machine takes cores away, so the cores that a command's threads ran on or waited
for are told beside: what it would use alone.
Other `key=value` arguments reach the commands.
"""

from __future__ import annotations

import shutil
import sys

from experiments.bench.data import RUNS, given, sized
from experiments.bench.resident import Use, in_new_process, use_of
from experiments.bench.rows import Row
from experiments.bench.simulated import link_clips
from painlit.config import load
from painlit.errors import PainlitError
from painlit.runs.provenance import save_config

PLACE = RUNS / "extraction"
COUNTS = sized((2, 6), (2, 4))
"""Clips of the two runs."""
ROUNDS = sized(3, 1)
ALL = 100
STAGES = "prepare", "embed"
SETTINGS = ("embed.weights=untrained", *sized((), ("clip.frames=16",)))


def one_round() -> dict[str, Use]:
    """Stage -> what 100 clips take."""
    found = {}
    for stage in STAGES:
        uses = []
        for count in COUNTS:
            place = PLACE / f"{count}"
            if not place.exists():
                link_clips(place / "data", count)
                settings = f"runs={place / 'runs'}", f"data.root={place / 'data'}", "data.is_biovid=false"
                save_config(load([*settings, *SETTINGS, *given()]), place)
            command = [sys.executable, "-m", "experiments", stage, f"config={place / 'config.yaml'}"]
            uses.append(in_new_process(use_of, command))
        if uses[1].wall <= uses[0].wall:
            took = " and ".join(f"{use.wall:.0f} s" for use in uses)
            what = f"make {stage} took {took} for {COUNTS[0]} and {COUNTS[1]} clips: other work decides these times"
            raise PainlitError(what, "run the benchmark again when the machine is quieter")
        found[stage] = uses[0].scaled(uses[1], *COUNTS, ALL)
    return found


def main() -> list[Row]:
    """Print seconds for 100 clips, and how far the cores were used."""
    rounds = []
    for _ in range(ROUNDS):
        shutil.rmtree(PLACE, ignore_errors=True)
        rounds.append(one_round())
    shutil.rmtree(PLACE)
    rows = []
    scaled = f"{ALL} clips, scaled from {' and '.join(map(str, COUNTS))}"
    for stage in STAGES:
        uses = [found[stage] for found in rounds]
        rows.append(Row.of(f"make {stage}, {scaled}", [use.wall for use in uses], "s"))
        rows.append(Row.of(f"make {stage}, CPU time of the same", [use.cpu for use in uses], "s"))
        rows.append(Row.of(f"make {stage}, use of a core", [100 * use.cpu / use.wall for use in uses], "%"))
        rows.append(Row.of(f"make {stage}, cores wanted", [100 * use.wanted / use.wall for use in uses], "% of a core"))
    for row in rows:
        print(f"  {row.what}: {row.median:.1f} {row.unit}")
    return rows
