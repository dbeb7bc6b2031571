"""A model's expected performance, and its temperature: from predictions of held-out subjects alone."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from painlit.config import Config
from painlit.errors import PainlitError
from painlit.inference.bundles.temperature import fit_temperature, held_out_probabilities
from painlit.loso.finished import binding, is_finished, read_folds, read_metrics, read_run
from painlit.loso.metrics import expected_calibration_error, summary
from painlit.loso.results import Predictions
from painlit.runs.artefact import DamagedError, refuse_changes

_COPIED = (
    "protocol", "selection", "folds", "subjects", "pooled", "interval_95", "over_subjects", "subgroups", "remarks",
    "weights_differ",
)  # fmt: skip
"""Keys of results.json that are copied unchanged."""


@dataclass(frozen=True)
class LosoRun:
    """A finished run of `make loso`."""

    folder: Path
    config: Config
    results: dict[str, Any]
    folds: dict[str, dict[str, Any]]
    """Fold -> its metrics.json."""

    @classmethod
    def open(cls, folder: Path) -> LosoRun:
        """A run of which all folds are finished.

        Raises:
            PainlitError: It is missing or not finished (what is missing is named), a file was changed since it was
                written, or the run is a control, whose model must not be used.
        """
        if not (folder / "results.json").is_file():
            raise PainlitError(f"{folder} has no results.json", "finish that run with `make loso` first")
        config, results = read_run(folder)
        refuse_controls(folder, config)
        made_from = results["provenance"]["made_from"]
        done = sorted(place for place in (folder / "folds").glob("*") if is_finished(place))
        folds = {place.name: read_metrics(place, binding(made_from, place.name)) for place in done}
        if len(folds) < results["folds"]:
            everyone = {name for metrics in folds.values() for names in metrics["subjects"].values() for name in names}
            missing = sorted(everyone - {*folds}) if results["protocol"] in ("loso", "loso67") else []
            raise PainlitError(
                f"{folder} has {len(folds)} of {results['folds']} folds"
                + (f"; {', '.join(missing[:10])} {'is' if len(missing) == 1 else 'are'} missing" if missing else ""),
                "finish that run with `make loso` first",
            )
        run = cls(folder, config, results, folds)
        predictions = run.predictions
        pooled = summary(predictions.labels, predictions.probabilities)
        same = pooled["confusion"] == results["pooled"]["confusion"]
        if not same or not math.isclose(pooled["brier"], results["pooled"]["brier"], rel_tol=1e-9):
            raise DamagedError(f"{folder / 'results.json'} is not of the folds beside it", "run `make loso` again")
        return run

    @property
    def made_from(self) -> Mapping[str, Any]:
        """Everything that its folds depend on."""
        return self.results["provenance"]["made_from"]

    @cached_property
    def predictions(self) -> Predictions:
        """Of every held-out subject."""
        return read_folds(self.folder / "folds" / name for name in self.folds)

    def temperature(self) -> float:
        """Fitted on all predictions of held-out subjects."""
        predictions = self.predictions
        return fit_temperature(predictions.labels, predictions.probabilities)

    def figures(self) -> dict[str, Any]:
        """The entry `expected` of bundle.json.

        The calibration error after scaling is cross-validated: the temperature of each subject is fitted on
        all others.
        """
        predictions = self.predictions
        labels, after = predictions.labels, held_out_probabilities(predictions)
        before = expected_calibration_error(labels, predictions.probabilities)
        copied = {key: self.results[key] for key in _COPIED}
        return {
            "run": self.folder.name,
            **copied,
            "ece": {"before": before, "after": expected_calibration_error(labels, after)},
        }


def matching_run(runs: Path, name: str, wanted: str, fingerprint: Mapping[str, Any]) -> tuple[LosoRun | None, str]:
    """The finished run of `make loso` that gives the expected performance of a model of `make finetune`.

    Args:
        runs: Folder of everything.
        name: The model's run.
        wanted: Name of the run of `make loso`; empty takes the one of the same name, if it fits.
        fingerprint: What the model depends on: settings, clips, embeddings, the weights it started from.

    Returns:
        The run or None, and a sentence about it.

    Raises:
        PainlitError: The named run is not finished or was made differently (each difference is named).
    """
    folder = runs / "loso" / (wanted or name)
    if not wanted and not (folder / "results.json").is_file():
        return None, f"figures to expect: unknown, {folder} is no finished run of `make loso`"
    try:
        run = LosoRun.open(folder)
        of_model = {key: value for key, value in fingerprint.items() if key != "held out"}
        theirs = {key: run.made_from[key] for key in of_model if key in run.made_from}
        refuse_changes(folder, theirs, of_model, "name a run of `make loso` with these settings: finetune.loso=NAME")
    except PainlitError as error:
        if wanted:
            raise
        return None, f"figures to expect: unknown, {error.what}"
    return run, f"figures to expect, and the temperature, come from {folder}"


def refuse_controls(folder: Path, config: Config) -> None:
    """Refuse runs that are controls.

    Raises:
        PainlitError: Labels were shuffled, or epochs were selected on the test subjects.
    """
    if why := control(config):
        raise PainlitError(f"{folder} is no run to bundle: {why}", "bundle a run without that setting")


def control(config: Config) -> str:
    """Why a run of this configuration is a control only; empty if it is not."""
    if config.loso.shuffle_labels:
        return "its training labels were shuffled (loso.shuffle_labels=true)"
    if config.loso.selection == "oracle":
        return "its epochs were selected on the subjects that were tested (loso.selection=oracle)"
    return ""
