"""The four modules by themselves: any Trainer of any length, any DataLoader of the documented batches."""

import math
import runpy
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import lightning as L
import pytest
import torch
from torch.utils.data import DataLoader

from painlit.config import (
    EcgTraining,
    HeartRateEncoderConfig,
    ModelConfig,
    SpatialConfig,
    Stage1Training,
    Stage2Training,
    TemporalConfig,
    TrainConfig,
)
from painlit.errors import PainlitError
from painlit.tasks import EmotionMultitask, FaceRecognition, HeartbeatClassification, PainAssessment

SPATIAL = SpatialConfig(image_size=32, inner_dim=8, embed_dim=8, depth=1, inner_heads=2, outer_heads=2)
TEMPORAL = TemporalConfig(latents=4, latent_dim=8, self_attention_blocks=1)
ENCODER = HeartRateEncoderConfig(latents=4, latent_dim=8, output_dim=16)
LENGTH = {"epochs": 60, "warmup_epochs": 5, "lr": 1e-2}
FRAMES, D, CLIPS = 4, 8, 16


def face_recognition(**changes: Any) -> FaceRecognition:
    return FaceRecognition(4, spatial=SPATIAL, train=Stage1Training(**LENGTH | changes))


def face_recognition_on_flat_images(**changes: Any) -> FaceRecognition:
    return FaceRecognition(4, network="temporal", temporal=TEMPORAL, train=Stage1Training(**LENGTH | changes))


def emotion_multitask(**changes: Any) -> EmotionMultitask:
    return EmotionMultitask({"looks": 2, "sexes": 2}, spatial=SPATIAL, train=Stage2Training(**LENGTH | changes))


def heartbeat_classification(**changes: Any) -> HeartbeatClassification:
    classes = {"one": ["N", "V"], "other": ["healthy", "ill"]}
    return HeartbeatClassification(classes, encoder=ENCODER, train=EcgTraining(**LENGTH | changes))


def pain_assessment(**changes: Any) -> PainAssessment:
    model = ModelConfig(heart_rate_encoder=ENCODER, temporal=TEMPORAL)
    return PainAssessment(2, model=model, frames=FRAMES, embedding_dim=D, train=TrainConfig(**LENGTH | changes))


def joint_training(**changes: Any) -> PainAssessment:
    model = ModelConfig(heart_rate_encoder=ENCODER, temporal=TEMPORAL)
    spatial = replace(SPATIAL, mean=[0.4, 0.5, 0.6], std=[0.2, 0.2, 0.2])
    return PainAssessment(
        2, model=model, frames=FRAMES, embedding_dim=D, spatial=spatial, train=TrainConfig(**LENGTH | changes)
    )


MODULES = [
    face_recognition,
    face_recognition_on_flat_images,
    emotion_multitask,
    heartbeat_classification,
    pain_assessment,
    joint_training,
]
"""Each makes a small module; `LENGTH` holds its settings of epochs and learning rate."""


