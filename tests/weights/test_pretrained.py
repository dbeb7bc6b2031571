import os
from dataclasses import asdict
from pathlib import Path

import pytest
import torch

from painlit.config import load
from painlit.errors import PainlitError
from painlit.models.normalisation import MEAN, STD, Normalise
from painlit.weights.files import digest, save_weights
from painlit.weights.networks import build_heart_rate_encoder, build_spatial_module, build_temporal_module
from painlit.weights.pretrained import (
    encoder_sizes,
    find_weights,
    load_pretrained_temporal_module,
    pretrained_spatial_module,
    temporal_sizes,
    weights_fingerprints,
    with_found_weights,
)

SMALL = (
    "spatial.image_size=32 spatial.depth=1 spatial.inner_dim=8 spatial.embed_dim=8 "
    "spatial.inner_heads=2 spatial.outer_heads=2"
)


def config(runs: Path, *arguments: str):
    return load([*SMALL.split(), f"runs={runs}", *arguments])


def leave(runs: Path, stage: str, name: str, age: int, **normalisation) -> Path:
    """A Spatial-Module as a stage leaves it, so many seconds old."""
    settings = config(runs, f"seed={age}")
    torch.manual_seed(age)
    path = runs / stage / name / "weights" / "spatial.safetensors"
    about = {**asdict(settings.spatial), "mean": list(MEAN), "std": list(STD), **normalisation}
    save_weights(path, build_spatial_module(settings.spatial), {"spatial": about})
    os.utime(path, (1e9 - age, 1e9 - age))
    return path


def test_the_later_stage_is_preferred_and_of_its_runs_the_newest(tmp_path):
    leave(tmp_path, "pretrain-stage1", "newest", age=1)
    leave(tmp_path, "pretrain-stage2", "old", age=30)
    newer = leave(tmp_path, "pretrain-stage2", "newer", age=20)
    found = pretrained_spatial_module(config(tmp_path), "auto")
    assert found.source == str(newer)
    torch.manual_seed(20)
    assert digest(found.spatial.state_dict()) == digest(build_spatial_module(config(tmp_path).spatial).state_dict())


def test_without_any_the_step_that_would_leave_one_is_named(tmp_path):
    with pytest.raises(PainlitError, match=r"run make pretrain-stage1, or give embed\.weights"):
        pretrained_spatial_module(config(tmp_path), "auto")
    with pytest.raises(PainlitError, match=r'make pretrain-stage1 ARGS="stage1\.network=temporal"'):
        find_weights(config(tmp_path), "auto", "temporal", ["pretrain-stage1"])


def test_normalisation_comes_with_the_weights_and_another_is_refused(tmp_path):
    path = leave(tmp_path, "pretrain-stage1", "grey", 1, mean=[0.5, 0.5, 0.5], std=[0.2, 0.2, 0.2])
    found = pretrained_spatial_module(config(tmp_path), str(path))
    white = found.normalise(torch.full((1, 3, 2, 2), 255, dtype=torch.uint8))
    assert white.flatten().tolist() == pytest.approx([2.5] * 12)
    with pytest.raises(PainlitError, match=r"spatial\.mean is \[0\.1, 0\.1, 0\.1\], the weights' JSON says \[0\.5"):
        pretrained_spatial_module(config(tmp_path, "spatial.mean=[0.1,0.1,0.1]"), str(path))


def test_weights_of_other_sizes_are_refused(tmp_path):
    path = leave(tmp_path, "pretrain-stage1", "small", 1)
    with pytest.raises(PainlitError, match=r"blocks\.1|does not fit"):
        pretrained_spatial_module(config(tmp_path, "spatial.depth=2"), str(path))
    with pytest.raises(PainlitError, match=r"spatial\.inner_heads is 4, the weights' JSON says 2"):
        pretrained_spatial_module(config(tmp_path, "spatial.inner_heads=4"), str(path))


