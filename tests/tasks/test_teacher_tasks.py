"""Stages 1 and 2 with a teacher: one more loss, over images without labels too."""

import pytest
import torch
from lightning import Trainer
from torch.utils.data import DataLoader

from painlit.config import SpatialConfig, Stage1Training, Stage2Training
from painlit.tasks import EmotionMultitask, FaceRecognition

SPATIAL = SpatialConfig(image_size=32, inner_dim=8, embed_dim=8, depth=1, inner_heads=2, outer_heads=2)
K = 3


def images_and_targets(count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Images of one colour each, and that colour, standardised."""
    colours = torch.rand(count, K, generator=torch.Generator().manual_seed(0))
    images = (255 * colours)[..., None, None].expand(-1, -1, 32, 32).to(torch.uint8)
    return images, (colours - 0.5) * 12**0.5


def loader(tasks: int = 3, batches: int = 1) -> DataLoader:
    """Batches whose items are of two labelled sets and, from task 2 on, of one without labels."""
    images, targets = images_and_targets(24)
    task = torch.arange(24) % tasks
    batch = {"images": images, "label": torch.arange(24) // 3 % 2, "task": task, "teacher": targets}
    return DataLoader([batch] * batches, batch_size=None)


def trainer(epochs: int, folder) -> Trainer:
    return Trainer(
        max_epochs=epochs, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, default_root_dir=folder,
    )  # fmt: skip


def emotion(**train) -> EmotionMultitask:
    settings = Stage2Training(**{"epochs": 150, "warmup_epochs": 5, "lr": 1e-2, "weight_decay": 0.0} | train)
    return EmotionMultitask({"looks": 2, "sexes": 2}, teacher=K, spatial=SPATIAL, train=settings)


def test_the_teachers_targets_are_learnt(tmp_path):
    module = emotion()
    run = trainer(150, tmp_path)
    run.fit(module, loader(), val_dataloaders=loader())
    assert float(run.callback_metrics["train/teacher/loss"]) < 0.4
    assert float(run.callback_metrics["val/teacher/explained"]) > 0.6
    assert {"train/looks/weight", "train/sexes/weight", "train/teacher/weight"} <= set(run.callback_metrics)


def test_explained_is_the_share_of_a_variance_of_one(tmp_path):
    module = emotion()
    with torch.no_grad():
        module.teacher.linear.weight.zero_()
        module.teacher.linear.bias.zero_()
    run = trainer(1, tmp_path)
    (metrics,) = run.test(module, loader(), verbose=False)
    _, targets = images_and_targets(24)
    assert metrics["test/teacher/explained"] == pytest.approx(1 - float(targets.square().mean()), abs=1e-5)


def test_images_without_labels_teach_through_the_teacher_alone(tmp_path):
    """Their labels change nothing; their targets change the gradient."""
    grads = []
    for label, target in ((0, 0.0), (1, 0.0), (0, 1.0)):
        module = emotion()
        module.trainer = trainer(1, tmp_path)
        (batch,) = loader()
        unlabelled = batch["task"] == 2
        batch["label"] = batch["label"].masked_fill(unlabelled, label)
        batch["teacher"] = batch["teacher"] + target * unlabelled[:, None]
        module.trainer.fit_loop.epoch_loop.batch_progress.is_last_batch = False
        module.training_step(batch, 0).backward()
        grads.append(torch.cat([p.grad.ravel() for p in module.network.parameters() if p.grad is not None]))
    assert torch.equal(grads[0], grads[1])
    assert not torch.allclose(grads[0], grads[2])


def test_stage_1_learns_from_it_beside_identities(tmp_path):
    settings = Stage1Training(epochs=150, warmup_epochs=5, lr=1e-2, weight_decay=0.0)
    module = FaceRecognition(2, teacher=K, spatial=SPATIAL, train=settings)
    run = trainer(150, tmp_path)
    run.fit(module, loader())
    assert float(run.callback_metrics["train/teacher/loss"]) < 0.4


def test_the_losses_weights_do_not_decay(tmp_path):
    for module in (emotion(weight_decay=0.1), FaceRecognition(2, teacher=K, spatial=SPATIAL)):
        module.trainer = trainer(3, tmp_path)
        module.trainer.strategy.connect(module)
        module.trainer.fit_loop.setup_data = lambda: None
        module.trainer.fit_loop.max_batches = 4
        groups = module.configure_optimizers()["optimizer"].param_groups
        (decay,) = {group["weight_decay"] for group in groups if any(p is module.weighting.w for p in group["params"])}
        assert decay == 0
