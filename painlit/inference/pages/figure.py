"""The figure of an assessment: its panels stand above each other on one axis of time."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import plotly.graph_objects as go

from painlit.inference.evidence import Assessed
from painlit.inference.pages.moments import LONG, bounds, ticks
from painlit.inference.pages.panels import SIGNAL, ecg_panel, faces_panel, pictures_panel, rates_panel, score_panel

GRID = "rgba(128,128,128,.25)"
GAP, TOP, BOTTOM = 34, 64, 48  # px between panels, where their titles stand; above and below them


class Panel(NamedTuple):
    """A panel that the figure has."""

    title: str
    height: int
    """px."""
    draw: Callable[[go.Figure, str, Assessed], None]


def figure(assessment: Assessed, faces: str) -> go.Figure:
    """Draw an assessment.

    Args:
        assessment: What to draw; panels for which the recording has nothing are left out.
        faces: show, blur (the pixels that the figure holds are) or none.
    """
    drawn, panels = go.Figure(), _panels(assessment, faces)
    area = sum(panel.height for panel in panels) + GAP * (len(panels) - 1)
    top = 0
    for k, panel in enumerate(panels):
        axis, y = (f"yaxis{k + 1}", f"y{k + 1}") if k else ("yaxis", "y")
        drawn.layout[axis] = {
            "domain": [max(0.0, 1 - (top + panel.height) / area), 1 - top / area],
            "fixedrange": True,
            "automargin": True,
            "zeroline": False,
            "gridcolor": GRID,
        }
        drawn.add_annotation(
            text=f"<b>{panel.title}</b>", showarrow=False, xref="paper", yref="paper", x=0, y=1 - top / area,
            xanchor="left", yanchor="bottom", font_size=13,
        )  # fmt: skip
        panel.draw(drawn, y, assessment)
        top += panel.height + GAP
    _layout(drawn, bounds(assessment.table, assessment.about), TOP + area + BOTTOM, y)
    return drawn


def _panels(assessment: Assessed, faces: str) -> list[Panel]:
    """From the top down."""
    evidence = assessment.evidence
    panels = [Panel("Pain score" if assessment.about["is_pain"] else "Score", 230, score_panel)]
    if evidence.pictures and faces != "none":
        panels.append(Panel("Faces, ▲ at the highest scores", 96, partial(pictures_panel, faces=faces)))
    if len(evidence.frames):
        panels.append(Panel("Faces in the picture", 56, faces_panel))
    if evidence.ecg is not None:
        panels.append(Panel("ECG and its R peaks", 110, ecg_panel))
    if len(evidence.heart_rates):
        panels.append(Panel("Heart rate in bpm", 96, rates_panel))
    return panels


def _layout(drawn: go.Figure, part: tuple[float, float], height: int, lowest: str) -> None:
    values, texts = ticks(*part)
    drawn.update_layout(
        template="none",
        height=height,
        margin={"l": 56, "r": 16, "t": TOP, "b": BOTTOM},
        font={"family": "system-ui, -apple-system, Segoe UI, Roboto, Liberation Sans, sans-serif", "size": 13},
        hovermode="x",
        hoversubplots="axis",
        hoverdistance=-1,
        spikedistance=-1,
        hoverlabel={"align": "left", "font_size": 13, "bgcolor": "#ffffff", "font_color": "#1c2430"},
        dragmode="zoom",
        legend={"orientation": "h", "x": 0, "xanchor": "left", "y": 1, "yref": "container", "yanchor": "top"},
        modebar={"remove": ["sendChartToCloud", "lasso2d", "select2d"]},
        xaxis={
            "range": list(part),
            "minallowed": part[0],
            "maxallowed": part[1],
            "anchor": lowest,
            "title": {"text": "time in min:s" if part[1] >= LONG else "time in s", "standoff": 8},
            "tickmode": "array",
            "tickvals": values,
            "ticktext": texts,
            "gridcolor": GRID,
            "zeroline": False,
            "showspikes": True,
            "spikemode": "across",
            "spikesnap": "hovered data",
            "spikethickness": 1,
            "spikedash": "solid",
            "spikecolor": SIGNAL,
        },
    )
