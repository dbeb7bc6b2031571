"""The rows of the paper's Tables 3, 4 and 5: a YAML for each, and what makes a run of `make loso` of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from painlit.config import Config, overlay
from painlit.errors import PainlitError
from painlit.report.paper_figures import PAPER_ROWS, PaperRow

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class TableRun:
    """A row of the paper's tables and one of its tasks, as a run."""

    row: PaperRow
    config: Config


def table_runs(config: Config) -> Iterator[TableRun]:
    """The chosen rows and tasks over a configuration: what a row decides wins, all else is the configuration's.

    A row decides the modality, eq. 7's terms, the encoder, the augmentations, the stage of the Spatial-Module and the
    epochs, of which `tables.epoch_share` takes a part, of the warm-up too.

    Raises:
        PainlitError: No such row.
    """
    chosen = config.tables.rows or [row.name for row in PAPER_ROWS]
    unknown = sorted(set(chosen) - {row.name for row in PAPER_ROWS})
    if unknown:
        raise PainlitError(
            f"tables.rows: there is no row {', '.join(unknown)}", f"they are the files of {FOLDER.name}/"
        )
    share, names = config.tables.epoch_share, config.data.class_names
    tasks = [task for task in config.tables.tasks if task != "np_vs_p4" or {"NP", "P4"} <= {*names}]
    for row in PAPER_ROWS:
        if row.name not in chosen:
            continue
        ours = overlay(config, FOLDER / f"{row.name}.yaml")
        for task in tasks:
            train = replace(ours.train, epochs=row.epochs).shortened(share)
            yield TableRun(row, replace(ours, name=f"{config.data.name}-{row.name}-{task}", task=task, train=train))