def items(module: L.LightningModule) -> list[dict[str, Any]]:
    """16 items of the documented batches, whose class is easy to see."""
    generator = torch.Generator().manual_seed(0)
    found = []
    for k in range(CLIPS):
        label = k % 2
        item: dict[str, Any] = {"label": label, "task": k // 2 % 2}
        noise = torch.rand(FRAMES, D, generator=generator)
        if isinstance(module, PainAssessment):
            item |= {"full": noise + 2 * label, "tiles": noise, "bpm": 60 + 30 * label + 5 * noise[0, :5], "clip": k}
            pixels = torch.randint(0, 60, (FRAMES, 3, 64, 64), generator=generator, dtype=torch.uint8)
            item["crops"] = pixels + 150 * label
        elif isinstance(module, HeartbeatClassification):
            item["beats"] = 0.5 * label + 0.3 * torch.rand(20, generator=generator)
        else:
            pixels = torch.randint(0, 60, (3, 32, 32), generator=generator, dtype=torch.uint8)
            item["images"] = pixels + 150 * label
        found.append(item)
    return found


def loader(module: L.LightningModule, shuffle: bool = False) -> DataLoader:
    return DataLoader(items(module), batch_size=8, shuffle=shuffle)  # type: ignore[arg-type]


def trainer(folder: Path, **options: Any) -> L.Trainer:
    quiet = {"enable_progress_bar": False, "enable_model_summary": False, "logger": False, "accelerator": "cpu"}
    return L.Trainer(default_root_dir=folder, **quiet | options)


@pytest.mark.parametrize("make", MODULES)
def test_fit_validate_test_predict_and_load(make: Callable[..., L.LightningModule], tmp_path: Path):
    module = make(epochs=30, warmup_epochs=1)
    batches = loader(module)
    short = trainer(tmp_path, max_epochs=30, num_sanity_val_steps=0)
    short.fit(module, loader(module, shuffle=True), batches)
    learnt = {key: float(value) for key, value in short.callback_metrics.items() if key.startswith("val/")}
    accuracies = [value for key, value in learnt.items() if key.endswith("accuracy")]
    assert min(accuracies) > 0.9, f"it learns what is easy to see: {learnt}"
    (validated,), (tested,) = short.validate(module, batches, verbose=False), short.test(module, batches, verbose=False)
    assert validated == pytest.approx(learnt, rel=1e-5)
    assert {key.replace("test/", "val/"): value for key, value in tested.items()} == pytest.approx(learnt, rel=1e-5)

    (checkpoint,) = tmp_path.rglob("*.ckpt")
    again = type(module).load_from_checkpoint(checkpoint, map_location="cpu", weights_only=True)
    before, after = (short.predict(m, batches) for m in (module, again))
    for one, other in zip(before, after, strict=True):
        shares = [value for key, value in one.items() if key not in ("embedding", "label", "clip")]
        assert all(torch.allclose(value.sum(-1), torch.ones(8), atol=1e-5) for value in shares), "over classes"
        assert one.keys() == other.keys()
        assert all(torch.equal(one[key], other[key]) for key in one)
    size = sum(len(repr(value)) for value in torch.load(checkpoint, weights_only=True)["hyper_parameters"].values())
    assert size < 2000, "a checkpoint holds what the module needs, not every setting of the project"


@pytest.mark.parametrize("epochs", [5, 20, 60])
@pytest.mark.parametrize("make", [face_recognition, emotion_multitask, heartbeat_classification, pain_assessment])
def test_the_learning_rate_follows_the_trainers_own_length(make, epochs: int, tmp_path: Path):
    module, seen = make(), []

    class Rates(L.Callback):
        def on_train_batch_start(self, trainer, *_):
            seen.append([group["lr"] for group in trainer.optimizers[0].param_groups])

    options = {"max_epochs": epochs, "enable_checkpointing": False, "limit_val_batches": 0, "callbacks": [Rates()]}
    trainer(tmp_path, **options).fit(module, loader(module))
    total = 2 * epochs
    warmup = {5: 1, 20: 3, 60: 10}[epochs]  # a twelfth of the steps, as 5 of 60 epochs
    expected = [
        (step + 1) / warmup if step < warmup else (1 + math.cos(math.pi * (step - warmup) / (total - warmup))) / 2
        for step in range(total)
    ]
    assert len(seen) == total
    for rates, share in zip(seen, expected, strict=True):
        assert rates == pytest.approx([1e-2 * share] * len(rates), rel=1e-6)
    assert min(min(rates) for rates in seen) > 0


def test_steps_instead_of_epochs_and_a_trainer_without_an_end(tmp_path: Path):
    options = {"enable_checkpointing": False, "limit_val_batches": 0}
    module = pain_assessment()
    steps = trainer(tmp_path, max_steps=7, max_epochs=-1, **options)
    steps.fit(module, loader(module))
    assert steps.optimizers[0].param_groups[0]["lr"] == pytest.approx(0, abs=1e-9)
    endless = pain_assessment()
    with pytest.raises(PainlitError, match=r"no last step\n.*max_epochs or max_steps"):
        trainer(tmp_path, max_epochs=-1, **options).fit(endless, loader(endless))


def test_accumulated_gradients_are_those_of_the_whole_batch(tmp_path: Path):
    options = {"max_epochs": 4, "enable_checkpointing": False, "limit_val_batches": 0}
    weights = []
    for size, passes in ((8, 1), (4, 2)):
        module = heartbeat_classification(epochs=4, warmup_epochs=0)
        batches = DataLoader(items(module), batch_size=size)  # type: ignore[arg-type]
        trainer(tmp_path, accumulate_grad_batches=passes, **options).fit(module, batches)
        weights.append(torch.cat([p.flatten() for p in module.network.parameters()]))
    torch.testing.assert_close(*weights, rtol=1e-3, atol=1e-5)


SCRIPT = """
import os
import sys
import torch
import lightning as L
sys.path.insert(0, {folder!r})
import test_alone
torch.set_num_threads(1)
if __name__ == "__main__":
    module = test_alone.{name}(epochs=2, warmup_epochs=0, lr=1e-3)
    run = test_alone.trainer({place!r}, max_epochs=2, enable_checkpointing=False, num_sanity_val_steps=0,
                             devices={devices}, strategy={strategy!r})
    items = test_alone.items(module)  # divided as they stand: Lightning's own sampler would shuffle them
    rank = int(os.environ.get("LOCAL_RANK", "0"))
    sampler = torch.utils.data.DistributedSampler(items, {devices}, rank, shuffle=False)
    batches = torch.utils.data.DataLoader(items, batch_size={batch}, sampler=sampler)
    run.fit(module, batches, batches)
    run.test(module, batches, verbose=False)
    if run.is_global_zero:
        torch.save(module.state_dict(), {place!r} + "/{devices}.pt")
"""


@pytest.mark.slow  # tests/training/test_cluster.py has a fast one under torchrun
@pytest.mark.parametrize("make", [emotion_multitask, face_recognition, heartbeat_classification, pain_assessment])
def test_two_processes_learn_what_one_does(make, tmp_path: Path):
    for devices, batch, strategy in ((1, 8, "auto"), (2, 4, "ddp")):
        script = tmp_path / f"train{devices}.py"
        script.write_text(
            SCRIPT.format(folder=str(Path(__file__).parent), name=make.__name__, place=str(tmp_path), devices=devices,
                          batch=batch, strategy=strategy)
        )  # fmt: skip
        if devices == 1:
            runpy.run_path(str(script), run_name="__main__")
            continue
        done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, cwd=Path.cwd())
        assert done.returncode == 0, done.stdout + done.stderr
    one, two = (torch.load(tmp_path / f"{devices}.pt", weights_only=True) for devices in (1, 2))
    networks = [key for key in one if key.startswith(("network.", "heads.", "model.", "weighting."))]
    assert networks
    if make is not pain_assessment:  # its augmentations draw other numbers in each process
        start = make().state_dict()
        path, gap = (torch.cat([(one[key] - other[key]).flatten() for key in networks]) for other in (start, two))
        assert gap.norm() < 1e-3 * path.norm()


