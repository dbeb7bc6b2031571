"""MODEL_CARD.md: what the user of a bundle must know, in Markdown; each figure is one of bundle.json."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from painlit.config import from_dict
from painlit.loso.metrics import METRICS
from painlit.report.page import render

INPUTS = {"fusion": "video and heart rate", "video": "video", "heart_rate": "heart rate"}
"""What each part-model reads."""
_UNKNOWN = "unknown"


def model_card(about: Mapping[str, Any]) -> str:
    """The model card of a bundle.

    Args:
        about: Content of bundle.json, without the list of files.
    """
    config = from_dict(dict(about["config"]))
    parts = [_part(about, name) for name in about["expected"]]
    everyone = {name for model in about["models"] for key in ("subjects", "selected_on") for name in model[key]}
    return render(
        "model_card.md.j2",
        about=about,
        config=config,
        parts=parts,
        ensemble=about["made_by"] == "loso",
        subjects=len(everyone),
        people=_people(parts),
        chance=1 / len(about["classes"]),
        half=config.train.precision != "32-true",
        differs=_differs(about),
    )


def _part(about: Mapping[str, Any], name: str) -> dict[str, Any]:
    models = [model for model in about["models"] if model["part"] == name]
    expected = about["expected"][name]
    return {
        "name": name.replace("_", " "),
        "inputs": INPUTS[name],
        "models": models,
        "trained_on": sorted({len(model["subjects"]) for model in models}),
        "epochs": sorted({model["epoch"] for model in models}),
        "started_from": models[0]["started_from"],
        "temperature": about["temperature"][name],
        "expected": expected,
        "metrics": [] if expected is None else [_metric(name, expected) for name in METRICS],
        "subgroups": [] if expected is None else _subgroups(expected),
    }


def _metric(name: str, expected: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": name if name == "accuracy" else f"macro {name}".replace("f1", "F1"),
        "pooled": expected["pooled"][name],
        "interval": expected["interval_95"][name],
        **expected["over_subjects"][name],
    }


def _subgroups(expected: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {"kind": kind, "name": name, **figures}
        for kind, groups in expected["subgroups"].items()
        for name, figures in groups.items()
    ]


def _people(parts: list[dict[str, Any]]) -> dict[str, str]:
    """Held-out subjects by kind of subgroup -> how many in each; only kinds that the data record."""
    subgroups: Mapping[str, Any] = next((part["expected"]["subgroups"] for part in parts if part["expected"]), {})
    return {
        kind: ", ".join(f"{name} {figures['subjects']}" for name, figures in groups.items())
        for kind, groups in subgroups.items()
        if {*groups} != {_UNKNOWN}
    }


def _differs(about: Mapping[str, Any]) -> list[str]:
    """How trainings differ from the paper's, each once."""
    of_embedders = [line for embedder in about["embedders"].values() for line in embedder["differs"]]
    of_runs = [line for expected in about["expected"].values() if expected for line in expected["weights_differ"]]
    return list(dict.fromkeys([*of_embedders, *of_runs]))
