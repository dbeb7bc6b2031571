"""Forty steps of stage 2 on real faces lower the loss of every task."""

import csv
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from lightning import Trainer

from data_modules.photographs.emotion_datamodule import EmotionDataModule
from data_modules.photographs.expression_folders import ExpressionFolders
from painlit.config import Config, load
from painlit.images.build_index import open_index
from painlit.images.index import ImageIndex
from painlit.tasks import EmotionMultitask
from painlit.training.sampling import Draw

TINY = (
    "spatial.image_size=48 spatial.depth=2 spatial.inner_dim=24 spatial.embed_dim=40 spatial.outer_heads=4 "
    "face.margin=0 images.workers=0 images.flip=false images.shift=0 images.scale=0 images.rotation=0 images.light=0 "
    "stage2.train.warmup_epochs=0 stage2.train.batch_size=32 stage2.train.lr=2e-3"
).split()


@pytest.fixture(scope="module")
def london(shared_data: Path) -> Path:
    folder = shared_data / "faces" / "london"
    if not folder.is_dir():
        pytest.skip("the London faces are not here")
    return folder


def linked(folder: Path, classes: dict[str, list[Path]]) -> Path:
    for name, photographs in classes.items():
        (folder / name).mkdir(parents=True)
        for path in photographs:
            (folder / name / f"{path.stem}_{path.parent.name}.jpg").symlink_to(path)
    return folder


@pytest.fixture(scope="module")
def tasks(london: Path, tmp_path_factory) -> tuple[Config, list[ImageIndex]]:
    """Neutral or smiling, and women or men: the same photographs twice, with two labels."""
    folder = tmp_path_factory.mktemp("tasks")
    people = list(csv.DictReader((london / "info.csv").read_text().splitlines()))
    shown = {sex: [p["face_id"] for p in people if p["face_gender"] == sex][:4] for sex in ("female", "male")}
    looks = {
        look: [london / look / f"{name}.jpg" for names in shown.values() for name in names]
        for look in ("neutral", "smiling")
    }
    sexes = {sex: [london / look / f"{name}.jpg" for name in shown[sex] for look in looks] for sex in shown}
    config = load(TINY)
    indices = [
        open_index(ExpressionFolders(linked(folder / name, classes), name), folder / "index", "detect", config.face)
        for name, classes in {"looks": looks, "sexes": sexes}.items()
    ]
    return config, indices


def losses(module: EmotionMultitask, data: EmotionDataModule) -> list[float]:
    """Mean cross-entropy of each task over all its training images, as they are."""
    found = []
    with torch.inference_mode():
        for task, (head, rows) in enumerate(zip(module.heads.values(), data.train_rows, strict=True)):
            images = data.train_dataloader().dataset
            crops = np.stack([images.crop(Draw(task, int(row), -1)) for row in rows])
            embeddings = module.eval()(torch.from_numpy(crops.transpose(0, 3, 1, 2).copy()))
            labels = torch.from_numpy(data.indices[task].labels[rows].astype(np.int64))
            found.append(float(F.cross_entropy(head(embeddings), labels)))
    module.train()
    return found


def test_forty_steps_lower_the_loss_of_every_task(tasks, tmp_path):
    config, indices = tasks
    data = EmotionDataModule(config)
    data.divide(indices)
    module = EmotionMultitask(data.classes, spatial=config.spatial, train=config.stage2.train)
    before = losses(module, data)
    trainer = Trainer(
        max_steps=40, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, limit_val_batches=0, default_root_dir=tmp_path, use_distributed_sampler=False,
    )  # fmt: skip
    trainer.fit(module, data)
    after = losses(module, data)
    print(
        f"losses of {list(data.classes)}: {before} before, {after} after; weights {module.weighting.weights.tolist()}"
    )
    chance = float(np.log(2))  # the start is above it: less than before is not enough
    assert all(a < min(b, chance) - 0.02 for a, b in zip(after, before, strict=True))
