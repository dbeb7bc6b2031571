"""What an assessment records of the bundle that made it."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from painlit.inference.bundles.bundle import Bundle


def facts_of(bundle: Bundle, step: float, calibrated: bool) -> dict[str, Any]:
    """Plain values for assessment.json.

    Args:
        bundle: The bundle.
        step: Requested s from one window to the next; recorded rounded to whole frames.
        calibrated: Whether logits are divided by its temperatures.
    """
    clip = bundle.config.clip
    return {
        "classes": list(bundle.classes),
        "window": clip.nominal_frames / clip.video_fps,
        "step": max(1, round(step * clip.video_fps)) / clip.video_fps,
        "task": bundle.about["task"],
        "is_pain": bundle.about["is_pain"],
        "baseline": bundle.config.data.baseline,
        "expected": bundle.about["expected"],
        "temperature": {part: bundle.temperature(part) if calibrated else 1.0 for part in bundle.parts},
        "bundle": {"path": str(bundle.path), "sha256": bundle.sha256},
        "version": version("painlit"),
    }
