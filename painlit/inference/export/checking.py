"""Compares an export with torch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import version
from typing import Any

import numpy as np

from painlit.errors import PainlitError
from painlit.inference.export.expected import Windows
from painlit.inference.export.ports import EMBEDDER, PAIN

TOLERANCE = 1e-4
"""Largest difference of a probability from torch's."""
ROWS_TOLERANCE = 0.01
"""Largest difference of a value of an embedding, in standard deviations of them all; float16 has steps of 0.001."""
Run = Callable[[str, Mapping[str, np.ndarray]], np.ndarray]
"""The output of a graph, by its file and inputs."""


def check_against_torch(run: Run, files: Mapping[str, Mapping[str, Any]], windows: Windows) -> dict[str, Any]:
    """The largest differences from torch's, by graph, in batches of 1 and of the rest.

    Args:
        run: Runs a graph.
        files: File -> its inputs.
        windows: The same inputs with painlit's outputs.

    Raises:
        PainlitError: One is above `TOLERANCE` (of embeddings `ROWS_TOLERANCE`), or is no number.
    """
    found: dict[str, float] = {}
    rows = None
    for file in sorted(files, key=lambda file: not file.startswith(EMBEDDER)):
        if file.startswith(EMBEDDER):
            batches = (windows.crops[:1], windows.crops[1:])
            rows = np.concatenate([run(file, {"crops": crops}) for crops in batches])
            there = windows.rows.astype(np.float32)
            _hold(file, np.abs(rows - there).max() / there.std(), ROWS_TOLERANCE, found)
        else:
            for chosen, inputs in _batches(files[file], windows, rows if file.startswith(PAIN) else None):
                _hold(file, np.abs(run(file, inputs) - windows.probabilities[chosen]).max(), TOLERANCE, found)
    return {
        "against": f"painlit {version('painlit')}, torch {version('torch')}",
        "windows": len(windows.probabilities),
        "crops": len(windows.crops),
        "largest_difference": found,
        "tolerance": {"probabilities": TOLERANCE, "embeddings": ROWS_TOLERANCE},
    }


def _hold(file: str, difference: Any, tolerance: float, found: dict[str, float]) -> None:
    if not difference <= tolerance:  # nor NaN
        unit = " standard deviations of an embedding's values" if tolerance == ROWS_TOLERANCE else ""
        raise PainlitError(
            f"{file} differs from torch by {difference:.1e}{unit}, more than {tolerance:g}: nothing is left",
            "report it with the bundle's settings; export.to=hub keeps the bundle as it is",
        )
    found[file] = max(found.get(file, 0.0), float(difference))


def _batches(
    inputs: Mapping[str, Any], windows: Windows, rows: np.ndarray | None
) -> Iterator[tuple[slice, dict[str, np.ndarray]]]:
    """Windows and the inputs of a graph: the first window alone, then the others together."""
    for chosen in (slice(0, 1), slice(1, None)):
        there = {
            "bpm": windows.bpm[chosen],
            "own_embeddings": windows.own_rows[chosen],
            "own_bpm": windows.own_bpm[chosen],
        }
        if rows is not None:
            there["embeddings"] = rows[windows.frames[chosen]]
        elif len(windows.crops):
            there["crops"] = windows.crops[windows.frames[chosen]]
        yield chosen, {name: there[name] for name in inputs}
