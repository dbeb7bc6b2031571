"""The files of an assessment: a page, a table, and all of it for programs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import plotly.offline
from markupsafe import Markup

from painlit.errors import PainlitError
from painlit.inference.evidence import Assessed
from painlit.inference.pages.figure import figure
from painlit.inference.pages.moments import bounds, clock, highest, middles
from painlit.inference.pages.summary import MOST_REASONS, MOST_TIMES, PEAKS, alternative, expected, summary
from painlit.inference.pages.words import inputs, map_uri, picture_text, picture_uri
from painlit.report.page import write_page
from painlit.runs.artefact import write_artefact
from painlit.system.csv_files import write_csv

PAGE, TABLE, RECORD = "assessment.html", "assessment.csv", "assessment.json"
"""The record is written last: where it is, the others are whole."""
FACES = ("blur", "show", "none")
FORMAT = 1
"""Version of the record."""
MOST_ROWS = 300
"""Rows of the page's table; the CSV file has all."""
MOST_PICTURES = 12
"""Of faces below the figure."""
_LEGEND = 38
"""px above the panels that are free where the page has a legend of its own."""


def drawn(assessment: Assessed, faces: str) -> go.Figure:
    """The figure; see `Assessment.plot`."""
    _check(faces)
    return figure(assessment, faces)


def write(assessment: Assessed, folder: Path, faces: str) -> Path:
    """Write the files; see `Assessment.save`."""
    _check(faces)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / RECORD).unlink(missing_ok=True)  # of an earlier assessment, which is not whole from now on
    table, about = assessment.table, assessment.about
    write_page(folder / PAGE, "assessment.html.j2", **page_values(assessment, faces))
    write_csv(folder / TABLE, [list(table.columns), *_rows(table, "")])
    columns = [str(name) for name in table.columns]
    rows = [dict(zip(columns, row, strict=True)) for row in _rows(table, None)]
    write_artefact(folder / RECORD, {"format": FORMAT, "about": plain_values(about), "table": rows})
    return folder / PAGE


def _check(faces: str) -> None:
    if faces not in FACES:
        raise PainlitError(f"faces={faces!r}: there is no such way to show them", f"choose one of {', '.join(FACES)}")


def _rows(table: pd.DataFrame, unknown: Any) -> Iterator[list[Any]]:
    """Cells of each row as plain values, `unknown` for NaN."""
    for row in table.itertuples(index=False, name=None):
        yield [unknown if value is None else value for value in (plain_values(cell) for cell in row)]


def plain_values(value: Any) -> Any:
    """What JSON can hold: no NaN, no infinity, no paths, no NumPy.

    >>> plain_values({"a": (float("nan"), Path("b"), np.float32(0.5))})
    {'a': [None, 'b', 0.5]}
    """
    if isinstance(value, Mapping):
        return {str(key): plain_values(part) for key, part in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [plain_values(part) for part in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def page_values(assessment: Assessed, faces: str) -> dict[str, Any]:
    """What the template is filled with."""
    table, about, evidence = assessment.table, assessment.about, assessment.evidence
    thinned = max(1, -(-len(table) // MOST_ROWS))
    pictures = [p for p in evidence.pictures if p.peak] or list(evidence.pictures)
    chart = drawn(assessment, faces)
    chart.update_layout(
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        showlegend=False,
        height=chart.layout.height - _LEGEND,
        margin_t=chart.layout.margin.t - _LEGEND,
    )
    return {
        "title": f"Assessment of {about['recording']}",
        "about": about,
        "classes": assessment.classes,
        "summary": summary(assessment),
        "alternative": alternative(assessment),
        "begin": bounds(table, about)[0],
        "faces": faces,
        "pictures": [
            {
                "uri": picture_uri(p, faces),
                "map": map_uri(p, faces),
                "text": picture_text(p, assessment, faces),
                "peak": p.peak,
            }
            for p in pictures[:MOST_PICTURES]
            if faces != "none"
        ],
        "panels": {trace.name for trace in chart.data},
        "figure": for_script(chart.to_json(validate=False)),
        "peaks": [round(float(middles(table)[k]), 3) for k in sorted(highest(table, PEAKS))],
        "plotly": Markup(plotly.offline.get_plotlyjs()),
        "plotly_version": version("plotly"),
        "rows": table.iloc[::thinned].to_dict("records"),
        "every": thinned,
        "expected": list(expected(about)),
        "clock": clock,
        "inputs": inputs,
        "most": {"reasons": MOST_REASONS, "times": MOST_TIMES},
        "table_file": TABLE,
    }  # fmt: skip


def for_script(text: str) -> Markup:
    r"""JSON as it may stand in a script element, whatever its texts are.

    >>> print(for_script('["</script>&"]'))
    ["\u003c/script\u003e\u0026"]
    """
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)
