"""report.html of the paper's tables: every row and task, ours beside the paper's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from painlit.config import Config
from painlit.report.page import write_page
from painlit.report.paper_figures import shared_lines
from painlit.runs.provenance import provenance


@dataclass(frozen=True)
class TableLine:
    """A row of the paper's tables for one task. All figures in percent."""

    row: str
    table: str
    """3, 4 or 5."""
    task: str
    ours: list[float]
    """Accuracy, macro precision, recall and F1 over all clips."""
    interval: tuple[float, float]
    """95 % interval of the accuracy over subjects."""
    paper: list[float]
    """The same four."""
    folds: str
    """Finished folds of all."""
    differences: list[str]
    """A line for each way in which it is not what the paper did."""
    remarks: list[str]
    """What a reader must know of this run: shuffled labels, selection on the test subjects, ..."""
    report: str
    """The run's own report, relative to the tables'."""

    @property
    def difference(self) -> float:
        """Accuracy, ours minus the paper's, in points."""
        return self.ours[0] - self.paper[0]


def write_tables(config: Config, lines: Sequence[TableLine], of: int, path: Path) -> None:
    """Write the report of all rows.

    Args:
        config: The configuration of the tables.
        lines: Those with results, in the paper's order.
        of: Rows and tasks there are.
        path: Of the HTML file.
    """
    write_page(
        path,
        "tables.html.j2",
        title=f"Tables 3, 4 and 5 on {config.data.name}",
        tables=[(number, list(group)) for number, group in groupby(lines, key=lambda line: line.table)],
        done=len(lines),
        of=of,
        is_biovid=config.data.is_biovid,
        remarks=shared_lines([line.remarks for line in lines]),
        differences=shared_lines([line.differences for line in lines]),
        provenance=provenance(),
    )
