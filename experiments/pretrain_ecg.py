"""`make pretrain-ecg`: heartbeat classification, for the Heart Rate Encoder.

A stopped run goes on with the same command. Leaves runs/heartbeats/<collection>/ (the beats, cut once, and
problems.csv) and runs/pretrain-ecg/<run>/{config.yaml, checkpoints/, weights/heart_rate_encoder.safetensors,
confusion.csv, metrics.json}.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from experiments.command import main, stage_in_its_own_process
from painlit.config import Config
from painlit.system.csv_files import csv_text, write_csv
from painlit.system.processes import process_rank
from painlit.weights.pretrained import network_sizes

if TYPE_CHECKING:
    from painlit.tasks import HeartbeatClassification
    from painlit.training.stage import StageResult, Trained
    from painlit.training.trainer import Run

STAGE, NETWORK = "pretrain-ecg", "heart_rate_encoder"


@stage_in_its_own_process(STAGE)
def run(config: Config) -> StageResult:
    """Train the Heart Rate Encoder to classify heartbeats and write its weights."""
    from data_modules.heartbeats.datamodule import HeartbeatDataModule
    from painlit.tasks import HeartbeatClassification
    from painlit.tasks.heartbeat_classification import BEAT_MEAN, BEAT_SCALE
    from painlit.training.stage import Trained, pretrain, run_stage

    data = HeartbeatDataModule(config)
    data.prepare_data()
    data.setup()
    described = data.describe()

    def work(run: Run) -> Trained:
        if process_rank() == 0:
            for source in data.sources:
                for why, records in source.left_out().items():
                    print(f"{source.name}: {len(records)} records of {why} are left out, such as {records[0]}")
            _announce(described)
        module = HeartbeatClassification(
            data.classes,
            data.train_counts,
            balance=config.ecg.class_weights,
            encoder=config.model.heart_rate_encoder,
            train=config.ecg.train,
            seed=config.seed,
        )
        metrics = pretrain(module, data, config.ecg.train, run)
        if process_rank() == 0:
            confusions = _confusions(module)
            print(csv_text(confusions))
            write_csv(run.folder / "confusion.csv", confusions)
        scalars = {"beat_mean": BEAT_MEAN, "beat_scale": BEAT_SCALE}
        about = {"data": described, NETWORK: network_sizes(config, NETWORK), "scalars": scalars}
        return Trained({NETWORK: module.network}, metrics, about)

    return run_stage(STAGE, config, ["ecg"], {"data": described}, NETWORK, work)


def _announce(about: dict[str, Any]) -> None:
    for name, part in about.items():
        for what, key in (("to learn from", "train_beats"), ("to validate on", "validation_beats")):
            counts = part[key]
            each = ", ".join(f"{kind} {count:,}" for kind, count in counts.items())
            print(f"{name}, {part['records']} records, {part['split']}: {sum(counts.values()):,} beats {what}: {each}")
        for why, count in part["skipped"].items():
            print(f"{name}: {count} beats are left out: {why}; see runs/heartbeats/{name}/problems.csv")


def _confusions(module: HeartbeatClassification) -> list[list[object]]:
    """Confusion matrices of the validation beats, one below the other."""
    rows: list[list[object]] = []
    for name, classes in module.classes.items():
        rows.append([f"{name}: true \\ predicted", *classes])
        rows += [[kind, *row] for kind, row in zip(classes, module.confusion(name), strict=True)]
    return rows


if __name__ == "__main__":
    main(STAGE)
