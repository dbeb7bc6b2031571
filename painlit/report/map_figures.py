"""Maps as figures: faces under them, clips as rectangles, and curves over time; each as PNG and SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from painlit.system.files import atomic_path

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SUFFIXES = (".png", ".svg")
_COLOURS = "inferno"
_OPACITY = 0.65
"""Of a map's highest value over a face; 0 is transparent."""


def draw_faces(
    faces: np.ndarray, rows: Sequence[tuple[str, np.ndarray]], times: Sequence[float] | None, path: Path
) -> None:
    """Figure 4A: the frames of a clip, and below them a row of maps for each network.

    Args:
        faces: (n, S, S, 3) uint8 RGB.
        rows: Name of each network, and its maps, (n, s, s) in 0..1.
        times: (n,) s of each frame; None of photographs.
        path: Of the figure, without suffix.
    """
    figure, axes = _grid(1 + len(rows), len(faces), 1.15, 1.15)
    for column, face in enumerate(faces):
        axes[0, column].imshow(face)
        if times is not None:
            axes[0, column].set_title(f"{times[column]:.1f} s", fontsize=8)
        for row, (_, maps) in enumerate(rows, 1):
            axes[row, column].imshow(face)
            extent = (-0.5, face.shape[1] - 0.5, face.shape[0] - 0.5, -0.5)
            alpha = _OPACITY * np.sqrt(maps[column])
            axes[row, column].imshow(
                maps[column], cmap=_COLOURS, vmin=0, vmax=1, alpha=alpha, extent=extent, interpolation="bilinear"
            )
    for axis, label in zip(axes[:, 0], ["face", *(label for label, _ in rows)], strict=True):
        axis.set_ylabel(label, fontsize=8)
    _save(figure, path)


def draw_rectangles(
    maps: Mapping[str, np.ndarray], rates: Mapping[str, np.ndarray], seconds: float, path: Path
) -> None:
    """Figure 4B: what the Temporal-Module reads of a clip, frames across and values of a frame's embedding down.

    Args:
        maps: Modality -> (F, D) in 0..1.
        rates: Modality -> (S,) in 0..1, of the heart rates of each second, where it reads them.
        seconds: Length of the clip.
        path: Of the figure, without suffix.
    """
    figure, axes = _grid(2 if rates else 1, len(maps), 3.2, 1.9, ratios=[3, 1] if rates else None)
    for column, (modality, values) in enumerate(maps.items()):
        axis = axes[0, column]
        axis.imshow(values.T, cmap=_COLOURS, vmin=0, vmax=1, aspect="auto", extent=(0, seconds, values.shape[1], 0))
        axis.set_title(modality.replace("_", " "), fontsize=9)
        axis.set_xticks([0, seconds], ["0", f"{seconds:g} s"], fontsize=7)
        if rates and modality in rates:
            bars = axes[1, column]
            count = len(rates[modality])
            bars.bar(np.arange(count) + 0.5, rates[modality], width=0.9, color="#1f6f9f")
            bars.set_xticks(np.arange(count) + 0.5, [f"{k + 1}" for k in range(count)], fontsize=7)
            bars.set_xlabel("heart rate, second", fontsize=7)
            bars.set_ylim(0, 1)
        elif rates:
            axes[1, column].set_visible(False)
    axes[0, 0].set_ylabel("value of the embedding", fontsize=8)
    _save(figure, path)


def draw_time_curves(panels: Mapping[str, Sequence[Any]], seconds: float, path: Path) -> None:
    """When scores are found: a panel for each run, a line with its interval for each class.

    Args:
        panels: Title -> curves with `name`, `mean`, `low` and `high`, (T,).
        seconds: Length of the clips.
        path: Of the figure, without suffix.
    """
    figure, axes = _grid(1, len(panels), 3.6, 2.4, bare=False)
    for axis, (title, curves) in zip(axes[0], panels.items(), strict=True):
        for curve in curves:
            count = len(curve.mean)
            times = (np.arange(count) + 0.5) / count * seconds
            (line,) = axis.plot(times, curve.mean * count, label=curve.name, linewidth=1.2)
            axis.fill_between(times, curve.low * count, curve.high * count, color=line.get_color(), alpha=0.15)
        axis.axhline(1, color="grey", linewidth=0.8, linestyle=":")
        axis.set_title(title, fontsize=9)
        axis.set_xlabel("s", fontsize=8)
        axis.tick_params(labelsize=7)
        axis.legend(fontsize=7, frameon=False)
    axes[0, 0].set_ylabel("map, over its mean", fontsize=8)
    _save(figure, path)


def _grid(
    rows: int, columns: int, width: float, height: float, ratios: Sequence[float] | None = None, bare: bool = True
) -> tuple[Figure, np.ndarray]:
    from matplotlib.figure import Figure  # not pyplot: no window system, and nothing is kept

    figure = Figure(figsize=(0.6 + width * columns, 0.3 + height * rows), layout="constrained", dpi=160)
    axes = figure.subplots(rows, columns, squeeze=False, height_ratios=ratios)
    if bare:
        for axis in axes.flat:
            axis.set_xticks([])
            axis.set_yticks([])
            for spine in axis.spines.values():
                spine.set_visible(False)
    return figure, axes


def _save(figure: Figure, path: Path) -> None:
    for suffix in SUFFIXES:
        with atomic_path(path.with_name(path.name + suffix)) as temporary:
            figure.savefig(temporary, format=suffix[1:], metadata={"Date": None} if suffix == ".svg" else None)
