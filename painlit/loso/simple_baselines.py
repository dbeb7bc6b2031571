"""Simple models on the folds of a run: what a network must beat. Each learns from a fold's training clips alone.

- The class that most training clips have.
- Logistic regression on a few numbers of a clip, as the run's model gets them (so without a person's own mean where
  `data.baseline` subtracts it): the mean heart rate; the mean frame embedding, eq. 7's D; that of the last frames less
  that of the first; and these together. Only what the run's modality has.

Numbers are standardised by the training clips. The penalty is fixed: C = 1 / (how many numbers), with which the scores
of standardised clips have a variance of 1 before anything is learnt, however many numbers there are. So nothing
is tuned, and the tested people decide nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from painlit.config import Config
from painlit.errors import PainlitError
from painlit.loso.comparison import compare
from painlit.loso.data import FoldData
from painlit.loso.metrics import METRICS, summary
from painlit.loso.protocols import Fold, with_selection
from painlit.loso.results import Predictions, accuracy_interval
from painlit.models.pain import combine_embeddings
from painlit.runs.artefact import read_artefact, write_artefact
from painlit.system.seeds import derive_seed

MAJORITY = "majority class"
EDGE_FRAMES = 4
"""Frames at each end of a clip whose means are compared; of a short clip its halves'."""
FILE = "simple_baselines.json"
"""Their predictions, in the folder of the run, so that they are not computed again."""
_CLIPS_AT_ONCE = 64
_ITERATIONS = 2_000


def simple_features(config: Config, data: FoldData) -> dict[str, np.ndarray]:
    """The numbers of all clips that logistic regressions are fitted on: name -> (clips, numbers).

    Embeddings of a Spatial-Module that is trained in each fold (`train.joint`) are not there.
    """
    parts: dict[str, list[np.ndarray]] = {}
    count = len(data.clips.names)
    for start in range(0, count, _CLIPS_AT_ONCE):
        inputs = data.inputs(np.arange(start, min(start + _CLIPS_AT_ONCE, count)))
        if "bpm" in inputs:
            parts.setdefault("mean heart rate", []).append(inputs["bpm"].double().mean(1, keepdim=True).numpy())
        if "full" in inputs:
            full, tiles = inputs["full"].float(), inputs["tiles"].float()
            frames = combine_embeddings(full, tiles, config.model.frame_embedding, config.model.tile_coefficient)
            edge = max(1, min(EDGE_FRAMES, frames.shape[1] // 2))
            change = frames[:, -edge:].mean(1) - frames[:, :edge].mean(1)
            parts.setdefault("mean embedding", []).append(frames.mean(1).double().numpy())
            parts.setdefault("last less first embedding", []).append(change.double().numpy())
    features = {name: np.concatenate(values) for name, values in parts.items()}
    if len(features) > 1:
        features["all together"] = np.concatenate([*features.values()], axis=1)
    return features


def predict_fold(features: Mapping[str, np.ndarray], data: FoldData, test: np.ndarray, classes: int) -> dict[str, Any]:
    """Class probabilities of a fold's test clips: name of the simple model -> (len(test), classes).

    Args:
        features: Of all clips.
        data: The fold's.
        test: Positions of its test clips.
        classes: How many.
    """
    train, labels = data.train.positions, data.train.labels[data.train.positions]
    shares = np.bincount(labels, minlength=classes) / len(labels)
    probabilities = {MAJORITY: np.tile(shares, (len(test), 1))}
    for name, values in features.items():
        probabilities[name] = _logistic_regression(values[train], labels, values[test], classes)
    return probabilities


def _logistic_regression(train: np.ndarray, labels: np.ndarray, test: np.ndarray, classes: int) -> np.ndarray:
    """Probabilities of the test clips, (n, classes); of a class that no training clip has, 0."""
    from sklearn.linear_model import LogisticRegression  # here, because it takes a second to import
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    there = np.unique(labels)
    probabilities = np.zeros((len(test), classes))
    if len(there) == 1:
        probabilities[:, there] = 1
        return probabilities
    model = make_pipeline(StandardScaler(), LogisticRegression(C=1 / train.shape[1], max_iter=_ITERATIONS))
    probabilities[:, there] = model.fit(train, labels).predict_proba(test)
    return probabilities


def simple_predictions(
    config: Config, data: FoldData, folds: Sequence[Fold], folder: Path, made_from: Mapping[str, Any]
) -> dict[str, Predictions]:
    """Predictions of the folds' test clips: name of the simple model -> all of them.

    They are kept in the run's folder, and computed for folds that are not there yet or were made from something else.

    Args:
        config: The run's configuration.
        data: All usable clips, and what models start from.
        folds: Those that are finished.
        folder: Of the run.
        made_from: What the run depends on.
    """
    kept = _kept(folder / FILE, made_from)
    missing = [fold for fold in folds if fold.name not in kept]
    if missing:
        print(f"fitting simple models to the training clips of {len(missing)} folds", flush=True)
        features = simple_features(config, data)
        for fold in missing:
            fold = with_selection(fold, config.loso.selection, config.loso.inner_share, config.seed)
            divided = data.divided(fold.train, fold.validation, fold.test, derive_seed(config.seed, fold.name))
            probabilities = predict_fold(features, divided, data.clips.of_subjects(fold.test), len(config.classes))
            kept[fold.name] = {name: values.round(8).tolist() for name, values in probabilities.items()}
        write_artefact(folder / FILE, {"folds": kept}, made_from)
    at = np.concatenate([data.clips.of_subjects(fold.test) for fold in folds])
    clips, subjects, labels = [data.clips.names[k] for k in at], data.clips.subjects[at], data.clips.labels[at]
    return {
        name: Predictions(clips, subjects, labels, np.concatenate([kept[fold.name][name] for fold in folds]))
        for name in kept[folds[0].name]
    }


def _kept(path: Path, made_from: Mapping[str, Any]) -> dict[str, Any]:
    """Fold -> predictions of an earlier call; none if they are damaged or were made from something else."""
    try:
        return read_artefact(path, "", made_from)["folds"] if path.is_file() else {}
    except PainlitError:
        return {}


def compare_simple(model: Predictions, simple: Mapping[str, Predictions]) -> dict[str, Any]:
    """What results.json holds of simple models: name -> their figures, and the run's model less theirs, paired.

    Raises:
        PainlitError: They did not predict the same clips.
    """
    table = {}
    for name, predictions in simple.items():
        pooled, paired = summary(predictions.labels, predictions.probabilities), compare(predictions, model)
        table[name] = {
            **{metric: pooled[metric] for metric in METRICS},
            "interval_95": accuracy_interval(predictions),
            "difference": paired["difference"],
            "difference_95": paired["interval_95"],
            "p": paired["subjects_p"],
        }
    return table
