"""`make pretrain-stage1`: face recognition, for the Spatial-Module or (stage1.network=temporal) the Temporal-Module.

A stopped run goes on with the same command. Leaves runs/index/<stage1.name>-…/ (the list of images, made once) and
runs/pretrain-stage1/<run>/{config.yaml, checkpoints/, weights/{spatial,temporal}.safetensors, metrics.json}.
"""

from __future__ import annotations

import time
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from experiments.command import main
from painlit.config import Config
from painlit.models.normalisation import MEAN, STD
from painlit.runs.folder import STAGE1, STAGE1_TEMPORAL, check_fingerprint, fingerprint, run_lock
from painlit.runs.provenance import save_config
from painlit.system.files import read_json
from painlit.weights.pretrained import temporal_sizes

STAGE = "pretrain-stage1"


@dataclass(frozen=True)
class Stage1Result:
    """What `make pretrain-stage1` left."""

    folder: Path
    weights: Path
    metrics: dict[str, Any]


def run(config: Config) -> Stage1Result:
    """Train one network to tell identities apart and write its weights."""
    from data_modules.photographs.face_datamodule import FaceDataModule, open_face_index
    from painlit.tasks.face_recognition import FaceRecognition
    from painlit.training.pretraining import is_first_process, leave_results, pretrain
    from painlit.training.trainer import Run
    from painlit.training.unreadable import UnreadableImages

    started = time.monotonic()
    network = config.stage1.network
    folder = config.folder(STAGE)
    weights = folder / "weights" / f"{network}.safetensors"
    spatial = network == "spatial"
    data = FaceDataModule(
        config, open_face_index(config), config.spatial.image_size if spatial else config.flattened_size
    )
    first = is_first_process()
    with run_lock(folder) if first else nullcontext():
        if first:
            keys = STAGE1 if spatial else STAGE1_TEMPORAL
            check_fingerprint(folder, fingerprint(config, {"data": data.describe()}, keys))
        if (folder / "metrics.json").is_file():
            print(f"{folder} is finished; give name=… for another run")
            return Stage1Result(folder, weights, read_json(folder / "metrics.json"))
        if first:
            save_config(config, folder)
            _announce(data.describe(), data.size)
        module = FaceRecognition(config.to_dict(), data.identities)
        settings = Run(folder, group=STAGE, name=folder.name, kind=STAGE, config=config)
        unreadable = UnreadableImages(folder / "unreadable.txt", config.stage1.train.checkpoint_steps)
        trainer, metrics = pretrain(module, data, config.stage1.train, settings, [unreadable])
        if trainer.is_global_zero:
            about = {"data": data.describe(), **_sizes(config, data.size)}
            leave_results(config, settings, {network: module.network}, metrics, about, started)
            print(f"weights: {weights}")
    return Stage1Result(folder, weights, metrics)


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
        return {"spatial": {**asdict(config.spatial), **normalisation}}
    return {"temporal": temporal_sizes(config), "images": {"size": size, **normalisation}}


if __name__ == "__main__":
    main(run, __doc__)
