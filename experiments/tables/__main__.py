"""`make tables`: the paper's Tables 3, 4 and 5, a run of `make loso` for each of 17 rows and 2 tasks.

Prepares, embeds and runs what is missing; a stopped run goes on with the same command, and a row that fails does not
stop the others. Then prints ours beside the paper's, as `make report` does. With --dry-run it only lists how each row
differs from the paper, and estimates hours.
"""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from data_modules.recordings.clips import with_classes
from experiments import embed, loso, prepare, report
from experiments.command import main
from experiments.tables import TableRun, table_runs
from painlit.config import Config
from painlit.errors import PainlitError
from painlit.report.paper_figures import compare_with_paper


@dataclass(frozen=True)
class TablesResult:
    """What `make tables` did."""

    finished: list[str] = field(default_factory=list)
    """Runs all of whose folds are finished."""
    failed: dict[str, str] = field(default_factory=dict)
    """Run -> what is wrong with it."""
    hours: float = 0.0
    """With --dry-run: hours that the missing folds would take, one run after another."""

    @property
    def exit_status(self) -> int:
        """1 if a run failed."""
        return 1 if self.failed else 0


def run(config: Config) -> TablesResult:
    """Run every chosen row and task that is not finished."""
    config = with_classes(config)
    runs = list(table_runs(config))
    if not config.loso.dry_run:
        prepare.run(config, retry=False)  # a clip that became usable would make new rows differ from finished ones
    embedded: set[tuple[Path, str]] = set()
    finished: list[str] = []
    failed: dict[str, str] = {}
    hours = 0.0
    for number, table_run in enumerate(runs, start=1):
        ours = table_run.config
        print(f"\n{number} of {len(runs)}: {ours.run_name}", flush=True)
        try:
            _embed_once(table_run, embedded)
            result = loso.run(ours)
        except PainlitError as error:
            failed[ours.run_name] = str(error)
            print(f"{ours.run_name}: {error}", flush=True)
            continue
        except Exception as error:  # whatever it was, the other rows go on
            traceback.print_exc()
            failed[ours.run_name] = repr(error)
            continue
        if result.estimate is not None:
            hours += result.estimate.hours(result.estimate.workers)
        elif result.failed:
            failed[ours.run_name] = f"{len(result.failed)} folds failed, see {result.folder / 'failures.json'}"
        else:
            finished.append(ours.run_name)
    if config.loso.dry_run:
        print_differences(runs)
        print(f"\nall {len(runs)} runs, one after another, with the workers of this machine: {hours:.4g} h")
    else:
        report.run(config)
    for name, why in failed.items():
        print(f"{name} failed: {why}")
    return TablesResult(finished, failed, hours)


def print_differences(runs: Sequence[TableRun]) -> None:
    """Print how each run differs from the paper's: a numbered list of all differences, and the numbers of each run."""
    compared = [compare_with_paper(run.config, row=run.row) for run in runs]
    lists = [found.differences for found in compared if found is not None]
    numbers = {line: number for number, line in enumerate(dict.fromkeys(chain(*lists)), start=1)}
    print("\ndifferences from the paper, with the pretraining that this configuration describes:")
    for line, number in numbers.items():
        print(f"{number:4} {line}")
    for run, lines in zip(runs, lists, strict=True):
        print(f"{run.row.name} {run.config.task}: {', '.join(str(numbers[line]) for line in lines) or 'none'}")


def _embed_once(table_run: TableRun, embedded: set[tuple[Path, str]]) -> None:
    """Embed for the first row that reads these embeddings; the next ones find them."""
    config = table_run.config
    wanted = config.folder("embed"), config.embed.weights
    if config.cached and not config.loso.dry_run and wanted not in embedded:
        embed.run(config, retry=False)
        embedded.add(wanted)


if __name__ == "__main__":
    main("tables")
