import os
from dataclasses import asdict
from pathlib import Path

import pytest
import torch

from painlit.clips.sources import resolve_sources
from painlit.config import ModelConfig, load
from painlit.errors import PainlitError
from painlit.models.normalisation import MEAN, STD, Normalise
from painlit.system.digests import digest
from painlit.weights.files import load_weights, read_weights, save_weights
from painlit.weights.networks import (
    build_heart_rate_encoder,
    build_pain_model,
    build_spatial_module,
    build_temporal_module,
)
from painlit.weights.pretrained import network_sizes, resolve_weights

SMALL = (
    "spatial.image_size=32 spatial.depth=1 spatial.inner_dim=8 spatial.embed_dim=8 "
    "spatial.inner_heads=2 spatial.outer_heads=2"
)


def config(runs: Path, *arguments: str):
    return load([*SMALL.split(), f"runs={runs}", *arguments])


def spatial(settings, wanted="auto", stages=None):
    """What is settled on, and the network with those weights."""
    start = resolve_weights(settings, "spatial", wanted, stages)
    torch.manual_seed(settings.seed)
    network = build_spatial_module(settings.spatial)
    start.load_into(network)
    return start, network


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
    found, network = spatial(config(tmp_path))
    assert found.source == str(newer)
    torch.manual_seed(20)
    assert digest(network.state_dict()) == digest(build_spatial_module(config(tmp_path).spatial).state_dict())


def test_without_any_the_step_that_would_leave_one_is_named(tmp_path):
    with pytest.raises(PainlitError, match=r"run make pretrain-stage1, or give embed\.weights"):
        spatial(config(tmp_path))
    with pytest.raises(PainlitError, match=r'make pretrain-stage1 ARGS="stage1\.network=temporal"'):
        resolve_weights(config(tmp_path), "temporal", "auto")


def test_normalisation_comes_with_the_weights_and_another_is_refused(tmp_path):
    path = leave(tmp_path, "pretrain-stage1", "grey", 1, mean=[0.5, 0.5, 0.5], std=[0.2, 0.2, 0.2])
    found, _ = spatial(config(tmp_path), str(path))
    white = Normalise(found.settings["mean"], found.settings["std"])(torch.full((1, 3, 2, 2), 255, dtype=torch.uint8))
    assert white.flatten().tolist() == pytest.approx([2.5] * 12)
    with pytest.raises(PainlitError, match=r"spatial\.mean is \[0\.1, 0\.1, 0\.1\], the weights' JSON says \[0\.5"):
        spatial(config(tmp_path, "spatial.mean=[0.1,0.1,0.1]"), str(path))


def test_weights_of_other_sizes_are_refused(tmp_path):
    path = leave(tmp_path, "pretrain-stage1", "small", 1)
    with pytest.raises(PainlitError, match=r"spatial\.depth is 2, the weights' JSON says 1"):
        spatial(config(tmp_path, "spatial.depth=2"), str(path))
    with pytest.raises(PainlitError, match=r"spatial\.inner_heads is 4, the weights' JSON says 2"):
        spatial(config(tmp_path, "spatial.inner_heads=4"), str(path))


def test_untrained_weights_are_the_seeds(tmp_path):
    (one, network), (_, again) = (spatial(config(tmp_path, "seed=7"), "untrained") for _ in range(2))
    assert digest(network.state_dict()) == digest(again.state_dict())
    assert (one.settings["mean"], one.settings["std"]) == (list(MEAN), list(STD))


def test_weights_say_whether_they_read_local_contrast(tmp_path):
    old = leave(tmp_path, "pretrain-stage1", "old", 1)
    assert spatial(config(tmp_path), str(old))[0].settings["local_contrast"] == 0
    with pytest.raises(PainlitError, match=r"spatial\.local_contrast is 0\.25, the weights' JSON says 0\.0"):
        spatial(config(tmp_path, "spatial.local_contrast=0.25"), str(old))
    new = leave(tmp_path, "pretrain-stage1", "new", 2, local_contrast=0.25)
    given = config(tmp_path, "spatial.local_contrast=0.25")
    assert spatial(given, str(new))[0].settings["local_contrast"] == 0.25


