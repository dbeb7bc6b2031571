"""What `make maps` prints and writes: how faithful its maps are, when in a clip they lie, and the page of both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from painlit.config import Config
from painlit.report.page import png_uri, write_page

if TYPE_CHECKING:
    from painlit.clips.pain_clips import PainClips
    from painlit.inference.bundles.trained_run import TrainedRun
    from painlit.inference.maps.face_maps import FaceMaps
    from painlit.inference.maps.faithfulness import Faithfulness
    from painlit.inference.maps.mapped_runs import MappedRun
    from painlit.inference.maps.time_curves import TimeCurve

FAITHFUL = ["of", "method", "deletion", "insertion", "random"]
"""Columns of faithfulness.csv."""


def face_rows(faces: Mapping[str, Sequence[FaceMaps]]) -> list[list[str]]:
    """Faithfulness of maps of faces, over the shown frames of all clips."""
    from painlit.inference.maps.faithfulness import mean_faithfulness

    parts: dict[tuple[str, str], list[tuple[Faithfulness, int]]] = {}
    for rows in faces.values():
        for row in rows:
            for method, curves in row.faithful.items():
                parts.setdefault((row.stage, method), []).append((curves, len(row.maps[method])))
    return [_areas(f"faces, {stage}", method, mean_faithfulness(found)) for (stage, method), found in parts.items()]


def run_rows(runs: Sequence[TrainedRun], mapped: Sequence[MappedRun]) -> list[list[str]]:
    """Faithfulness of maps of clips, over all clips of a run."""
    named = zip(runs, mapped, strict=True)
    return [
        _areas(f"clips, {trained.part.replace('_', ' ')}", method, curves)
        for trained, run in named
        for method, curves in run.faithful.items()
    ]


def _areas(of: str, method: str, curves: Faithfulness) -> list[str]:
    areas = curves.areas()
    return [of, method, *(f"{areas[name]:.3f}" for name in FAITHFUL[2:])]


def curve_rows(curves: Mapping[str, Mapping[str, Sequence[TimeCurve]]]) -> list[list[str]]:
    """The curves over time: method -> run -> a curve of each class, as a header and a line for each time."""
    rows = [["method", "run", "class", "time", "share", "low", "high"]]
    for method, panels in curves.items():
        for run, found in panels.items():
            for curve in found:
                rows += [
                    [method, run, curve.name, str(k), *(f"{value:.6f}" for value in values)]
                    for k, values in enumerate(zip(curve.mean, curve.low, curve.high, strict=True))
                ]
    return rows


def clip_rows(clips: PainClips, classes: Sequence[str], run: MappedRun) -> list[list[str]]:
    """The share of each clip's map at each time: a header, and a line for each mapped clip and method."""
    times = next(iter(run.shares.values())).shape[1]
    rows = [["clip", "subject", "class", "method", *(str(k) for k in range(times))]]
    for method, shares in run.shares.items():
        for name, subject, label, share in zip(clips.names, clips.subjects, clips.labels, shares, strict=True):
            if np.isfinite(share).all():
                rows.append([name, str(subject), classes[label], method, *(f"{value:.6f}" for value in share)])
    return rows


def end_sentences(curves: Mapping[str, Mapping[str, Sequence[TimeCurve]]]) -> list[list[str]]:
    """How much of each map lies in the last third."""
    return [
        [f"{run}, {curve.name}", method, str(curve.clips), *(f"{100 * value:.1f}" for value in curve.last_third)]
        for method, panels in curves.items()
        for run, found in panels.items()
        for curve in found
    ]


def print_findings(rows: list[list[str]], curves: Mapping[str, Mapping[str, Sequence[TimeCurve]]]) -> None:
    """Print how faithful each map is, and how much of it lies at the end of a clip."""
    print("faithfulness, areas under curves of 0 (blank) to 1 (whole): low deletion, high insertion; random is chance")
    for of, method, *areas in rows:
        print(f"  {of}, {method}: " + ", ".join(f"{name} {v}" for name, v in zip(FAITHFUL[2:], areas, strict=True)))
    print("share of a map in the last third of a clip, %; 33.3 if no time is before another (95 % over subjects)")
    for of, method, clips, share, low, high in end_sentences(curves):
        print(f"  {of}, {method}: {share} ({low} to {high}), {clips} clips")


def write_maps_page(
    config: Config,
    runs: Sequence[TrainedRun],
    folder: Path,
    clips: Sequence[str],
    faces: Mapping[str, Sequence[FaceMaps]],
    curves: Mapping[str, Mapping[str, Sequence[TimeCurve]]],
    rows: list[list[str]],
) -> None:
    """Write maps.html, with all figures of the folder in it."""
    held_out = "Each clip is mapped by the model that never saw its person."
    if config.maps.stage == "finetune":
        held_out = "The models learnt from these people, unless they were held out."
    sections = []
    if faces:
        text = (
            "The brighter, the more a place speaks for the score: of the identity (stage 1) and the expression "
            "(stage 2) that are predicted over the clip, and of the clip's own class. Each map is over its own maximum."
        )
        images = _images(folder, "faces", clips, config.maps.spatial)
        sections.append(_section("Faces (Figures 4A, A1, A2)", text, images))
    text = (
        "Frames from left to right, values of their embedding from top to bottom; below, the heart rate of each second."
    )
    images = _images(folder, "rectangles", clips, config.maps.temporal)
    sections.append(_section("Clips (Figure 4B)", text, images))
    if any(curves.values()):
        text = "Share of a map at each time. A third of it lies in the last third if no time is before another."
        drawn = [method for method, panels in curves.items() if panels]
        images = [_image(folder, f"time_{method}", f"{method}, mean and 95 % over subjects") for method in drawn]
        head = ["run, class", "method", "clips", "last third, %", "from", "to"]
        sections.append(_section("Over time", text, images, head, end_sentences(curves)))
    text = (
        "What becomes of the score when what a map marks is taken away first (deletion) or given back first "
        "(insertion): the area under the curve from 0, everything blank, to 1, everything whole. Trust a map whose "
        "deletion is low and whose insertion is above random order's."
    )
    sections.append(_section("When to trust a map", text, [], FAITHFUL, rows))
    notes = []
    if any(trained.config.joint for trained in runs):
        notes.append("Trained jointly: only the clips that are shown were mapped.")
    commits = {f"run {trained.folder.name}": trained.made_by["commit"] for trained in runs}
    write_page(
        folder / "maps.html",
        "maps.html.j2",
        title=f"Maps of {runs[0].folder.name}",
        held_out=held_out,
        is_pain=runs[0].config.data.is_biovid,
        notes=notes,
        sections=sections,
        made_by=commits,
    )


def _section(
    title: str, text: str, images: list[dict[str, str]], head: Sequence[str] = (), rows: Sequence[Sequence[str]] = ()
) -> dict[str, Any]:
    return {"title": title, "text": text, "images": images, "head": head, "rows": rows}


def _images(folder: Path, kind: str, clips: Sequence[str], methods: Sequence[str]) -> list[dict[str, str]]:
    return [_image(folder, f"{kind}_{name}_{method}", f"{name}, {method}") for name in clips for method in methods]


def _image(folder: Path, file: str, caption: str) -> dict[str, str]:
    return {"file": file, "alt": caption, "caption": caption, "uri": png_uri(folder / f"{file}.png")}
