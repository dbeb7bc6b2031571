"""Whether heartbeat pretraining helps: leave-one-subject-out on both proxies from heart rates, NP against P4.

The Heart Rate Encoder starts from random weights, or from MIT-BIH's heartbeats. A proxy's ECG is MIT-BIH's too, so the
records that it shows are left out of its pretraining, once for A and once for B: nobody's heart is on both sides.
Everything is run with several seeds, since the proxies are small; finished runs are read again.

It is no pain data: the heart rates are those of windows chosen for it.
"""

from pathlib import Path

import numpy as np

from experiments import pretrain_ecg
from experiments.bench.data import RUNS, real_data
from experiments.bench.proxy import TITLES, loso_run, settings_of, shown_in
from painlit.config import load
from painlit.config.proxy import HALVES
from painlit.loso.finished import read_folds

SEEDS = 3
EPOCHS = 5
MODALITY = "model.modality=heart_rate"


def main() -> None:
    """Run what is not finished and print both accuracies and their difference, of each half."""
    lines = []
    for half in HALVES:
        starts = {"random": "untrained", "heartbeats": str(pretrained(half))}
        right: dict[str, list[np.ndarray]] = {start: [] for start in starts}
        for seed in range(SEEDS):
            for start, file in starts.items():
                named = f"name=proxy-{half}-heart-{start}-{seed}"
                done = loso_run(half, MODALITY, f"model.heart_rate_encoder.weights={file}", f"seed={seed}", named)
                correct, clips = right_by_subject(done.folder)
                right[start].append(correct)
        lines.append(f" {TITLES[half]}, {len(clips)} people:")
        lines += report({start: np.stack(runs) for start, runs in right.items()}, clips)
    print(f"proxies, NP against P4 from heart rates, {SEEDS} seeds (stand-in data, no pain):")
    print("\n".join(lines))


def pretrained(half: str) -> Path:
    """The encoder of the proxy's size, after the heartbeats of records that are not in a half."""
    encoder = load(settings_of(half, MODALITY)).model.heart_rate_encoder
    settings = ["config=experiments/mitbih.yaml", f"runs={RUNS}", f"name=beside-proxy-{half}"]
    settings += [f"ecg.roots.mitbih={real_data('mitdb')}", f"ecg.train.epochs={EPOCHS}"]
    settings += [f"ecg.leave_out=[{','.join(sorted(shown_in(half, 'mitdb_record')))}]"]
    for key in ("latents", "latent_dim", "output_dim"):
        settings.append(f"model.heart_rate_encoder.{key}={getattr(encoder, key)}")
    return pretrain_ecg.run(load(settings)).weights


def right_by_subject(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Of each subject of a finished run: correctly classified clips, and all clips, (S,) each."""
    predictions = read_folds(sorted((folder / "folds").iterdir()))
    subject = np.unique(predictions.subjects, return_inverse=True)[1]
    return np.bincount(subject, predictions.probabilities.argmax(1) == predictions.labels), np.bincount(subject)


def report(right: dict[str, np.ndarray], clips: np.ndarray) -> list[str]:
    """Lines of accuracies over all seeds, and their difference with an interval drawn over subjects.

    Args:
        right: Where the encoder starts from -> correctly classified clips, (seeds, S).
        clips: Of each subject, (S,).
    """
    draws = np.random.default_rng(0).integers(len(clips), size=(10_000, len(clips)))

    def percent(counts: np.ndarray) -> list[float]:
        """A share of all clips, and its interval."""
        drawn = counts[draws].sum(1) / clips[draws].sum(1)
        return [100 * value for value in (counts.sum() / clips.sum(), *np.percentile(drawn, [2.5, 97.5]))]

    lines = []
    for start, runs in right.items():
        share, low, high = percent(runs.mean(0))
        each = ", ".join(f"{100 * run.sum() / clips.sum():.2f}" for run in runs)
        lines.append(f"  encoder from {start}: {share:.2f} % ({low:.1f} to {high:.1f} over subjects); seeds {each}")
    share, low, high = percent(right["heartbeats"].mean(0) - right["random"].mean(0))
    return [*lines, f"  gain: {share:+.2f} points ({low:+.1f} to {high:+.1f})"]