ENCODER = ("model.heart_rate_encoder.latents=4", "model.heart_rate_encoder.latent_dim=8")
TEMPORAL = "model.temporal.latents=4 model.temporal.latent_dim=8 model.temporal.self_attention_blocks=1".split()


def leave_temporal(runs: Path, name: str, age: int) -> Path:
    settings = config(runs, *TEMPORAL)
    torch.manual_seed(age)
    path = runs / "pretrain-stage1" / name / "weights" / "temporal.safetensors"
    module = build_temporal_module(settings.model.temporal).perceiver
    save_weights(path, module, {"temporal": network_sizes(settings, "temporal")})
    os.utime(path, (1e9 - age, 1e9 - age))
    return path


def test_each_misfit_of_the_tensors_is_named(tmp_path):
    path = leave(tmp_path, "pretrain-stage1", "small", 1)
    other = build_spatial_module(config(tmp_path, "spatial.depth=2").spatial)
    with pytest.raises(PainlitError, match=r"blocks\.1\.\S+ is missing"):
        load_weights(path, other)
    deeper = tmp_path / "deeper.safetensors"
    save_weights(deeper, other, {})
    with pytest.raises(PainlitError, match=r"blocks\.1\.\S+ is not expected"):
        load_weights(deeper, build_spatial_module(config(tmp_path).spatial))


def test_tensors_that_are_not_those_of_the_json_are_refused(tmp_path):
    path, other = (leave(tmp_path, "pretrain-stage1", name, age) for name, age in (("one", 1), ("other", 2)))
    settled, _ = spatial(config(tmp_path), str(path))
    path.write_bytes(other.read_bytes())
    with pytest.raises(PainlitError, match=r"spatial\.safetensors is not what was written"):
        spatial(config(tmp_path), str(path))
    path.with_suffix(".json").write_bytes(other.with_suffix(".json").read_bytes())
    with pytest.raises(PainlitError, match="has changed since this run began"):
        settled.load_into(build_spatial_module(config(tmp_path).spatial))


def test_weights_without_their_normalisation_are_refused(tmp_path):
    path = leave(tmp_path, "pretrain-stage1", "silent", 1, mean=None, std=None)
    with pytest.raises(PainlitError, match=r"spatial\.mean is None.*spatial\.std is None"):
        spatial(config(tmp_path), str(path))


def test_stage_2_starts_from_stage_1_alone(tmp_path):
    older = leave(tmp_path, "pretrain-stage1", "one", age=9)
    leave(tmp_path, "pretrain-stage2", "two", age=1)
    assert spatial(config(tmp_path), "auto", ["pretrain-stage1"])[0].source == str(older)


def test_a_stage_can_be_named(tmp_path):
    one = leave(tmp_path, "pretrain-stage1", "one", age=9)
    two = leave(tmp_path, "pretrain-stage2", "two", age=1)
    assert spatial(config(tmp_path), "stage1")[0].source == str(one)
    assert spatial(config(tmp_path), "stage2")[0].source == str(two)
    two.unlink()
    with pytest.raises(PainlitError, match="run make pretrain-stage2"):
        spatial(config(tmp_path), "stage2")


def test_a_temporal_module_starts_from_stage_1_but_for_its_scores(tmp_path):
    leave_temporal(tmp_path, "old", 9)
    leave_temporal(tmp_path, "new", 2)
    settings = config(tmp_path, *TEMPORAL)
    torch.manual_seed(77)
    module = build_temporal_module(settings.model.temporal)
    before = {name: tensor.clone() for name, tensor in module.state_dict().items() if "perceiver" not in name}
    resolve_weights(settings, "temporal", "auto").load_into(module.perceiver)
    torch.manual_seed(2)
    assert digest(module.perceiver.state_dict()) == digest(
        build_temporal_module(settings.model.temporal).perceiver.state_dict()
    )
    assert before
    assert all(torch.equal(module.state_dict()[name], tensor) for name, tensor in before.items())


