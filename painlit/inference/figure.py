"""The figure of an assessment: its panels stand above each other on one axis of time."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import plotly.graph_objects as go

from painlit.inference.evidence import Assessed
from painlit.inference.moments import LONG, ticks
from painlit.inference.panels import SIGNAL, ecg_panel, faces_panel, pictures_panel, rates_panel, score_panel

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
    _layout(drawn, float(assessment.about["seconds"]), TOP + area + BOTTOM, y)
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


def _layout(drawn: go.Figure, length: float, height: int, lowest: str) -> None:
    values, texts = ticks(length)
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
            "range": [0, length],
            "minallowed": 0,
            "maxallowed": length,
            "anchor": lowest,
            "title": {"text": "time in min:s" if length >= LONG else "time in s", "standoff": 8},
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
<<<<<<< HEAD


def _score(drawn: go.Figure, y: str, assessment: Assessed) -> None:
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
    alone = np.isfinite(score) & np.r_[True, np.isnan(score[:-1])] & np.r_[np.isnan(score[1:]), True]
    drawn.add_scatter(
        x=x, y=score, xaxis="x", yaxis=y, name="score", mode="lines+markers", hoverinfo="skip",
        line={"color": SCORE, "width": 2}, showlegend=bool(gaps or known.any()),
        marker={"size": np.where(alone | (len(table) <= 400), 5, 0).astype(np.uint8), "color": SCORE},
        error_x=_lengths(table, step),
    )  # fmt: skip
    every = -(-len(table) // MOST_WINDOWS)
    rows = [row for _, row in table.iloc[::every].iterrows()]
    drawn.add_scatter(
        x=x[::every], y=np.where(np.isnan(score), 0.5, score)[::every], xaxis="x", yaxis=y, name="windows",
        mode="markers", marker={"opacity": 0, "size": 6, "color": SCORE}, showlegend=False, hoverinfo="text",
        hovertext=[window_text(row, classes, "<br>") for row in rows],
    )  # fmt: skip


def window_text(
    row: pd.Series, classes: list[str], between: str = " · ", escape: Callable[[object], str] = plain
) -> str:
    """What a window says, in one line or several."""
    lines = [f"{clock(row['start'])}–{clock(row['end'])}"]
    if np.isfinite(row["score"]):
        spread = f" ± {row['spread']:.2f}" if np.isfinite(row["spread"]) else ""
        lines.append(f"score {row['score']:.2f}{spread}, {escape(row['prediction'])}")
        lines.append(", ".join(f"{escape(shortened(name))} {row[f'p_{name}']:.2f}" for name in classes))
        lines.append(f"uncertainty {100 * row['uncertainty']:.0f} %")
        lines.append(f"from {inputs(row['used'])}")
        if row["reason"]:
            lines.append(escape(row["reason"]))
    else:
        lines.append(f"no score: {escape(row['reason'])}")
    if np.isfinite(row["face_found"]):
        most = f", up to {row['faces']:.0f} at once" if row["faces"] > 1 else ""
        lines.append(f"face found in {100 * row['face_found']:.0f} %{most}")
    if np.isfinite(row["heart_rate"]):
        lines.append(f"heart rate {row['heart_rate']:.0f} bpm")
    if np.isfinite(row["ecg_quality"]):
        lines.append(f"ECG quality {row['ecg_quality']:.2f}")
    return between.join(lines)


def inputs(used: object) -> str:
    """Names of inputs.

    >>> inputs("video+heart_rate"), inputs("")
    ('video and heart rate', 'nothing')
    """
    return str(used).replace("_", " ").replace("+", " and ") or "nothing"


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


def _pictures(drawn: go.Figure, y: str, assessment: Assessed, faces: str) -> None:
    """All pictures are in the figure; as many are visible as fit, those of peaks first."""
    pictures, length = assessment.evidence.pictures, float(assessment.about["seconds"])
    size = length / FACES_SHOWN
    shown = apart([p.time for p in pictures], [p.peak for p in pictures], size)
    drawn.layout[f"yaxis{y[1:]}"].update(range=[0, 1], showticklabels=False, showgrid=False)
    drawn.update_layout(
        images=[
            {
                "source": picture_uri(picture, faces), "xref": "x", "yref": y, "x": picture.time, "y": 0.14,
                "sizex": 0.94 * size, "sizey": 0.86, "xanchor": "center", "yanchor": "bottom", "sizing": "contain",
                "layer": "above", "visible": visible, "name": "peak" if picture.peak else "regular",
            }
            for picture, visible in zip(pictures, shown, strict=True)
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


def picture_uri(picture: FacePicture, faces: str) -> str:
    """A picture as an image within a page; see `data_uri`."""
    side = min(SIDE, picture.pixels.shape[0])
    small = cv2.resize(picture.pixels, (side, side), interpolation=cv2.INTER_AREA)
    return data_uri(small, faces)


def picture_text(picture: FacePicture, assessment: Assessed, faces: str) -> str:
    """What a picture shows, for those who do not see it."""
    row = assessment.table.iloc[nearest(assessment.table, picture.time)]
    score = f"score {row['score']:.2f}, {row['prediction']}" if np.isfinite(row["score"]) else "no score"
    return f"{'Blurred face' if faces == 'blur' else 'Face'} at {clock(picture.time)}, {score}"


def _faces(drawn: go.Figure, y: str, assessment: Assessed) -> None:
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


def _ecg(drawn: go.Figure, y: str, assessment: Assessed) -> None:
    trace, begin = assessment.evidence.ecg, assessment.evidence.ecg_start
    assert trace is not None
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


def thinned(trace: Trace, begin: float, columns: int = COLUMNS) -> tuple[np.ndarray, np.ndarray]:
    """Times in s and values of the lowest and the highest sample of each column; NaN where the signal has a gap."""
    values = np.asarray(trace.values, np.float64)
    at = np.array(drawn_samples(values, columns), int)
    missing = np.cumsum(~np.isfinite(values))
    broken = np.flatnonzero(np.diff(missing[at])) + 1 if at.size else at
    time, height = (begin + at / trace.rate).astype(np.float32), values[at].astype(np.float32)
    return np.insert(time, broken, np.nan), np.insert(height, broken, np.nan)


def _rates(drawn: go.Figure, y: str, assessment: Assessed) -> None:
    rates = assessment.evidence.heart_rates
    time, bpm = rates["time"].to_numpy(np.float64), rates["bpm"].to_numpy(np.float64)
    broken = np.flatnonzero(np.diff(time) > 1.5) + 1
    drawn.add_scatter(
        x=np.insert(time + 0.5, broken, np.nan), y=np.insert(bpm, broken, np.nan), xaxis="x", yaxis=y,
        name="heart rate", mode="lines+markers", hoverinfo="skip", showlegend=False,
        line={"color": RATE, "width": 2}, marker={"size": 4 if len(bpm) <= 400 else 1, "color": RATE},
    )  # fmt: skip
    low, high = np.nanmin(bpm), np.nanmax(bpm)
    room = max(0.1 * (high - low), (20 - (high - low)) / 2)
    drawn.layout[f"yaxis{y[1:]}"].update(range=[float(low - room), float(high + room)], nticks=4)
=======
>>>>>>> page
