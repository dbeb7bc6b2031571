"""`make report`: our Tables 3, 4 and 5 beside the paper's, with the differences, of the runs that are there.

Writes runs/tables/<data.name>/{tables.csv, report.html}, and anew the report.html of every run under runs/loso.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.table import Table

from data_modules.recordings.clips import with_classes
from experiments.command import main
from experiments.tables import TableRun, table_runs
from painlit.config import Config
from painlit.errors import PainlitError
from painlit.loso.finished import read_run
from painlit.loso.metrics import METRICS
from painlit.report.paper_figures import compare_with_paper, shared_lines
from painlit.report.run_report import write_report
from painlit.report.tables_report import TableLine, write_tables
from painlit.system.csv_files import write_csv
from painlit.system.terminal import console


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
    config = with_classes(config)
    everything = replace(config.tables, rows=[], tasks=["np_vs_p4", "multilevel"])  # whatever `make tables` chose last
    runs = list(table_runs(replace(config, tables=everything)))
    lines = [line for table_run in runs if (line := _line(table_run)) is not None]
    folder = Path(config.runs) / "tables" / config.data.name
    if lines:
        _print(lines)
        write_csv(folder / "tables.csv", _rows(lines))
        write_tables(config, lines, len(runs), folder / "report.html")
        print(f"tables: {folder}/tables.csv, {folder}/report.html")
    print(f"{len(lines)} of {len(runs)} rows and tasks have results; `make tables` runs what is missing")
    print(f"{reports} runs under {Path(config.runs) / 'loso'} have their report.html")
    return ReportResult(folder, lines, reports)


def _write_run_reports(place: Path) -> int:
    """Write report.html of every run that this version can read, and name the others."""
    written = 0
    for path in sorted(place.glob("*/results.json")):
        found = _read(path)
        if found is not None:
            write_report(*found, path.with_name("report.html"))
            written += 1
    return written


def _read(path: Path) -> tuple[Config, dict[str, Any]] | None:
    """The configuration and results of a run; None, after a message, if they are damaged or of another version."""
    try:
        return read_run(path.parent)
    except PainlitError as error:
        print(f"no report of {path.parent}: {error}")
        return None


def _line(table_run: TableRun) -> TableLine | None:
    """A row's line, as the run itself records it: its configuration need not be the one given now."""
    row = table_run.row
    path = table_run.config.folder("loso") / "results.json"
    found = _read(path) if path.is_file() else None
    if found is None:
        return None
    config, results = found
    compared = compare_with_paper(config, results, row)
    assert compared is not None, "both tasks are the paper's"
    pooled = [100 * results["pooled"][name] for name in METRICS]
    low, high = results["interval_95"]["accuracy"]
    return TableLine(
        row=row.name,
        table=row.table[0],
        task=config.task,
        ours=pooled,
        interval=(100 * low, 100 * high),
        paper=list(row.figures(config.task)),
        folds=f"{results['folds_done']}/{results['folds']}",
        differences=compared.differences,
        remarks=results["remarks"],
        report=f"../../loso/{config.run_name}/report.html",
    )


def _print(lines: list[TableLine]) -> None:
    terminal = console(130)
    table = Table(title="accuracy %: ours beside the paper's", title_justify="left")
    for column in ("row", "task", "folds", "ours", "95 % over subjects", "paper", "difference"):
        table.add_column(column, justify="left" if column in ("row", "task") else "right")
    for line in lines:
        low, high = line.interval
        figures = f"{line.ours[0]:.2f}", f"{low:.2f} to {high:.2f}", f"{line.paper[0]:.2f}", f"{line.difference:+.2f}"
        table.add_row(line.row, line.task, line.folds, *figures)
    terminal.print(table)
    if differences := shared_lines([line.differences for line in lines]):
        terminal.print("not the paper's configuration; it differs in:", style="bold")
    for difference in differences:
        terminal.print(f"- {difference}", markup=False)
    for remark in shared_lines([line.remarks for line in lines]):
        terminal.print(f"note: {remark}", style="bold")


def _rows(lines: list[TableLine]) -> list[list[str]]:
    ours, paper = ([f"{who} {name}" for name in METRICS] for who in ("ours", "paper"))
    rows = [["row", "task", "folds", *ours, "accuracy from", "accuracy to", *paper, "differs from paper in", "notes"]]
    for line in lines:
        numbers = [f"{value:.2f}" for value in (*line.ours, *line.interval, *line.paper)]
        differences, remarks = "; ".join(line.differences), "; ".join(line.remarks)
        rows.append([line.row, line.task, line.folds, *numbers, differences, remarks])
    return rows


if __name__ == "__main__":
    main("report")
