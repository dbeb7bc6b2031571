"""The result as a table on the terminal, with the paper's figures beside ours where that is honest."""

from __future__ import annotations

from typing import Any

from rich.table import Table

from painlit.config import Config
from painlit.loso.metrics import METRICS
from painlit.report.paper_figures import compare_with_paper
from painlit.system.terminal import console


def print_results(config: Config, results: dict[str, Any]) -> None:
    """Print pooled metrics with intervals, means over subjects, subgroups and the confusion matrix."""
    terminal = console(110)
    paper = compare_with_paper(config, results) if config.data.papers else None
    title = f"{config.run_name}: {results['folds_done']} of {results['folds']} folds, {results['subjects']} subjects"
    table = Table(title=title, title_justify="left")
    for column in ("%", "pooled", "95 % interval over subjects", "mean ± sd over subjects"):
        table.add_column(column)
    if paper:
        figures = paper.row.figures(config.task)
        another = " (another configuration)" if paper.differences else ""
        table.add_column(f"paper, Tables {paper.row.table}{another}")
    for k, name in enumerate(METRICS):
        low, high = results["interval_95"][name]
        over = results["over_subjects"][name]
        cells = [
            name if name == "accuracy" else f"macro {name}",
            f"{100 * results['pooled'][name]:.2f}",
            f"{100 * low:.2f} to {100 * high:.2f}",
            f"{100 * over['mean']:.2f} ± {100 * over['sd']:.2f}",
        ]
        table.add_row(*cells, *([f"{figures[k]:.2f}"] if paper else []))
    terminal.print(table)
    terminal.print(_simple(results))
    pooled, training = results["pooled"], results["training"]["accuracy"]
    gap = 100 * (training - pooled["accuracy"])
    terminal.print(f"accuracy on training clips: {100 * training:.2f} %, gap to held-out people {gap:+.2f} points")
    terminal.print(
        f"macro precision over subjects leaves out classes never predicted: in {results['never_predicted']} of "
        f"{results['subjects']} people one of theirs"
    )
    terminal.print(f"calibration: ECE {pooled['ece']:.3f}, Brier {pooled['brier']:.3f}; {_confusion(config, pooled)}")
    for kind, groups in results["subgroups"].items():
        parts = [f"{g} {100 * v['accuracy']:.1f} ({v['subjects']} subjects)" for g, v in groups.items()]
        terminal.print(f"accuracy by {kind}: {', '.join(parts)}")
    if paper:
        terminal.print(
            "the paper's macro recall should equal its accuracy, as its classes are balanced; in Tables A1-A3 the "
            "column called precision does: the two seem to be exchanged there"
        )
        if paper.differences:
            terminal.print(f"differences from the paper's {paper.row.name}:", style="bold")
        for line in paper.differences:
            terminal.print(f"- {line}", markup=False)
    for remark in results["remarks"]:
        terminal.print(f"note: {remark}", style="bold")


def _simple(results: dict[str, Any]) -> Table:
    """The run beside simple models on the same folds."""
    table = Table(title="beside simple models on the same folds", title_justify="left")
    for column in ("accuracy %", "pooled", "95 % over subjects", "this run less it, points", "95 % over subjects", "p"):
        table.add_column(column)
    low, high = results["interval_95"]["accuracy"]
    table.add_row("this run", f"{100 * results['pooled']['accuracy']:.2f}", f"{100 * low:.2f} to {100 * high:.2f}")
    for name, figures in results["simple_baselines"].items():
        (low, high), (least, most) = figures["interval_95"], figures["difference_95"]
        table.add_row(
            name,
            f"{100 * figures['accuracy']:.2f}",
            f"{100 * low:.2f} to {100 * high:.2f}",
            f"{100 * figures['difference']:+.2f}",
            f"{100 * least:+.2f} to {100 * most:+.2f}",
            f"{figures['p']:.3g}",
        )
    return table


def _confusion(config: Config, pooled: dict[str, Any]) -> str:
    rows = [f"{name} {row}" for name, row in zip(config.classes, pooled["confusion"], strict=True)]
    return f"confusion (rows true, columns predicted): {'  '.join(rows)}"