@pytest.mark.parametrize("size", ["latents", "latent_dim", "token_size", "self_attention_blocks"])
def test_a_temporal_module_of_another_size_is_refused(tmp_path, size: str):
    leave_temporal(tmp_path, "small", 1)
    other = config(tmp_path, *TEMPORAL, f"model.temporal.{size}=16")
    with pytest.raises(PainlitError, match=rf"model\.temporal\.{size} is 16, the weights' JSON says"):
        resolve_weights(other, "temporal", "auto")


def leave_encoder(runs: Path, name: str, age: int) -> Path:
    """A Heart Rate Encoder as pretrain-ecg leaves it, so many seconds old."""
    settings = config(runs, *ENCODER)
    torch.manual_seed(age)
    path = runs / "pretrain-ecg" / name / "weights" / "heart_rate_encoder.safetensors"
    encoder = build_heart_rate_encoder(settings.model.heart_rate_encoder)
    save_weights(path, encoder, {"heart_rate_encoder": network_sizes(settings, "heart_rate_encoder")})
    os.utime(path, (1e9 - age, 1e9 - age))
    return path


def test_all_folds_take_the_weights_found_once(tmp_path):
    path, encoder = leave_temporal(tmp_path, "first", 9), leave_encoder(tmp_path, "first", 9)
    settled = resolve_sources(config(tmp_path, *TEMPORAL, *ENCODER, "model.modality=heart_rate"))
    leave_temporal(tmp_path, "later", 1)
    leave_encoder(tmp_path, "later", 1)
    assert (settled.temporal.source, settled.heart_rate_encoder.source) == (str(path), str(encoder))
    assert settled.digests() == {
        "temporal weights": settled.temporal.sha256,
        "heart rate encoder weights": settled.heart_rate_encoder.sha256,
    }


def test_a_model_that_reads_no_heart_rate_needs_no_encoder(tmp_path):
    leave_temporal(tmp_path, "first", 9)
    settled = resolve_sources(
        config(tmp_path, *TEMPORAL, "model.modality=video", "train.joint=true", "embed.weights=untrained")
    )
    assert settled.heart_rate_encoder is None
    assert settled.digests().keys() == {"temporal weights", "spatial weights"}


def test_digests_are_of_the_tensors_not_of_the_name(tmp_path):
    path, other = leave_temporal(tmp_path, "a", 1), leave_temporal(tmp_path, "b", 2)
    copy = tmp_path / "copy.safetensors"
    for ending in (".safetensors", ".json"):
        copy.with_suffix(ending).write_bytes(path.with_suffix(ending).read_bytes())
    settings = config(tmp_path, *TEMPORAL)
    found = [resolve_weights(settings, "temporal", str(p)).sha256 for p in (path, copy, other)]
    assert found[0] == found[1] != found[2]
    with pytest.raises(PainlitError, match=r"gone\.safetensors do not exist"):
        resolve_weights(settings, "temporal", f"{tmp_path}/gone.safetensors")


def described(path: Path, stage: str, data: dict, settings, **more) -> Path:
    """The same weights under a JSON that says how they were trained."""
    state, about = read_weights(path)
    metadata = {"stage": stage, "data": data, "config": settings.to_dict(), "spatial": about["spatial"], **more}
    network = build_spatial_module(settings.spatial)
    network.load_state_dict(state)
    save_weights(path, network, metadata)
    return path


