"""The panels of the figure of an assessment."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from painlit.inference.evidence import Assessed
from painlit.inference.pages.moments import apart, bounds, extents, middles, without_score
from painlit.inference.pages.words import picture_uri, plain, shortened, window_text
from painlit.report.traces import Trace, drawn_samples

SCORE, OTHER, RATE, SIGNAL, BAND = "#0072b2", "#d55e00", "#009e73", "#6b7280", "rgba(0,114,178,.25)"
"""Colours that colour-blind readers can distinguish (Okabe and Ito), on white and on black; forms differ too."""
FACES_SHOWN = 12  # on a desktop
COLUMNS = 40_000  # of an ECG: 80,000 samples, some 0.9 MB of a page
MOST_DOTS = 400  # that are drawn on a line
MOST_WINDOWS = 4000  # that can be pointed at; a score is drawn of each


def score_panel(drawn: go.Figure, y: str, assessment: Assessed) -> None:
    """The score, its spread, the classes, and where there is no score."""
    table, classes, step = assessment.table, assessment.classes, float(assessment.about["step"])
    top = max(len(classes) - 1, 1)
    for k in range(len(classes)):
        low, high = max((k - 0.5) / top, -0.06), min((k + 0.5) / top, 1.06)
        drawn.add_shape(
            type="rect", layer="below", xref="paper", yref=y, x0=0, x1=1, y0=low, y1=high, line_width=0,
            fillcolor=f"rgba(128,128,128,{0.05 + 0.22 * k / top:.3f})", name="class",
        )  # fmt: skip
        if k:
            drawn.add_shape(
                type="line", layer="below", xref="paper", yref=y, x0=0, x1=1, y0=low, y1=low, name="threshold",
                line={"color": SIGNAL, "width": 1, "dash": "dot"},
            )  # fmt: skip
    drawn.update_layout(
        yaxis={
            "range": [-0.06, 1.06],
            "tickvals": [k / top for k in range(len(classes))],
            "ticktext": [plain(shortened(name)) for name in classes],
            "showgrid": False,
        }
    )
    x, score, spread = middles(table), table["score"].to_numpy(np.float64), table["spread"].to_numpy(np.float64)
    gaps = without_score(table, step)
    if gaps:
        corners = [([g.start, g.start, g.end, g.end], [-0.06, 1.06, 1.06, -0.06]) for g in gaps]
        _areas(drawn, y, corners, "no score", "rgba(128,128,128,.12)", {"shape": "/", "fgcolor": OTHER, "size": 7})
    known = np.isfinite(score) & np.isfinite(spread)
    if known.any():
        runs = [run for run in _runs(known) if len(run)]
        low, high = np.clip(score - spread, 0, 1), np.clip(score + spread, 0, 1)
        corners = [(np.r_[x[run], x[run][::-1]], np.r_[high[run], low[run][::-1]]) for run in runs]
        _areas(drawn, y, corners, "± 1 SD over the models", BAND)
    drawn.add_scatter(
        x=x, y=score, xaxis="x", yaxis=y, name="score", mode=_mode(score), hoverinfo="skip", legendrank=1,
        line={"color": SCORE, "width": 2}, marker={"size": 5, "color": SCORE}, error_x=_lengths(table, step),
        showlegend=bool(gaps or known.any()),
    )  # fmt: skip
    alone = np.isfinite(score) & np.r_[True, np.isnan(score[:-1])] & np.r_[np.isnan(score[1:]), True]
    if alone.any() and len(table) > MOST_DOTS:
        drawn.add_scatter(
            x=x[alone], y=score[alone], xaxis="x", yaxis=y, name="score alone", mode="markers", hoverinfo="skip",
            marker={"size": 5, "color": SCORE}, showlegend=False,
        )  # fmt: skip
    every = -(-len(table) // MOST_WINDOWS)
    rows = [row for _, row in table.iloc[::every].iterrows()]
    drawn.add_scatter(
        x=x[::every], y=np.where(np.isnan(score), 0.5, score)[::every], xaxis="x", yaxis=y, name="windows",
        mode="lines", line={"width": 0, "color": SCORE}, opacity=0, showlegend=False, hoverinfo="text",
        hovertext=[window_text(row, classes) for row in rows],
    )  # fmt: skip


def _mode(values: np.ndarray) -> str:
    return "lines+markers" if len(values) <= MOST_DOTS else "lines"


def _lengths(table: pd.DataFrame, step: float) -> dict[str, Any] | None:
    """Bars as long as the windows, where these do not overlap."""
    around = extents(table, step)
    length = (table["end"] - table["start"]).to_numpy(np.float64)
    if not len(table) or (np.ptp(around, axis=1) < length - 1e-6).any():
        return None
    return {"type": "data", "array": length / 2, "color": SCORE, "thickness": 1.5, "width": 0}


def _areas(drawn: go.Figure, y: str, corners: list, name: str, colour: str, pattern: dict | None = None) -> None:
    """Filled shapes, each of (x, y), as one trace."""
    x, height = (
        np.concatenate([part for pair in corners for part in (np.asarray(pair[k], float), [np.nan])]) for k in (0, 1)
    )
    drawn.add_scatter(
        x=x[:-1], y=height[:-1], xaxis="x", yaxis=y, name=name, mode="lines", fill="toself", hoverinfo="skip",
        line_width=0, fillcolor=colour, fillpattern=pattern,
    )  # fmt: skip


def _runs(known: np.ndarray) -> list[np.ndarray]:
    """Positions of each unbroken row of True."""
    at = np.flatnonzero(known)
    return np.split(at, np.flatnonzero(np.diff(at) > 1) + 1)


def pictures_panel(drawn: go.Figure, y: str, assessment: Assessed, faces: str) -> None:
    """All pictures are in the figure; as many are visible as fit, those of peaks first."""
    pictures, (begin, end) = assessment.evidence.pictures, bounds(assessment.table, assessment.about)
    size = (end - begin) / FACES_SHOWN
    places = [min(max(p.time, begin + size / 2), end - size / 2) for p in pictures]  # whole, at the ends too
    shown = apart(places, [p.peak for p in pictures], size)
    drawn.layout[f"yaxis{y[1:]}"].update(range=[0, 1], showticklabels=False, showgrid=False)
    drawn.update_layout(
        images=[
            {
                "source": picture_uri(picture, faces), "xref": "x", "yref": y, "x": place, "y": 0.14,
                "sizex": 0.94 * size, "sizey": 0.86, "xanchor": "center", "yanchor": "bottom", "sizing": "contain",
                "layer": "above", "visible": visible, "name": "peak" if picture.peak else "regular",
            }
            for picture, place, visible in zip(pictures, places, shown, strict=True)
        ]
    )  # fmt: skip
    drawn.add_scatter(
        x=np.array([p.time for p in pictures]), y=np.full(len(pictures), 0.06), xaxis="x", yaxis=y, name="pictures",
        mode="markers", hoverinfo="skip", showlegend=False,
        marker={
            "symbol": ["triangle-up" if p.peak else "line-ns-open" for p in pictures],
            "color": [OTHER if p.peak else SIGNAL for p in pictures], "size": [9 if p.peak else 5 for p in pictures],
            "opacity": [float(visible) for visible in shown],
        },
    )  # fmt: skip


def faces_panel(drawn: go.Figure, y: str, assessment: Assessed) -> None:
    """How many there are, and where the one that is assessed was not found; only changes are drawn."""
    frames = assessment.evidence.frames
    time, count = frames["time"].to_numpy(np.float64), frames["faces"].to_numpy(np.float64)
    lost = ~frames["found"].to_numpy(bool)
    kept = _changes(count)
    drawn.add_scatter(
        x=time[kept], y=count[kept], xaxis="x", yaxis=y, name="faces", mode="lines", fill="tozeroy", hoverinfo="skip",
        line={"color": SIGNAL, "width": 1.5, "shape": "hv"}, fillcolor="rgba(107,114,128,.25)", showlegend=False,
    )  # fmt: skip
    top = max(count.max(initial=1), 1)
    drawn.layout[f"yaxis{y[1:]}"].update(range=[-0.12 * top, 1.1 * top], tickvals=sorted({0, 1, int(top)}))
    if lost.any():
        ends = np.r_[time[1:], time[-1:] + (np.median(np.diff(time)) if len(time) > 1 else 0)]
        x = np.concatenate([[time[run[0]], ends[run[-1]], np.nan] for run in _runs(lost)])
        drawn.add_scatter(
            x=x, y=np.where(np.isnan(x), np.nan, 0), xaxis="x", yaxis=y, name="face not found", mode="lines",
            hoverinfo="skip", line={"color": OTHER, "width": 6},
        )  # fmt: skip


def _changes(values: np.ndarray) -> np.ndarray:
    """Positions where another value begins, and the ends."""
    at = np.flatnonzero(np.diff(values)) + 1
    return np.unique(np.r_[0, at, len(values) - 1])


def ecg_panel(drawn: go.Figure, y: str, assessment: Assessed) -> None:
    """The signal, thinned, and its R peaks."""
    assert assessment.evidence.ecg is not None
    trace, begin = cut(
        assessment.evidence.ecg, assessment.evidence.ecg_start, bounds(assessment.table, assessment.about)
    )
    time, values = thinned(trace, begin)
    drawn.add_scatter(
        x=time, y=values, xaxis="x", yaxis=y, name="ECG", mode="lines", hoverinfo="skip", showlegend=False,
        line={"color": SIGNAL, "width": 1},
    )  # fmt: skip
    peaks = np.asarray(trace.peaks, int)
    if peaks.size:
        drawn.add_scatter(
            x=(begin + peaks / trace.rate).astype(np.float32), y=np.asarray(trace.values)[peaks].astype(np.float32),
            xaxis="x", yaxis=y, name="R peak", mode="markers", hoverinfo="skip", marker={"color": OTHER, "size": 5},
        )  # fmt: skip
    known = values[np.isfinite(values)]
    if known.size:  # an artefact may stand out of the panel
        low, high = np.quantile(known, [0.002, 0.998])
        room = 0.12 * (high - low) or 1.0
        drawn.layout[f"yaxis{y[1:]}"].update(
            range=[float(low - room), float(high + room)], showticklabels=False, showgrid=False
        )


def cut(trace: Trace, begin: float, part: tuple[float, float]) -> tuple[Trace, float]:
    """The part of an ECG that the figure shows, and when it begins."""
    first, last = (int(np.clip(round((at - begin) * trace.rate), 0, len(trace.values))) for at in part)
    peaks = np.asarray(trace.peaks, int)
    inside = peaks[(peaks >= first) & (peaks < last)] - first
    return Trace(trace.values[first:last], trace.rate, inside), begin + first / trace.rate


def thinned(trace: Trace, begin: float, columns: int = COLUMNS) -> tuple[np.ndarray, np.ndarray]:
    """Times in s and values of the lowest and the highest sample of each column; NaN where the signal has a gap."""
    values = np.asarray(trace.values, np.float64)
    at = np.array(drawn_samples(values, columns), int)
    missing = np.cumsum(~np.isfinite(values))
    broken = np.flatnonzero(np.diff(missing[at])) + 1 if at.size else at
    time, height = (begin + at / trace.rate).astype(np.float32), values[at].astype(np.float32)
    return np.insert(time, broken, np.nan), np.insert(height, broken, np.nan)


def rates_panel(drawn: go.Figure, y: str, assessment: Assessed) -> None:
    """Heart rates in the middle of their seconds."""
    rates = assessment.evidence.heart_rates
    time, bpm = rates["time"].to_numpy(np.float64), rates["bpm"].to_numpy(np.float64)
    broken = np.flatnonzero(np.diff(time) > 1.5) + 1
    drawn.add_scatter(
        x=np.insert(time + 0.5, broken, np.nan), y=np.insert(bpm, broken, np.nan), xaxis="x", yaxis=y,
        name="heart rate", mode=_mode(bpm), hoverinfo="skip", showlegend=False,
        line={"color": RATE, "width": 2}, marker={"size": 4, "color": RATE},
    )  # fmt: skip
    low, high = np.nanmin(bpm), np.nanmax(bpm)
    room = max(0.1 * (high - low), (20 - (high - low)) / 2)
    drawn.layout[f"yaxis{y[1:]}"].update(range=[float(low - room), float(high + room)], nticks=4)
