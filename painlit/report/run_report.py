"""report.html of a run of `make loso`: results, their uncertainty, subgroups and provenance."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from painlit.config import Config
from painlit.loso.metrics import METRICS
from painlit.report import charts, curve_chart
from painlit.report.page import png_uri, write_page
from painlit.report.paper_figures import compare_with_paper


def write_report(config: Config, results: Mapping[str, Any], path: Path) -> None:
    """Write the report of a run.

    Args:
        config: The run's configuration.
        results: What its results.json holds.
        path: Of the HTML file.
    """
    confusion, paper = results["pooled"]["confusion"], _paper(config, results)
    write_page(
        path,
        "run.html.j2",
        title=results["run"],
        results=results,
        metrics=[_metric(name, results, paper) for name in METRICS],
        paper=paper,
        chance=1 / len(config.classes),
        classes=config.classes,
        confusion=[[(n, n / max(1, sum(row))) for n in row] for row in confusion],
        subjects=charts.subject_marks(results["per_subject"]),
        reliability=charts.reliability_marks(results["reliability"]),
        panels=curve_chart.panels(results["training"]["curves"]),
        held_out=curve_chart.HELD_OUT[results["selection"]],
        chart=charts,
        small=curve_chart,
        maps=_maps(path),
        settings=OmegaConf.to_yaml(OmegaConf.create(config.to_dict())),
    )


def _paper(config: Config, results: Mapping[str, Any]) -> dict[str, Any] | None:
    """The paper's figures to print beside ours, or None where that would compare unlike things."""
    found = compare_with_paper(config, results) if config.data.papers else None
    if found is None:
        return None
    row = found.row
    return {"table": row.table, "row": row.name, "differences": found.differences, "figures": row.figures(config.task)}


def _maps(path: Path) -> dict[str, Any] | None:
    """What `make maps` has drawn of the run: its page, and its curves over time; None if it has not."""
    run = path.parent.resolve()
    folder = run.parents[1] / "maps" / run.name
    if not (folder / "maps.html").is_file():
        return None
    curves = {file.stem: png_uri(file) for file in sorted(folder.glob("time_*.png"))}
    return {"page": os.path.relpath(folder / "maps.html", run), "curves": curves}


def _metric(name: str, results: Mapping[str, Any], paper: dict[str, Any] | None) -> dict[str, Any]:
    over = results["over_subjects"][name]
    ours = results["pooled"][name]
    line = {
        "name": name if name == "accuracy" else f"macro {name}".replace("f1", "F1"),
        "pooled": ours,
        "interval": results["interval_95"][name],
        "mean": over["mean"],
        "sd": over["sd"],
    }
    if paper:
        theirs = paper["figures"][METRICS.index(name)]
        line |= {"paper": theirs, "difference": 100 * ours - theirs}
    return line