def test_weights_say_how_their_training_differs_from_the_papers(tmp_path):
    papers = config(tmp_path, "stage1.held_out=0", "spatial.local_contrast=0")
    size = len(SMALL.split())  # these sizes are not the paper's
    first = leave(tmp_path, "pretrain-stage1", "one", age=9)
    described(first, "pretrain-stage1", {"name": "vggface2"}, papers)
    assert len(spatial(papers, "stage1")[0].differs) == size

    described(first, "pretrain-stage1", {"name": "orl"}, config(tmp_path, "stage1.head=arcface"))
    differences = "\n".join(spatial(papers, "stage1")[0].differs)
    assert "pretrain-stage1 learns from orl, the paper from vggface2 (Table 1)" in differences
    assert "stage1.head=arcface, the paper's is softmax" in differences
    assert "stage1.held_out=0.01, the paper's is 0.0" in differences

    second = leave(tmp_path, "pretrain-stage2", "two", age=1)
    started = {"started_from": {"source": str(first)}}
    described(second, "pretrain-stage2", {"raf_basic": {}, "cfee": {}}, papers, **started)
    text = "\n".join(spatial(papers)[0].differs)
    assert (
        "pretrain-stage2 learns from cfee, raf_basic, the paper from affectnet, cfee, raf_basic, raf_compound" in text
    )
    assert "eq. 12" in text
    assert "stage1.head=arcface" in text, "what it started from counts too"

    described(second, "pretrain-stage2", {}, papers, started_from={"source": "untrained"})
    assert any("does not tell the weights it started from" in line for line in spatial(papers)[0].differs)
    described(second, "finetune", {}, papers)
    assert spatial(papers)[0].differs == (
        "Spatial-Module is of finetune, the paper's of pretrain-stage2 or pretrain-stage1 (3.4)",
    )
    assert spatial(papers, "untrained")[0].differs == (
        "Spatial-Module starts from random weights, the paper pretrains it (3.4)",
    )


def test_the_rate_of_stochastic_depth_reaches_the_blocks():
    config = load(["spatial.image_size=32", "spatial.depth=3", "stage1.train.drop_path=0.3"])
    network = build_spatial_module(config.spatial, config.stage1.train).tnt
    assert [getattr(block.drop_path, "drop_prob", 0.0) for block in network.blocks] == pytest.approx([0, 0.15, 0.3])


@pytest.mark.parametrize(("basic", "masking"), [(True, True), (True, False), (False, True), (False, False)])
def test_the_pain_model_has_the_augmentations_of_its_settings(basic: bool, masking: bool):
    model = build_pain_model(ModelConfig(modality="video", basic=basic, masking=masking, augmnet=False), 2, 2, 4, 5)
    names = [type(part).__name__ for part in model.augmentations]
    assert names == ["Basic"] * basic + ["Masking"] * masking


def test_raw_heart_rates_start_untrained_where_stage_1_learnt_other_tokens(tmp_path):
    """They are read one by one, whatever `token_size` frames have; Table 4's first row then differs, and says so."""
    encoder = "model.heart_rate_encoder.enabled=false"
    temporal = "model.temporal.latents=4 model.temporal.latent_dim=8 model.temporal.self_attention_blocks=1".split()
    for size in (1, 8):
        settings = config(
            tmp_path, "model.modality=heart_rate", encoder, *temporal, f"model.temporal.token_size={size}"
        )
        module = build_temporal_module(settings.model.temporal).perceiver
        path = tmp_path / "pretrain-stage1" / f"temporal-{size}" / "weights" / "temporal.safetensors"
        path.parent.mkdir(parents=True)
        save_weights(path, module, {"stage": "pretrain-stage1", "temporal": network_sizes(settings, "temporal")})
        sources = resolve_sources(settings)
        assert (sources.temporal.source == "untrained") == (size == 8)
        assert any("Temporal-Module starts from random weights" in line for line in sources.differs) == (size == 8)
        sources.temporal.load_into(build_pain_model(settings.model, 2, 4, 8, 3).temporal.perceiver)