def test_only_matrices_decay_if_asked_for():
    def decaying(**changes: Any) -> set[str]:
        module = emotion_multitask(**changes)
        module.trainer = L.Trainer(max_steps=5, max_epochs=-1, logger=False, accelerator="cpu")
        groups = module.configure_optimizers()["optimizer"].param_groups
        held = {id(p) for group in groups if group["weight_decay"] for p in group["params"]}
        return {name for name, parameter in module.named_parameters() if id(parameter) in held}

    every = {name for name, _ in emotion_multitask().named_parameters()}
    assert every - decaying() == {"weighting.w"}, "by default all but the losses' weights, as Table 2 reads"
    spared = every - decaying(decay="matrices")
    assert {"weighting.w", "network.tnt.patch_pos", "network.tnt.cls_token", "network.tnt.norm.weight"} <= spared
    assert "heads.looks.linear.bias" in spared
    assert {"heads.looks.linear.weight", "network.tnt.proj.weight"} <= decaying(decay="matrices")
    module = heartbeat_classification(decay="matrices")
    module.trainer = L.Trainer(max_steps=5, max_epochs=-1, logger=False, accelerator="cpu")
    (matrices, _) = module.configure_optimizers()["optimizer"].param_groups
    assert id(module.network.perceiver.latents) not in {id(p) for p in matrices["params"]}


def test_augmentations_of_pain_follow_from_seed_and_epoch_alone(tmp_path: Path):
    def drawn(seed: int, disturbance: int) -> list[list[float]]:
        """What augmentations would draw first in each of three epochs."""
        numbers = []

        class First(L.Callback):
            def on_train_batch_start(self, trainer, module, batch, batch_index):
                if batch_index == 0:
                    with torch.random.fork_rng():
                        numbers.append(torch.rand(3).tolist())

            def on_train_epoch_end(self, trainer, module):
                torch.rand(disturbance)

        module = PainAssessment(
            2, model=ModelConfig(heart_rate_encoder=ENCODER, temporal=TEMPORAL, basic=True), frames=FRAMES,
            embedding_dim=D, train=TrainConfig(**LENGTH), seed=seed,
        )  # fmt: skip
        options = {"enable_checkpointing": False, "limit_val_batches": 0, "callbacks": [First()]}
        trainer(tmp_path, max_epochs=3, **options).fit(module, loader(module))
        return numbers

    first = drawn(seed=1, disturbance=1)
    assert len({tuple(numbers) for numbers in first}) == 3, "each epoch draws others"
    assert drawn(seed=1, disturbance=7) == first
    assert not any(a in first for a in drawn(seed=2, disturbance=1))


def test_a_checkpoint_of_another_version_loads(tmp_path: Path):
    module = pain_assessment()
    run = trainer(tmp_path, max_epochs=1, limit_val_batches=0)
    run.fit(module, loader(module))
    (path,) = tmp_path.rglob("*.ckpt")
    checkpoint = torch.load(path, weights_only=True)
    settings = checkpoint["hyper_parameters"]["train"]
    settings["of_another_version"] = 3
    del settings["decay"], checkpoint["hyper_parameters"]["model"]["basic"]
    torch.save(checkpoint, path)
    again = PainAssessment.load_from_checkpoint(path, map_location="cpu", weights_only=True)
    assert again.train_settings.decay == "all"
    assert torch.equal(again.model.temporal.head.weight, module.model.temporal.head.weight)


def test_strangers_are_embedded_with_their_mirror_image():
    module = face_recognition().eval()
    images = torch.randint(0, 256, (2, 3, 32, 32), dtype=torch.uint8)
    with torch.no_grad():
        module.validation_step({"images": images, "label": torch.tensor([4, 5])}, 0)
        expected = module(images) + module(images[..., torch.arange(31, -1, -1)])  # left and right exchanged
    torch.testing.assert_close(module.verification.embeddings[0], expected)
