"""Summary of an assessment in a few figures and sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from painlit.inference.evidence import Assessed
from painlit.inference.pages.moments import clock, extents, highest, middles, span, without_score
from painlit.inference.pages.words import inputs

PEAKS = 5
"""Highest scores that are named."""
MOST_REASONS, MOST_TIMES = 12, 4
"""Reasons, and times of each, that are named."""


def summary(assessment: Assessed) -> dict[str, Any]:
    """The figures on top of the page: shares, highest scores, ranges, and why not all was used."""
    table, evidence, about = assessment.table, assessment.evidence, assessment.about
    score = table["score"].to_numpy(np.float64)
    scored = np.isfinite(score)
    bpm = evidence.heart_rates["bpm"].to_numpy(np.float64)
    bpm = bpm[np.isfinite(bpm)]
    return {
        "length": clock(about["seconds"]),
        "windows": len(table),
        "scored": int(scored.sum()),
        "mean": float(score[scored].mean()) if scored.any() else None,
        "highest": [
            {"time": span(row["start"], row["end"], about["seconds"]), "score": row["score"], "name": row["prediction"]}
            for row in (table.iloc[k] for k in highest(table, PEAKS))
        ],
        "face_found": float(evidence.frames["found"].mean()) if len(evidence.frames) else None,
        "rates": (float(bpm.min()), float(bpm.max()), float(np.median(bpm))) if bpm.size else None,
        "used": [(used, int(n)) for used, n in table["used"].value_counts().items()],
        "reasons": reasons(assessment),
    }


def reasons(assessment: Assessed) -> list[dict[str, Any]]:
    """Why there is no score, or why it does not rest on all, the most frequent first."""
    table, length = assessment.table, float(assessment.about["seconds"])
    around = extents(table, float(assessment.about["step"]))
    scored = np.isfinite(table["score"].to_numpy(np.float64))
    found = []
    for (reason, has_score), rows in table.reset_index(drop=True).groupby(["reason", scored]).groups.items():
        if reason:
            at = np.asarray(rows, int)
            runs = np.split(at, np.flatnonzero(np.diff(at) > 1) + 1)
            times = [span(around[run[0], 0], around[run[-1], 1], length) for run in runs]
            found.append({"reason": reason, "scored": bool(has_score), "windows": len(at), "times": times})
    return sorted(found, key=lambda kind: (kind["scored"], -kind["windows"]))


def alternative(assessment: Assessed) -> str:
    """The figure in words."""
    table, length = assessment.table, float(assessment.about["seconds"])
    score, at = table["score"].to_numpy(np.float64), middles(table)
    scored = np.isfinite(score)
    parts = [f"Score over {clock(length)}, between {' and '.join(_ends(assessment.classes))}."]
    if scored.any():
        low, top = np.flatnonzero(scored)[[score[scored].argmin(), score[scored].argmax()]]
        parts.append(
            f"It is {score[scored].mean():.2f} on average, lowest at {clock(at[low])} with {score[low]:.2f} and "
            f"highest at {clock(at[top])} with {score[top]:.2f}."
        )
    gaps = without_score(table, float(assessment.about["step"]))
    if gaps:
        named = [f"{span(g.start, g.end, length)} ({g.reason})" for g in gaps[:MOST_TIMES]]
        more = f" and {len(gaps) - MOST_TIMES} more times" if len(gaps) > MOST_TIMES else ""
        parts.append(f"No score in {'; '.join(named)}{more}.")
    bpm = assessment.evidence.heart_rates["bpm"].to_numpy(np.float64)
    if bpm.size:
        parts.append(f"Heart rate from {np.nanmin(bpm):.0f} to {np.nanmax(bpm):.0f} bpm.")
    return " ".join(parts)


def _ends(classes: Sequence[str]) -> list[str]:
    return [f"{name} ({k})" for k, name in ((0, classes[0]), (1, classes[-1]))]


def expected(about: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Of each part-model its accuracy on held-out subjects, with its interval; None where the bundle has none."""
    for used, figures in about["expected"].items():
        yield {
            "inputs": inputs(used),
            "accuracy": figures["pooled"]["accuracy"] if figures else None,
            "interval": figures["interval_95"]["accuracy"] if figures else None,
            "subjects": figures["subjects"] if figures else None,
            "temperature": about["temperature"].get(used),
        }
