"""`make pretrain-stage2`: emotion recognition on several sets at once, from the Spatial-Module of stage 1.

A stopped run goes on with the same command. Leaves runs/index/<set>-…/ (the lists of images, made once) and
runs/pretrain-stage2/<run>/{config.yaml, checkpoints/, weights/spatial.safetensors, metrics.json}, and duplicates.csv if
training images were left out because they are validation images too, or edited copies of them.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments.command import main, stage_in_its_own_process
from painlit.config import Config
from painlit.system.csv_files import write_csv
from painlit.system.processes import process_rank
from painlit.weights.networks import refuse_other_networks
from painlit.weights.pretrained import SPATIAL_STAGES, resolve_weights

if TYPE_CHECKING:
    from painlit.training.stage import StageResult, Trained
    from painlit.training.trainer import Run

STAGE = "pretrain-stage2"


@stage_in_its_own_process(STAGE)
def run(config: Config) -> StageResult:
    """Train the Spatial-Module to classify expressions and write its weights."""
    from data_modules.photographs.emotion_datamodule import EmotionDataModule
    from painlit.tasks import EmotionMultitask
    from painlit.training.stage import Trained, pretrain, run_stage
    from painlit.training.unreadable import UnreadableImages

    refuse_other_networks(config.spatial)
    start = resolve_weights(config, "spatial", config.stage2.weights, SPATIAL_STAGES[1:])
    spatial = replace(config.spatial, mean=start.settings["mean"], std=start.settings["std"])
    data = EmotionDataModule(config)
    data.prepare_data()
    data.setup()
    described = data.describe()

    def work(run: Run) -> Trained:
        if process_rank() == 0:
            _announce(described, data.classes)
            _report_duplicates(data.duplicates, run.folder)
        teacher = data.targets.size if data.targets else 0
        module = EmotionMultitask(
            data.classes, teacher=teacher, spatial=spatial, train=config.stage2.train, seed=config.seed
        )
        start.load_into(module.network)
        unreadable = UnreadableImages(run.folder / "unreadable.txt", config.stage2.train.checkpoint_steps)
        metrics = pretrain(module, data, config.stage2.train, run, [unreadable])
        about = {
            "data": described,
            **data.described_teacher(),
            "spatial": start.settings,
            "started_from": {"source": start.source, "sha256": start.sha256},
            "subjects": list(start.subjects),  # of pain data, if it started from a module that was finetuned
        }
        return Trained({"spatial": module.network}, metrics, about)

    made_from: dict[str, Any] = {"data": described, **data.described_teacher(), "started from": start.sha256}
    if more := list(described)[len(config.stage2.sets) :]:
        made_from["more sets"] = more  # in their order, which weights depend on
    return run_stage(STAGE, config, ["stage2"], made_from, "spatial", work)


def _announce(about: dict[str, Any], labelled: Collection[str]) -> None:
    for name, part in about.items():
        classes = f"{len(part['classes'])} classes" if name in labelled else "no labels"
        print(
            f"{name}: {classes}, {part['train_images']} images to learn from, "
            f"{part['validation_images']} to validate on"
        )


def _report_duplicates(pairs: list[tuple[str, str]], folder: Path) -> None:
    if not pairs:
        return
    write_csv(folder / "duplicates.csv", [("training image left out", "is the validation image"), *pairs])
    train, validation = pairs[0]
    print(
        f"{len(pairs)} training images are left out because they are validation images too, or edited copies, such as "
        f"{train}, which is {validation}; see {folder / 'duplicates.csv'}"
    )


if __name__ == "__main__":
    main(STAGE)
