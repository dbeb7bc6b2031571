"""What `make loso` costs beside training: wall time of 24 folds on two workers against their pure training times.

A fold's pure training time is what it spends in the training loop. Everything else that the command does is overhead:
imports, starting processes, reading clips, building models, checkpoints, predictions, the evaluation and its report,
and a worker that waits for the other's last fold. Twice, without Weights & Biases and with it offline, as by default.
All of it goes with the number of folds or comes once, so longer folds have a smaller share: these have 240 epochs of 92
clips, about 25 s on a core, the paper's 800 of 3,440. The heart rates of proxy A and cached embeddings are prepared
before. Other `key=value` arguments reach the configuration.
"""

import json
import shutil
import subprocess
import sys
import time

from experiments.bench.data import RUNS
from experiments.bench.proxy import prepared
from painlit.config import load
from painlit.errors import PainlitError

WORKERS = 2
SETTINGS = (f"runs={RUNS / 'overhead'}", "embed.weights=untrained", "model.modality=fusion",
            f"loso.workers={WORKERS}", "train.epochs=240")  # fmt: skip


def main() -> None:
    """Prepare, run both, and print the overhead."""
    settings = prepared("A", *SETTINGS)
    lines = []
    for wandb in ("disabled", "offline"):
        arguments = [*settings, f"log.wandb={wandb}", f"name=overhead-{wandb}"]
        config = load(arguments)
        workers = config.loso.workers or 1
        folder = config.folder("loso")
        shutil.rmtree(folder, ignore_errors=True)
        started = time.monotonic()
        ended = subprocess.run([sys.executable, "-m", "experiments.loso", *arguments], check=False)
        wall = time.monotonic() - started
        if ended.returncode:
            raise PainlitError("the run failed", f"see {folder / 'failures.json'}")
        folds = [json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("folds/*/metrics.json")]
        training = sum(fold["training_seconds"] for fold in folds) / workers
        whole = sum(fold["seconds"] for fold in folds) / workers
        lines.append(
            f"  log.wandb={wandb}: {len(folds)} folds of {config.train.epochs} epochs in {wall:.1f} s; pure training "
            f"{training:.1f} s on {workers} workers: overhead {100 * (wall / training - 1):.1f} % (within folds "
            f"{whole - training:.1f} s, around them {wall - whole:.1f} s)"
        )
    print("wall time of a leave-one-subject-out run against its pure training:")
    print("\n".join(lines))
