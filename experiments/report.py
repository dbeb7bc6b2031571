"""`make report`: our Tables 3, 4 and 5 beside the paper's, with the differences, of the runs that are there.

Writes runs/tables/<data.name>/{tables.csv, report.html}, and anew the report.html of every run under runs/loso.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from experiments.command import main
from experiments.tables import TableRun, table_runs
from painlit.config import Config, load
from painlit.errors import PainlitError
from painlit.files import read_json, write_text
from painlit.loso.finished import FOLD_FORMAT
from painlit.loso.metrics import METRICS
from painlit.loso.paper_figures import deviations
from painlit.report.run_report import write_report
from painlit.report.tables_report import TableLine, write_tables


@dataclass(frozen=True)
class ReportResult:
    """What `make report` wrote."""

    folder: Path
    lines: list[TableLine]
    """A line for each row and task that has results."""
    reports: int
    """Runs whose report.html was written."""


def run(config: Config) -> ReportResult:
    """Read every results.json and write the reports."""
    reports = _write_run_reports(Path(config.runs) / "loso")
    runs = list(table_runs(config))
    lines = [line for table_run in runs if (line := _line(table_run)) is not None]
    folder = Path(config.runs) / "tables" / config.data.name
    if lines:
        _print(lines)
        write_text(folder / "tables.csv", _csv(lines))
        write_tables(config, lines, len(runs), folder / "report.html")
        print(f"tables: {folder}/tables.csv, {folder}/report.html")
    print(f"{len(lines)} of {len(runs)} rows and tasks have results; `make tables` runs what is missing")
    print(f"{reports} runs under {Path(config.runs) / 'loso'} have their report.html")
    return ReportResult(folder, lines, reports)


def _write_run_reports(place: Path) -> int:
    """Write report.html of every run that this version can read, and name the others."""
    written = 0
    for path in sorted(place.glob("*/results.json")):
        try:
            config, results = load([f"config={path.with_name('config.yaml')}"]), read_json(path)
        except PainlitError as error:
            print(f"no report of {path.parent}: {error}")
            continue
        if results["provenance"].get("made_from", {}).get("format") != FOLD_FORMAT:
            print(f"no report of {path.parent}: another version wrote its results; make it anew with `make loso`")
            continue
        write_report(config, results, path.with_name("report.html"))
        written += 1
    return written


def _line(table_run: TableRun) -> TableLine | None:
    config = table_run.config
    path = config.folder("loso") / "results.json"
    if not path.is_file():
        return None
    results = read_json(path)
    pooled = [100 * results["pooled"][name] for name in METRICS]
    low, high = results["interval_95"]["accuracy"]
    return TableLine(
        row=table_run.row.name,
        table=table_run.row.table[0],
        task=config.task,
        ours=pooled,
        interval=(100 * low, 100 * high),
        paper=list(table_run.row.figures(config.task)),
        folds=f"{results['folds_done']}/{results['folds']}",
        deviations=deviations(config) + ([] if config.train.epochs == table_run.row.epochs else ["train.epochs"]),
        report=f"../../loso/{config.run_name}/report.html",
    )


def _print(lines: list[TableLine]) -> None:
    console = Console(width=None if Console().is_terminal else 130)
    table = Table(title="accuracy %: ours beside the paper's", title_justify="left")
    for column in ("row", "task", "folds", "ours", "95 % over subjects", "paper", "difference"):
        table.add_column(column, justify="left" if column in ("row", "task") else "right")
    for line in lines:
        low, high = line.interval
        figures = f"{line.ours[0]:.2f}", f"{low:.2f} to {high:.2f}", f"{line.paper[0]:.2f}", f"{line.difference:+.2f}"
        table.add_row(line.row, line.task, line.folds, *figures)
    console.print(table)
    if other := sorted({key for line in lines for key in line.deviations}):
        console.print(f"note: not the paper's configuration; it differs in {', '.join(other)}", style="bold")


def _csv(lines: list[TableLine]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    ours, paper = ([f"{who} {name}" for name in METRICS] for who in ("ours", "paper"))
    writer.writerow(["row", "task", "folds", *ours, "accuracy from", "accuracy to", *paper, "differs from paper in"])
    for line in lines:
        numbers = [f"{value:.2f}" for value in (*line.ours, *line.interval, *line.paper)]
        writer.writerow([line.row, line.task, line.folds, *numbers, " ".join(line.deviations)])
    return text.getvalue()


if __name__ == "__main__":
    main(run, __doc__)
