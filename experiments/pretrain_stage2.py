"""`make pretrain-stage2`: emotion recognition on several sets at once, from the Spatial-Module of stage 1.

A stopped run goes on with the same command. Leaves runs/index/<set>-…/ (the lists of images, made once) and
runs/pretrain-stage2/<run>/{config.yaml, checkpoints/, weights/spatial.safetensors, metrics.json}, and duplicates.csv if
training images were left out because they are validation images too.
"""

from __future__ import annotations

import csv
import io
import time
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from experiments.command import main
from painlit.config import Config
from painlit.runs.folder import STAGE2, check_fingerprint, fingerprint, run_lock
from painlit.runs.provenance import save_config
from painlit.system.files import read_json, write_text
from painlit.weights.files import digest
from painlit.weights.pretrained import STAGES, pretrained_spatial_module

STAGE = "pretrain-stage2"


@dataclass(frozen=True)
class Stage2Result:
    """What `make pretrain-stage2` left."""

    folder: Path
    weights: Path
    metrics: dict[str, Any]


def run(config: Config) -> Stage2Result:
    """Train the Spatial-Module to tell expressions and write its weights."""
    from data_modules.photographs.emotion_datamodule import EmotionDataModule, open_emotion_indices
    from painlit.tasks.emotion_multitask import EmotionMultitask
    from painlit.training.pretraining import is_first_process, leave_results, pretrain
    from painlit.training.trainer import Run
    from painlit.training.unreadable import UnreadableImages

    started = time.monotonic()
    folder = config.folder(STAGE)
    weights = folder / "weights" / "spatial.safetensors"
    start = pretrained_spatial_module(config, config.stage2.weights, STAGES[1:], config.stage2.train.drop_path)
    data = EmotionDataModule(config, open_emotion_indices(config), config.spatial.image_size)
    first = is_first_process()
    initial = {"source": start.source, "sha256": digest(start.spatial.state_dict())}
    with run_lock(folder) if first else nullcontext():
        if first:
            check_fingerprint(
                folder, fingerprint(config, {"data": data.describe(), "started from": initial["sha256"]}, STAGE2)
            )
        if (folder / "metrics.json").is_file():
            print(f"{folder} is finished; give name=… for another run")
            return Stage2Result(folder, weights, read_json(folder / "metrics.json"))
        if first:
            save_config(config, folder)
            _announce(data.describe())
            _report_duplicates(data.duplicates, folder)
        module = EmotionMultitask(config.to_dict(), data.classes)
        module.network, module.normalise = start.spatial, start.normalise
        settings = Run(folder, group=STAGE, name=folder.name, kind=STAGE, config=config)
        unreadable = UnreadableImages(folder / "unreadable.txt", config.stage2.train.checkpoint_steps)
        trainer, metrics = pretrain(module, data, config.stage2.train, settings, [unreadable])
        if trainer.is_global_zero:
            about = {
                "data": data.describe(),
                "spatial": {**asdict(config.spatial), **start.settings},
                "started_from": initial,
                "subjects": list(start.subjects),  # of pain data, if it started from a module that was finetuned
            }
            leave_results(config, settings, {"spatial": module.network}, metrics, about, started)
            print(f"weights: {weights}")
    return Stage2Result(folder, weights, metrics)


def _announce(about: dict[str, Any]) -> None:
    for name, part in about.items():
        print(
            f"{name}: {len(part['classes'])} classes, {part['train_images']} images to learn from, "
            f"{part['validation_images']} to validate on"
        )


def _report_duplicates(pairs: list[tuple[str, str]], folder: Path) -> None:
    if not pairs:
        return
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([("training image left out", "is the validation image"), *pairs])
    write_text(folder / "duplicates.csv", text.getvalue())
    train, validation = pairs[0]
    print(
        f"{len(pairs)} training images are left out because they are validation images too, such as {train}, which is "
        f"{validation}; see {folder / 'duplicates.csv'}"
    )


if __name__ == "__main__":
    main(run, __doc__)
