"""Runs that may stand in one bundle: part-models of one task, trained alike on the same subjects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from painlit.config import flat, settings
from painlit.errors import PainlitError, some
from painlit.inference.bundles.trained_run import TrainedRun

_GROUPS = ("data", "clip", "face", "signals", "prepare")
"""Groups of settings that a bundle has once, for all of its parts."""
_FOLDS = ("loso.protocol", "loso.folds", "loso.selection", "loso.inner_share")
_RESULTS = {"prepare", "embed", "pain"}


def check_agreement(runs: Sequence[TrainedRun]) -> None:
    """Refuse runs that cannot read the same recordings in the same way.

    Raises:
        PainlitError: Two are of the same part, or they differ; what differs is named with both values.
    """
    first = runs[0]
    for number, run in enumerate(runs):
        twin = next((other for other in runs[:number] if other.part == run.part), None)
        if twin is not None:
            raise PainlitError(
                f"{twin.folder} and {run.folder} are both models of {run.part}",
                "a bundle has one run of each of video, heart_rate and fusion",
            )
        _refuse_differences(first, run, _common(first), _common(run))
        seen = next((other for other in runs[:number] if other.embeddings is not None), None)
        if seen is not None and run.embeddings is not None:
            _refuse_differences(seen, run, seen.embeddings, run.embeddings)
        _refuse_differences(first, run, _subjects(first), _subjects(run))


def _common(run: TrainedRun) -> dict[str, Any]:
    """What all runs of a bundle must have in common, by the keys of its settings."""
    values = flat(run.config.to_dict())
    of_clips = [
        key for key, setting in settings().items() if key.split(".")[0] in _GROUPS and _RESULTS & {*setting.affects}
    ]
    protocol = _FOLDS if run.stage == "loso" else ()
    return {
        "stage": run.stage,
        "classes": list(run.config.classes),
        **{key: values[key] for key in ("task", "data.name", *of_clips, *protocol)},
    }


def _subjects(run: TrainedRun) -> dict[str, Any]:
    """Training and held-out subjects of each model."""
    return {
        f"{part} subjects" + (f" of fold {fold}" if fold else ""): sorted(subjects[part])
        for fold, subjects in run.folds.items()
        for part in ("test", "train")
    }


def _refuse_differences(one: TrainedRun, other: TrainedRun, first: dict[str, Any], second: dict[str, Any]) -> None:
    different = [
        f"{key} is {_shown(first.get(key))} in {one.folder.name} and {_shown(second.get(key))} in {other.folder.name}"
        for key in dict.fromkeys([*first, *second])
        if first.get(key) != second.get(key)
    ]
    if different:
        raise PainlitError(
            f"these runs do not go together: {some(different, 3, '; ')}",
            "bundle runs that differ in model.modality alone, or each by itself",
        )


def _shown(value: Any) -> str:
    return "not there" if value is None else repr(value)
