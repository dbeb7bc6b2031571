"""`make pretrain-ecg`: heartbeat classification, for the Heart Rate Encoder.

A stopped run goes on with the same command. Leaves runs/heartbeats/<collection>/ (the beats, cut once, and
problems.csv) and runs/pretrain-ecg/<run>/{config.yaml, checkpoints/, weights/heart_rate_encoder.safetensors,
confusion.csv, metrics.json}.
"""

from __future__ import annotations

import csv
import io
import time
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments.command import main
from painlit.config import Config
from painlit.runs.folder import ECG, check_fingerprint, fingerprint, run_lock
from painlit.runs.provenance import save_config
from painlit.system.files import read_json, write_text
from painlit.weights.pretrained import encoder_sizes

if TYPE_CHECKING:
    from painlit.tasks.heartbeat_classification import HeartbeatClassification

STAGE = "pretrain-ecg"


@dataclass(frozen=True)
class EcgResult:
    """What `make pretrain-ecg` left."""

    folder: Path
    weights: Path
    metrics: dict[str, Any]


def run(config: Config) -> EcgResult:
    """Train the Heart Rate Encoder to tell heartbeats and write its weights."""
    from data_modules.heartbeats.datamodule import HeartbeatDataModule, heartbeat_sources
    from painlit.tasks.heartbeat_classification import BEAT_MEAN, BEAT_SCALE, HeartbeatClassification
    from painlit.training.pretraining import is_first_process, leave_results, pretrain
    from painlit.training.trainer import Run

    started = time.monotonic()
    folder = config.folder(STAGE)
    weights = folder / "weights" / "heart_rate_encoder.safetensors"
    sources = heartbeat_sources(config)
    data = HeartbeatDataModule(config, sources, Path(config.runs) / "heartbeats")
    first = is_first_process()
    with run_lock(folder) if first else nullcontext():
        if first:
            check_fingerprint(folder, fingerprint(config, {"data": data.describe()}, ECG))
        if (folder / "metrics.json").is_file():
            print(f"{folder} is finished; give name=… for another run")
            return EcgResult(folder, weights, read_json(folder / "metrics.json"))
        if first:
            save_config(config, folder)
            for source in sources:
                for why, records in source.left_out().items():
                    print(f"{source.name}: {len(records)} records of {why} are left out, such as {records[0]}")
            _announce(data.describe())
        module = HeartbeatClassification(config.to_dict(), data.classes, data.train_counts)
        settings = Run(folder, group=STAGE, name=folder.name, kind=STAGE, config=config)
        trainer, metrics = pretrain(module, data, config.ecg.train, settings)
        if trainer.is_global_zero:
            table = _confusions(module)
            print(table)
            write_text(folder / "confusion.csv", table)
            scalars = {"beat_mean": BEAT_MEAN, "beat_scale": BEAT_SCALE}
            about = {"data": data.describe(), "heart_rate_encoder": encoder_sizes(config), "scalars": scalars}
            leave_results(config, settings, {"heart_rate_encoder": module.network}, metrics, about, started)
            print(f"weights: {weights}")
    return EcgResult(folder, weights, metrics)


def _announce(about: dict[str, Any]) -> None:
    for name, part in about.items():
        for what, key in (("to learn from", "train_beats"), ("to validate on", "validation_beats")):
            counts = part[key]
            each = ", ".join(f"{kind} {count:,}" for kind, count in counts.items())
            print(f"{name}, {part['records']} records, {part['split']}: {sum(counts.values()):,} beats {what}: {each}")
        for why, count in part["skipped"].items():
            print(f"{name}: {count} beats are left out: {why}; see runs/heartbeats/{name}/problems.csv")


def _confusions(module: HeartbeatClassification) -> str:
    """Confusion matrices of the validation beats, one below the other, as CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for name, classes in module.classes.items():
        writer.writerow([f"{name}: true \\ predicted", *classes])
        writer.writerows([kind, *row] for kind, row in zip(classes, module.confusion(name), strict=True))
    return text.getvalue()


if __name__ == "__main__":
    main(run, __doc__)