def test_untrained_weights_are_the_seeds(tmp_path):
    one, again = (pretrained_spatial_module(config(tmp_path, "seed=7"), "untrained") for _ in range(2))
    assert digest(one.spatial.state_dict()) == digest(again.spatial.state_dict())
    assert one.settings == {"mean": list(MEAN), "std": list(STD)}


def test_normalise_is_the_formula():
    image = torch.randint(0, 256, (2, 3, 4, 4), dtype=torch.uint8)
    mean, std = torch.tensor(MEAN).view(3, 1, 1), torch.tensor(STD).view(3, 1, 1)
    assert torch.allclose(Normalise()(image), (image / 255 - mean) / std, atol=1e-6)


def test_local_contrast_takes_light_away_and_keeps_detail():
    torch.manual_seed(0)
    detail = torch.randint(0, 60, (2, 5, 3, 32, 32))
    dark, bright = (Normalise(local_contrast=0.25)((detail + level).to(torch.uint8)) for level in (20, 180))
    assert dark.shape == (2, 5, 3, 32, 32)  # frames and tiles too
    assert torch.allclose(dark, bright, atol=1e-4)
    assert 0.5 < dark.std() < 2
    assert Normalise(local_contrast=0.25)(torch.full((1, 3, 32, 32), 200)).abs().max() < 1e-4  # flat stays flat


def test_weights_say_whether_they_read_local_contrast(tmp_path):
    old = leave(tmp_path, "pretrain-stage1", "old", 1)
    assert pretrained_spatial_module(config(tmp_path), str(old)).normalise.local_contrast == 0
    with pytest.raises(PainlitError, match=r"spatial\.local_contrast is 0\.25, the weights' JSON says 0\.0"):
        pretrained_spatial_module(config(tmp_path, "spatial.local_contrast=0.25"), str(old))
    new = leave(tmp_path, "pretrain-stage1", "new", 2, local_contrast=0.25)
    given = config(tmp_path, "spatial.local_contrast=0.25")
    assert pretrained_spatial_module(given, str(new)).normalise.local_contrast == 0.25


ENCODER = ("model.heart_rate_encoder.latents=4", "model.heart_rate_encoder.latent_dim=8")
TEMPORAL = "model.temporal.latents=4 model.temporal.latent_dim=8 model.temporal.self_attention_blocks=1".split()


def leave_temporal(runs: Path, name: str, age: int) -> Path:
    settings = config(runs, *TEMPORAL)
    torch.manual_seed(age)
    path = runs / "pretrain-stage1" / name / "weights" / "temporal.safetensors"
    save_weights(path, build_temporal_module(settings).perceiver, {"temporal": temporal_sizes(settings)})
    os.utime(path, (1e9 - age, 1e9 - age))
    return path


def test_each_misfit_of_the_tensors_is_named(tmp_path):
    path = leave(tmp_path, "pretrain-stage1", "small", 1)
    other = config(tmp_path, "spatial.depth=2")
    with pytest.raises(PainlitError, match=r"blocks\.1\.\S+ is missing"):
        pretrained_spatial_module(other, str(path))
    deeper = tmp_path / "deeper.safetensors"
    save_weights(deeper, build_spatial_module(other.spatial), {"spatial": asdict(other.spatial)})
    with pytest.raises(PainlitError, match=r"blocks\.1\.\S+ is not expected"):
        pretrained_spatial_module(config(tmp_path), str(deeper))


def test_weights_that_do_not_tell_their_normalisation_are_refused(tmp_path):
    path = leave(tmp_path, "pretrain-stage1", "silent", 1, mean=None, std=None)
    with pytest.raises(PainlitError, match=r"spatial\.mean is None.*spatial\.std is None"):
        pretrained_spatial_module(config(tmp_path), str(path))


def test_stage_2_starts_from_stage_1_alone(tmp_path):
    older = leave(tmp_path, "pretrain-stage1", "one", age=9)
    leave(tmp_path, "pretrain-stage2", "two", age=1)
    assert pretrained_spatial_module(config(tmp_path), "auto", ["pretrain-stage1"]).source == str(older)


