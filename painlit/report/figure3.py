"""The paper's Figure 3: seconds for a clip against accuracy, the paper's five pipelines beside ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

from painlit.report.paper_figures import PAPER_ROWS
from painlit.system.files import atomic_path

ROW_OF_PIPELINE = {
    "video": "table3_500_2nd_full_basic",
    "video with tiles": "table3_800_2nd_full_tilesc_basic_mask_augmnet",
    "heart rate": "table4_500_basic",
    "heart rate with encoder": "table4_800_encoder_augmnet",
    "fusion": "table5_800_encoder_full_tilesc_augmnet",
}
"""Pipeline -> the best row of Tables 3 to 5 of that pipeline, whose accuracies stand for it."""
PAPER_SECONDS = {
    "video": (26.0, "about 26"),
    "video with tiles": (130.0, "about 130"),
    "heart rate": (1.2, "1.2"),
    "heart rate with encoder": (1.7, "under 1.7"),
    "fusion": (131.0, "about 131"),
}
"""Pipeline -> s for a clip, on an Intel Core i7-8750H (six cores), and how section 4.5 has it."""
REMARKS = (
    "The paper's seconds are those of section 4.5, which adds less than half a second for the encoder; the "
    "figure itself prints no numbers.",
    "Accuracy is the mean of NP vs. P4 and five classes, as in the figure. Which rows of Tables 3 to 5 it shows is not "
    "said: here they are the best of each pipeline.",
    "Times begin with the video file and the heart rates and end with the score; faces are detected in every frame, "
    "and heart rates are not extracted from an ECG.",
)
"""What a reader of the figure must know."""
_INK, _OURS, _PAPERS = "#333333", "#1f6f9f", "#b4540a"


@dataclass(frozen=True)
class Point:
    """A pipeline in the figure."""

    pipeline: str
    paper_seconds: float
    paper_accuracy: float
    """Percent, mean of both tasks."""
    seconds: float
    """Ours, of this configuration."""
    seconds_at_papers_size: float | None
    """Ours, of networks and clips of the paper's sizes; None if this configuration has these."""
    accuracy: float | None
    """Ours; None unless both tasks have finished runs."""


def points(
    accuracies: Mapping[tuple[str, str], float],
    timing: Mapping[str, Mapping[str, float]],
    at_papers_size: Mapping[str, Mapping[str, float]] | None,
) -> list[Point]:
    """The five pipelines.

    Args:
        accuracies: Row of Tables 3 to 5 and task -> our accuracy in percent.
        timing: What `painlit.inference.pipeline_timing.time_pipelines` found for this configuration.
        at_papers_size: The same for the paper's sizes, if this configuration has others.
    """
    rows = {row.name: row for row in PAPER_ROWS}
    found = []
    for pipeline, name in ROW_OF_PIPELINE.items():
        row, ours = rows[name], [accuracies.get((name, task)) for task in ("np_vs_p4", "multilevel")]
        whole = [value for value in ours if value is not None]
        found.append(
            Point(
                pipeline,
                PAPER_SECONDS[pipeline][0],
                mean([row.np_vs_p4[0], row.multilevel[0]]),
                timing[pipeline]["all"],
                None if at_papers_size is None else at_papers_size[pipeline]["all"],
                mean(whole) if len(whole) == len(ours) else None,
            )
        )
    return found


def draw_figure3(shown: Sequence[Point], title: str, path: Path) -> list[Path]:
    """Draw the figure as PNG and SVG.

    Args:
        shown: The pipelines.
        title: Above it: whose machine and whose data.
        path: Of both, without suffix.

    Returns:
        Both files.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure  # without pyplot: no window, and nothing that is shared with other figures

    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "painlit", "font.size": 10}):
        figure = Figure(figsize=(8, 5), layout="constrained")
        axes = figure.add_subplot()
        for number, point in enumerate(shown, start=1):
            _mark(axes, point.paper_seconds, point.paper_accuracy, number, _PAPERS, filled=False)
            if point.accuracy is not None:
                _mark(axes, point.seconds, point.accuracy, number, _OURS, filled=True)
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.set_xlabel("time for a clip, s (logarithmic)")
        axes.set_ylabel("accuracy %, mean of NP vs. P4 and five classes")
        axes.grid(visible=True, color="#dddddd", linewidth=0.6)
        axes.set_axisbelow(True)
        axes.margins(x=0.12, y=0.12)
        axes.set_title(title, fontsize=10, color=_INK, loc="left")
        _legend(axes, shown)
        files = [path.with_suffix(suffix) for suffix in (".png", ".svg")]
        for file in files:
            with atomic_path(file) as temporary:
                kind = file.suffix.removeprefix(".")
                figure.savefig(temporary, format=kind, dpi=150, metadata={"Date": None} if kind == "svg" else None)
    return files


def _mark(axes, x: float, y: float, number: int, colour: str, filled: bool) -> None:
    axes.scatter([x], [y], s=190, facecolors=colour if filled else "white", edgecolors=colour, linewidths=1.6, zorder=3)
    ink = "white" if filled else colour
    axes.annotate(str(number), (x, y), ha="center", va="center", fontsize=9, color=ink, zorder=4)


def _legend(axes, shown: Sequence[Point]) -> None:
    from matplotlib.lines import Line2D

    whose = [
        Line2D([], [], marker="o", linestyle="", markersize=9, markerfacecolor=face, markeredgecolor=edge, label=label)
        for face, edge, label in (("white", _PAPERS, "the paper"), (_OURS, _OURS, "painlit"))
    ]
    names = [
        Line2D([], [], linestyle="", label=f"{number}  {point.pipeline}") for number, point in enumerate(shown, start=1)
    ]
    axes.legend(handles=[*whose, *names], loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False, handlelength=1)
