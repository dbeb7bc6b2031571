"""Train the classifier of beats: the weights of `painlit.signals.ecg.qrs_network`, `make bench ARGS=qrs_network`.

From every other record of the MIT-BIH Arrhythmia Database, synthetic ECGs and noise, all of them disturbed. The other
records are for `make bench ARGS=r_peaks`, which reports on them apart; here only the loss on them is printed. All is
seeded: with the same versions of numpy, scipy and scikit-learn the file under runs/bench is the package's own. To
change the features, copy it there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit
from sklearn.metrics import log_loss
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler

import painlit.signals.ecg
from data_modules.heartbeats.wfdb_records import read_lead
from experiments.bench.data import RUNS, real_data
from experiments.bench.ecg.records import Record, first_minutes, halves, load_records
from experiments.bench.ecg.training_ecgs import disturbed, excerpts, noise, synthetic
from painlit.signals.ecg.qrs_features import FEATURES, qrs_candidates
from painlit.signals.ecg.qrs_network import WEIGHTS
from painlit.system.files import write_text
from painlit.system.progress import progress_bar

PLACE, IN_USE = RUNS / WEIGHTS, Path(painlit.signals.ecg.__path__[0]) / WEIGHTS
EXCERPTS = 150  # of each record
SYNTHETIC, NOISE = 10, 6  # of each for one excerpt of each record
DISTURBED = 0.5  # share of synthetic ones
WHOLE = 10.0  # minutes of each record as they are
TOLERANCE = 0.100  # s between a candidate and its beat
HIDDEN, PENALTY, RATE, BATCH, EPOCHS = 32, 1e-3, 2e-3, 512, 60
NETWORKS = 5
DIGITS = 5


def main() -> None:
    """Learn, print the loss on both halves and write the weights."""
    folder = real_data("mitdb")
    learned, others = halves(load_records(folder))
    generator = np.random.default_rng(1)
    features, beats = _examples(learned, folder, EXCERPTS, generator)
    held_out, truth = _examples(others, folder, EXCERPTS // 15, generator)
    scaler = StandardScaler().fit(features)
    networks = [
        MLPClassifier(
            (HIDDEN,), alpha=PENALTY, learning_rate_init=RATE, batch_size=BATCH, max_iter=EPOCHS, early_stopping=True,
            random_state=seed,
        ).fit(scaler.transform(features), beats)
        for seed in range(NETWORKS)
    ]  # fmt: skip
    for name, x, y in (("learned from", features, beats), ("others", held_out, truth)):
        likely = [network.predict_proba(scaler.transform(x))[:, 1] for network in networks]
        mean = expit(logit(np.clip(likely, 1e-9, 1 - 1e-9)).mean(axis=0))
        print(f"{name}: {len(y):,} candidates, {y.mean():.1%} beats, log loss {log_loss(y, mean):.4f}")
    weights = {"mean": scaler.mean_, "scale": scaler.scale_, **_mean_of(networks)}
    rounded = {name: np.round(values, DIGITS).tolist() for name, values in weights.items()}
    records = [record.name for record in learned]
    write_text(PLACE, json.dumps({"features": FEATURES, "mitdb_records": records, **rounded}) + "\n")
    same = "the same as" if PLACE.read_bytes() == IN_USE.read_bytes() else "not those of"
    print(f"weights: {PLACE}, {same} {IN_USE}")


def _mean_of(networks: list[MLPClassifier]) -> dict[str, NDArray[np.float64]]:
    """One network whose log-odds are the mean of theirs: what one of them makes of a rare candidate, others do not."""
    return {
        "hidden": np.concatenate([network.coefs_[0] for network in networks], axis=1),
        "hidden_bias": np.concatenate([network.intercepts_[0] for network in networks]),
        "out": np.concatenate([network.coefs_[1][:, 0] for network in networks]) / len(networks),
        "out_bias": np.mean([network.intercepts_[1][0] for network in networks]),
    }


def _ecgs(records: list[Record], folder: Path, count: int, generator: np.random.Generator) -> Iterator[Record]:
    for record in records:
        yield from excerpts(record, read_lead(folder / record.name, 1)[0], count, generator)
    for _ in range(NOISE * count):
        yield noise(generator)
    for _ in range(SYNTHETIC * count):
        made = synthetic(generator)
        yield disturbed(made, generator) if generator.random() < DISTURBED else made
    for record in records:
        yield first_minutes(record, WHOLE)


def _examples(
    records: list[Record], folder: Path, count: int, generator: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Features of all candidates, and which are beats; without those in flutter."""
    features, beats = [], []
    with progress_bar("ECGs", len(records) * (count + 1) + (NOISE + SYNTHETIC) * count) as advance:
        for record in _ecgs(records, folder, count, generator):
            found = qrs_candidates(record.ecg, record.rate)
            kept = np.ones(found.at.size, bool)
            for first, last in record.flutter:
                kept &= (found.at < first) | (found.at > last)
            features.append(found.features[kept])
            beats.append(_nearest(found.at, record)[kept])
            advance()
    return np.concatenate(features), np.concatenate(beats)


def _nearest(at: NDArray[np.int64], record: Record) -> NDArray[np.bool_]:
    """Which candidates, (k,), are the nearest to an annotated beat."""
    beat = np.zeros(at.size, bool)
    if at.size:
        after = np.clip(np.searchsorted(at, record.beats), 1, max(1, at.size - 1))
        sides = np.stack([after - 1, np.minimum(after, at.size - 1)])
        apart = np.abs(at[sides] - record.beats)
        nearest = sides[apart.argmin(axis=0), np.arange(record.beats.size)]
        beat[nearest[apart.min(axis=0) <= TOLERANCE * record.rate]] = True
    return beat
