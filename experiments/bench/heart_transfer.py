"""Whether heartbeat pretraining helps the main job: the proxy's leave-one-subject-out from heart rates, NP against P4.

The Heart Rate Encoder starts from random weights, or from MIT-BIH's heartbeats. The proxy's ECG is MIT-BIH's too, so
the records that it shows are left out of pretraining: nobody's heart is on both sides. Everything is run with several
seeds, since the proxy is small; finished runs are read again.

It is no pain data: the heart rates are those of windows chosen for it.
"""

from pathlib import Path

import numpy as np

from experiments import pretrain_ecg
from experiments.bench.data import RUNS, real_data
from experiments.bench.proxy import PROXY, loso_run, shown_in_the_proxy
from painlit.config import load
from painlit.loso.finished import read_folds

SEEDS = 3
EPOCHS = 5
SETTINGS = "model.modality=heart_rate", "data.name=proxy"


def main() -> None:
    """Run what is not finished and print both accuracies and their difference."""
    weights = pretrained()
    right: dict[str, list[dict[str, list[bool]]]] = {"random": [], "heartbeats": []}
    for seed in range(SEEDS):
        for start, file in (("random", "untrained"), ("heartbeats", str(weights))):
            named = f"name=proxy-heart-{start}-{seed}"
            done = loso_run(*SETTINGS, f"model.heart_rate_encoder.weights={file}", f"seed={seed}", named)
            right[start].append(right_by_subject(done.folder))
    report(right)


def pretrained() -> Path:
    """The encoder of the proxy's size, after the heartbeats of records that are not in the proxy."""
    encoder = load([PROXY, *SETTINGS]).model.heart_rate_encoder
    sizes = [
        f"model.heart_rate_encoder.{key}={getattr(encoder, key)}" for key in ("latents", "latent_dim", "output_dim")
    ]
    left_out = f"ecg.leave_out=[{','.join(sorted(shown_in_the_proxy('mitdb_record')))}]"
    settings = [
        "config=experiments/mitbih.yaml",
        f"ecg.roots.mitbih={real_data('mitdb')}",
        f"runs={RUNS}",
        "name=beside-the-proxy",
    ]
    return pretrain_ecg.run(load([*settings, left_out, f"ecg.train.epochs={EPOCHS}", *sizes])).weights


def right_by_subject(folder: Path) -> dict[str, list[bool]]:
    """Subject -> whether each of its clips was told right, in a finished run."""
    told = read_folds(sorted((folder / "folds").iterdir()))
    right = told.probabilities.argmax(1) == told.labels
    return {subject: right[told.subjects == subject].tolist() for subject in np.unique(told.subjects).tolist()}


def report(right: dict[str, list[dict[str, list[bool]]]]) -> None:
    """Accuracies over all seeds, and their difference with an interval drawn over subjects."""
    subjects = sorted(right["random"][0])
    clips = np.array([len(right["random"][0][subject]) for subject in subjects])
    mean = {
        start: np.array([[np.sum(run[subject]) for subject in subjects] for run in runs]).mean(axis=0)
        for start, runs in right.items()
    }  # start -> (subjects,) clips told right, on average over seeds
    draws = np.random.default_rng(0).integers(len(subjects), size=(10_000, len(subjects)))
    print(f"proxy, NP against P4 from heart rates, {len(subjects)} people, {SEEDS} seeds (stand-in data, no pain):")
    for start, counts in mean.items():
        low, high = np.percentile(counts[draws].sum(1) / clips[draws].sum(1), [2.5, 97.5])
        each = ", ".join(f"{100 * sum(map(sum, run.values())) / clips.sum():.2f}" for run in right[start])
        overall = f"{100 * counts.sum() / clips.sum():.2f} % ({100 * low:.1f} to {100 * high:.1f} over subjects)"
        print(f"  encoder from {start}: {overall}; seeds {each}")
    gain = mean["heartbeats"] - mean["random"]
    low, high = np.percentile(gain[draws].sum(1) / clips[draws].sum(1), [2.5, 97.5])
    print(f"  gain: {100 * gain.sum() / clips.sum():+.2f} points ({100 * low:+.1f} to {100 * high:+.1f})")
