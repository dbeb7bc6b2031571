"""paper.html: everything of the paper in its order, ours beside it, with links to the reports of the runs."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

from painlit.config import Config
from painlit.report import figure3, table6, table7
from painlit.report.figure3 import PAPER_SECONDS, Point
from painlit.report.page import write_page
from painlit.report.paper_figures import shared_lines
from painlit.report.table6 import OwnRow
from painlit.report.table7 import Counted, same_sizes
from painlit.report.tables_report import TableLine
from painlit.runs.provenance import provenance

STAND_IN = (
    "Stand-in data, not pain data: the paper's figures stand here only to show the form, and no difference means "
    "anything."
)


@dataclass(frozen=True)
class Timing:
    """What Figure 3 rests on."""

    machine: Mapping[str, Any]
    """As `painlit.inference.pipeline_timing.machine` describes it, with `load` before the timing."""
    points: Sequence[Point]
    image: Path
    """The figure as PNG; the SVG is beside it."""


@dataclass(frozen=True)
class PaperContent:
    """What the page shows; a part that was not requested is None or empty."""

    lines: Sequence[TableLine]
    """Tables 3, 4, 5 and A1 to A3."""
    of: int
    """Rows and tasks there are."""
    pretraining: Sequence[tuple[str, str]] = ()
    """Step -> its figures on validation data."""
    own: Sequence[OwnRow] | None = None
    """Table 6."""
    counted: tuple[Sequence[Counted], Sequence[Counted]] | None = None
    """Table 7: at the paper's sizes, and of this configuration."""
    timing: Timing | None = None
    """Figure 3."""
    maps: Mapping[str, str] = field(default_factory=dict)
    """Figures 4, A1 and A2: name -> link."""


def remarks_of(config: Config, epoch_share: float) -> list[str]:
    """What a reader must know of everything on the page, before its figures."""
    remarks = [] if config.data.is_biovid else [STAND_IN]
    if epoch_share < 1:
        remarks.append(
            f"A trial: {100 * epoch_share:g} % of all epochs, of pretraining and of the tables. It shows that the "
            "steps run, and none of its accuracies is a result."
        )
    return remarks


def write_paper(config: Config, content: PaperContent, epoch_share: float, path: Path) -> None:
    """Write the page.

    Args:
        config: The configuration of the whole.
        content: What it shows.
        epoch_share: Share of all epochs that was trained.
        path: Of the HTML file.
    """
    lines = list(content.lines)
    write_page(
        path,
        "paper.html.j2",
        title=f"Gkikas et al. 2024 on {config.data.name}",
        remarks=remarks_of(config, epoch_share),
        run_remarks=shared_lines([line.remarks for line in lines]),
        differences=shared_lines([line.differences for line in lines]),
        tables=[(number, list(group)) for number, group in groupby(lines, key=lambda line: line.table)],
        content=content,
        table2=_table2(config, epoch_share),
        table6=_table6(content.own),
        format_size=table6.format_size,
        oddities=table6.ODDITIES,
        marks=table6.MARKS,
        references=table6.references(),
        modules=_table7(content.counted),
        table7_remarks=table7.REMARKS,
        figure=_figure(content.timing),
        figure_remarks=figure3.REMARKS,
        paper_seconds={name: words for name, (_, words) in PAPER_SECONDS.items()},
        provenance=provenance(),
    )


def _table2(config: Config, epoch_share: float) -> list[tuple[str, str, str]]:
    """Setting, the paper's and ours, of Table 2."""
    train = config.train.shortened(epoch_share)
    return [
        ("optimizer", "AdamW", "AdamW"),
        ("learning rate", "1e-4", f"{train.lr:g}"),
        ("LR decay", "cosine", "cosine"),
        ("weight decay", "0.1", f"{train.weight_decay:g}"),
        ("warm-up epochs", "50", f"{train.warmup_epochs}"),
        ("batch size", "32", f"{train.batch_size}"),
    ]


def _table6(own: Sequence[OwnRow] | None) -> list[dict[str, Any]]:
    """Groups of rows, each with ours."""
    if own is None:
        return []
    rows = {ours.group: ours for ours in own}
    return [
        {"name": name, "studies": [s for s in table6.studies() if s.group == group], "ours": rows[group]}
        for group, name in table6.GROUPS.items()
    ]


def _table7(counted: tuple[Sequence[Counted], Sequence[Counted]] | None) -> dict[str, Any] | None:
    if counted is None:
        return None
    at_papers_size, ours = counted
    rows = [(a, b, *table7.PAPER[a.module]) for a, b in zip(at_papers_size, ours, strict=True)]
    return {"rows": rows, "same": same_sizes(at_papers_size, ours)}


def _figure(timing: Timing | None) -> str:
    if timing is None:
        return ""
    return f"data:image/png;base64,{base64.b64encode(timing.image.read_bytes()).decode()}"
