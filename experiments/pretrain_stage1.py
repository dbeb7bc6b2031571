"""`make pretrain-stage1`: face recognition, for the Spatial-Module or (stage1.network=temporal) the Temporal-Module.

A stopped run goes on with the same command. Leaves runs/index/<stage1.name>-…/ (the list of images, made once) and
runs/pretrain-stage1/<run>/{config.yaml, checkpoints/, weights/{spatial,temporal}.safetensors, metrics.json}.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from experiments.command import main, stage_in_its_own_process
from painlit.config import Config
from painlit.models.normalisation import MEAN, STD
from painlit.system.processes import process_rank
from painlit.weights.pretrained import network_sizes

if TYPE_CHECKING:
    from painlit.training.stage import StageResult, Trained
    from painlit.training.trainer import Run

STAGE = "pretrain-stage1"


@stage_in_its_own_process(STAGE)
def run(config: Config) -> StageResult:
    """Train one network to recognise identities and write its weights."""
    from data_modules.photographs.face_datamodule import FaceDataModule
    from painlit.tasks import FaceRecognition
    from painlit.training.stage import Trained, pretrain, run_stage
    from painlit.training.unreadable import UnreadableImages
    from painlit.weights.networks import refuse_other_networks

    stage = config.stage1
    if stage.network == "spatial":
        refuse_other_networks(config.spatial)
    data = FaceDataModule(config)
    data.prepare_data()
    data.setup()
    described = data.describe()

    def work(run: Run) -> Trained:
        if process_rank() == 0:
            _announce(described, data.size)
        module = FaceRecognition(
            data.identities,
            network=stage.network,
            teacher=data.targets.size if data.targets else 0,
            spatial=config.spatial,
            temporal=config.model.temporal,
            head=stage.head,
            arcface_scale=stage.arcface_scale,
            arcface_margin=stage.arcface_margin,
            train=stage.train,
            seed=config.seed,
        )
        unreadable = UnreadableImages(run.folder / "unreadable.txt", stage.train.checkpoint_steps)
        metrics = pretrain(module, data, stage.train, run, [unreadable])
        about = {"data": described, **data.described_teacher(), **_sizes(config, data.size)}
        return Trained({stage.network: module.network}, metrics, about)

    results = ["stage1"] if stage.network == "spatial" else ["stage1", "stage1-temporal"]
    return run_stage(STAGE, config, results, {"data": described, **data.described_teacher()}, stage.network, work)


def _announce(about: dict[str, Any], size: int) -> None:
    print(
        f"{about['identities']} identities, {about['train_images']} images of {size} px to learn from; "
        f"{about['top1_images']} for top-1, {about['verification_images']} for verification, of "
        f"{about['verification_identities']} others"
    )


def _sizes(config: Config, size: int) -> dict[str, Any]:
    """What a later stage must know of the network: sizes and normalisation."""
    normalisation = {"mean": list(config.spatial.mean or MEAN), "std": list(config.spatial.std or STD)}
    if config.stage1.network == "spatial":
        return {"spatial": network_sizes(config, "spatial") | normalisation}
    return {"temporal": network_sizes(config, "temporal"), "images": {"size": size, **normalisation}}


if __name__ == "__main__":
    main(STAGE)