def test_a_stage_can_be_named(tmp_path):
    one = leave(tmp_path, "pretrain-stage1", "one", age=9)
    two = leave(tmp_path, "pretrain-stage2", "two", age=1)
    assert pretrained_spatial_module(config(tmp_path), "stage1").source == str(one)
    assert pretrained_spatial_module(config(tmp_path), "stage2").source == str(two)
    two.unlink()
    with pytest.raises(PainlitError, match="run make pretrain-stage2"):
        pretrained_spatial_module(config(tmp_path), "stage2")


def test_a_temporal_module_starts_from_stage_1_but_for_its_scores(tmp_path):
    leave_temporal(tmp_path, "old", 9)
    leave_temporal(tmp_path, "new", 2)
    settings = config(tmp_path, *TEMPORAL)
    torch.manual_seed(77)
    module = build_temporal_module(settings)
    before = {name: tensor.clone() for name, tensor in module.state_dict().items() if "perceiver" not in name}
    load_pretrained_temporal_module(settings, module)
    torch.manual_seed(2)
    assert digest(module.perceiver.state_dict()) == digest(build_temporal_module(settings).perceiver.state_dict())
    assert before
    assert all(torch.equal(module.state_dict()[name], tensor) for name, tensor in before.items())


@pytest.mark.parametrize("size", ["latents", "latent_dim", "token_size", "self_attention_blocks"])
def test_a_temporal_module_of_another_size_is_refused(tmp_path, size: str):
    leave_temporal(tmp_path, "small", 1)
    other = config(tmp_path, *TEMPORAL, f"model.temporal.{size}=16")
    module = build_temporal_module(other)
    with pytest.raises(PainlitError, match=r"does not fit"):
        load_pretrained_temporal_module(other, module)


def leave_encoder(runs: Path, name: str, age: int) -> Path:
    """A Heart Rate Encoder as pretrain-ecg leaves it, so many seconds old."""
    settings = config(runs, *ENCODER)
    torch.manual_seed(age)
    path = runs / "pretrain-ecg" / name / "weights" / "heart_rate_encoder.safetensors"
    encoder = build_heart_rate_encoder(settings.model.heart_rate_encoder)
    save_weights(path, encoder, {"heart_rate_encoder": encoder_sizes(settings)})
    os.utime(path, (1e9 - age, 1e9 - age))
    return path


def test_all_folds_take_the_weights_found_once(tmp_path):
    path, encoder = leave_temporal(tmp_path, "first", 9), leave_encoder(tmp_path, "first", 9)
    fixed = with_found_weights(config(tmp_path, *TEMPORAL, *ENCODER))
    leave_temporal(tmp_path, "later", 1)
    leave_encoder(tmp_path, "later", 1)
    for settings in (fixed, with_found_weights(fixed)):
        assert settings.model.temporal.weights == str(path)
        assert settings.model.heart_rate_encoder.weights == str(encoder)
    assert {"temporal weights", "heart rate encoder weights"} == weights_fingerprints(fixed).keys()


def test_a_model_that_reads_no_heart_rate_needs_no_encoder(tmp_path):
    leave_temporal(tmp_path, "first", 9)
    fixed = with_found_weights(config(tmp_path, *TEMPORAL, "model.modality=video"))
    assert fixed.model.heart_rate_encoder.weights == "auto"
    assert "heart rate encoder weights" not in weights_fingerprints(fixed)


def test_fingerprints_are_of_the_tensors_not_of_the_name(tmp_path):
    path, other = leave_temporal(tmp_path, "a", 1), leave_temporal(tmp_path, "b", 2)
    copy = tmp_path / "copy.safetensors"
    copy.write_bytes(path.read_bytes())
    video = "model.modality=video"
    found = [weights_fingerprints(config(tmp_path, video, f"model.temporal.weights={p}")) for p in (path, copy, other)]
    assert found[0] == found[1] != found[2]
    with pytest.raises(PainlitError, match=r"gone\.safetensors do not exist"):
        weights_fingerprints(config(tmp_path, video, f"model.temporal.weights={tmp_path}/gone.safetensors"))
