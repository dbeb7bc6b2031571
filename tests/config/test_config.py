from itertools import pairwise
from pathlib import Path

import pytest

from painlit.config import ClipConfig, Config, TrainConfig, from_dict, load, overlay, settings
from painlit.config.help import field_sentences
from painlit.errors import PainlitError

ROOT = Path(__file__).parents[2]


def error_of(*arguments: str) -> str:
    with pytest.raises(PainlitError) as caught:
        load(arguments)
    return str(caught.value)


def test_defaults_are_the_papers():
    config = load()
    assert config == Config()
    assert (config.train.lr, config.train.weight_decay, config.train.warmup_epochs) == (1e-4, 0.1, 50)
    assert (config.train.batch_size, config.train.epochs, config.model.tile_coefficient) == (32, 800, 0.1)
    assert (config.model.augmnet, config.model.basic, config.model.masking) == (True, False, False)


def test_command_line_overrides_yaml_overrides_schema(tmp_path: Path):
    file = tmp_path / "mine.yaml"
    file.write_text("train: {epochs: 70, lr: 1.0e-3}\ntask: multilevel\n")
    config = load(["train.epochs=60", f"config={file}"])
    assert (config.train.epochs, config.train.lr, config.task, config.train.batch_size) == (60, 1e-3, "multilevel", 32)


def test_a_later_yaml_overrides_an_earlier_one(tmp_path: Path):
    for name, text in (("a", "{seed: 1, task: multilevel}"), ("b", "{seed: 2}")):
        (tmp_path / name).write_text(text)
    config = load([f"config={tmp_path / 'a'}", f"config={tmp_path / 'b'}"])
    assert (config.seed, config.task) == (2, "multilevel")


@pytest.mark.parametrize("file", sorted((ROOT / "experiments").rglob("*.yaml")), ids=lambda file: file.stem)
def test_every_shipped_yaml_loads(file: Path):
    assert load([f"config={file}"]) != Config()


@pytest.mark.parametrize(
    ("typo", "meant"),
    [
        ("train.epoch=3", "train.epochs"),
        ("epochs=3", "train.epochs"),
        ("tasks=multilevel", "task"),
        ("model.heart_rate_encoder.latent=3", "model.heart_rate_encoder.latents"),
        ("loso.protokol=loso", "loso.protocol"),
    ],
)
def test_a_misspelt_key_names_the_nearest(typo: str, meant: str):
    message = error_of(typo)
    assert repr(typo.split("=")[0]) in message
    assert f"did you mean {meant}?" in message


def test_a_misspelt_key_in_a_yaml_names_the_file(tmp_path: Path):
    file = tmp_path / "mine.yaml"
    file.write_text("train: {epocs: 70}\n")
    assert str(file) in error_of(f"config={file}")


@pytest.mark.parametrize(
    "pair",
    [
        "train.epochs=1.5",
        "train.epochs=100.0",
        "train.epochs=1e2",
        "train.epochs=true",
        "train.lr=true",
        "train.lr=0,1",
        "train.epochs=many",
        "train.epochs=",
        "train.lr=fast",
        "model.augmnet=maybe",
        "loso.subjects=071309_w_21",
        "clip=null",
        "train=5",
        "train.epochs.more=5",
        "loso.subjects=[071309_w_21",
    ],
)
def test_a_value_of_the_wrong_kind_names_its_key(pair: str):
    assert pair.split("=")[0].removesuffix(".more") in error_of(pair)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["task=np_vs_p5"], "NP, P1"),
        (["model.modality=ecg"], "heart_rate"),
        (["model.frame_embedding=half"], "tiles"),
        (["loso.protocol=k_fold"], "kfold"),
        (["loso.selection=best"], "inner"),
        (["prepare.heart_rate_rule=mean"], "overlap"),
        (["prepare.r_peaks=gamboa"], "hamilton"),
        (["face.crop=none"], "per_clip"),
        (["log.wandb=on"], "disabled"),
        (["clip.frames=0"], "1 to 138"),
        (["clip.frames=139"], "1 to 138"),
        (["clip.seconds=0.5"], "at least 1"),
        (["clip.video_fps=0"], "clip.video_fps"),
        (["clip.ecg_hz=0"], "clip.ecg_hz"),
        (["train.epochs=50"], "lower train.warmup_epochs"),
        (["train.warmup_epochs=-1"], "train.warmup_epochs=-1"),
        (["train.batch_size=0"], "train.batch_size"),
        (["embed.batch_frames=0"], "embed.batch_frames"),
        (["embed.workers=-1"], "embed.workers"),
        (["prepare.workers=0"], "prepare.workers"),
        (["loso.workers=0"], "loso.workers"),
        (["spatial.mean=[0.5,0.5]"], "spatial.mean"),
        (["spatial.std=[0.2,0,0.2]"], "spatial.std"),
        (["train.lr=0"], "train.lr"),
        (["ecg.train.lr=-1"], "ecg.train.lr"),
        (["stage2.train.weight_decay=-1"], "stage2.train.weight_decay"),
        (["stage1.train.devices=0"], "stage1.train.devices"),
        (["train.crop_memory_gib=-1"], "train.crop_memory_gib"),
        (["face.margin=-1"], "face.margin"),
        (["face.min_face=2"], "face.min_face"),
        (["images.scale=1"], "images.scale"),
        (["images.shift=-0.1"], "images.shift"),
        (["images.erase=1.1"], "images.erase"),
        (["stage1.arcface_scale=0"], "stage1.arcface_scale"),
        (["stage1.arcface_margin=2"], "stage1.arcface_margin"),
        (["stage2.mixing=-1"], "stage2.mixing"),
        (["ecg.mixing=400"], "ecg.mixing"),
        (["ecg.class_weights=-1"], "ecg.class_weights"),
        (["loso.inner_share=1"], "loso.inner_share"),
        (["model.temporal.self_attention_blocks=-1"], "model.temporal.self_attention_blocks"),
        (["model.augmnet_code=0"], "model.augmnet_code"),
        (["model.tile_coefficient=0", "model.frame_embedding=tiles"], "model.tile_coefficient"),
        (["seed=-1"], "seed"),
        (["tables.epoch_share=0"], "tables.epoch_share"),
        (["tables.tasks=[]"], "tables.tasks"),
        (["train.joint=true", "model.normalise_embeddings=true"], "model.normalise_embeddings=false"),
    ],
)
def test_a_value_no_run_could_use_is_refused_with_a_remedy(arguments: list[str], message: str):
    assert message in error_of(*arguments)


def test_a_missing_or_broken_file_is_named(tmp_path: Path):
    assert "no/such.yaml" in error_of("config=no/such.yaml")
    for text in ("train: {epochs: 7", "- 1\n- 2\n", "seed: 1\nseed: 2\n"):
        file = tmp_path / "broken.yaml"
        file.write_text(text)
        assert error_of(f"config={file}")
    assert "key=value" in error_of("--epochs")


def test_to_dict_and_from_dict_are_inverse():
    config = load(["clip.frames=12", "loso.subjects=[071309_w_21]", "train.lr=3e-4", "model.temporal.latents=7"])
    assert from_dict(config.to_dict()) == config


def test_sizes_of_a_clip_are_the_papers():
    clip = ClipConfig()
    assert (clip.nominal_frames, clip.used_frames, clip.ecg_samples, clip.heart_rates) == (138, 138, 2816, 5)
    assert clip.frame_indices == list(range(138))


def test_fewer_frames_are_evenly_spaced_from_first_to_last():
    indices = ClipConfig(frames=12).frame_indices
    steps = {b - a for a, b in pairwise(indices)}
    assert (len(indices), indices[0], indices[-1]) == (12, 0, 137)
    assert steps <= {12, 13}
    assert indices == [0, 12, 25, 37, 50, 62, 75, 87, 100, 112, 125, 137], "the nearest frame, not the one before"
    assert ClipConfig(frames=1).frame_indices == [69]


def test_warmup_may_be_absent_but_not_fill_the_training():
    assert TrainConfig(epochs=1, warmup_epochs=0).epochs == 1
    with pytest.raises(PainlitError):
        TrainConfig(epochs=1, warmup_epochs=1)


def test_run_folders_follow_from_data_task_and_modality():
    config = load(["runs=out", "task=multilevel", "model.modality=video", "data.name=mine"])
    assert config.folder("loso") == Path("out/loso/mine-multilevel-video")
    assert config.folder("embed") == Path("out/embed/mine")
    assert load(["name=this"]).folder("finetune") == Path("runs/finetune/this")


def test_every_key_has_a_sentence():
    sentences = field_sentences()
    assert set(sentences) == set(settings())
    assert [key for key, sentence in sentences.items() if not sentence.strip().endswith((".", "…"))] == []


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("spatial.image_size=50", "spatial.image_size=50 is no multiple of spatial.patch_size=16"),
        ("spatial.outer_heads=3", "spatial.embed_dim=100 is no multiple of spatial.outer_heads=3"),
        ("model.temporal.token_size=7", "model.temporal.token_size=7"),
        ("model.temporal.latents=0", "model.temporal.latents=0 is too small"),
        ("train.precision=bogus", "train.precision='bogus'"),
        ("trian.epochs=3", "did you mean train.epochs?"),
    ],
)
def test_sizes_and_names_that_no_run_could_use_name_their_key(argument, message):
    with pytest.raises(PainlitError) as error:
        load([argument])
    assert message in str(error.value)


@pytest.mark.parametrize("text", ["${oc.env:PAINLIT_SECRET}", "a-${oc.decode:x}", "${a.${oc.env:HOME}}", r"\${seed}"])
def test_resolvers_are_refused_wherever_a_configuration_enters(text: str, tmp_path: Path, monkeypatch):
    monkeypatch.setenv("PAINLIT_SECRET", "s3cret")
    file = tmp_path / "mine.yaml"
    file.write_text(f"log: {{project: '{text}'}}\n")
    values = Config().to_dict() | {"name": text}
    for enter, key in (
        (lambda: load([f"config={file}"]), f"log.project ({file})"),
        (lambda: load([f"name={text}"]), "name (command line)"),
        (lambda: load([f"loso.subjects=['{text}']"]), "loso.subjects (command line)"),
        (lambda: overlay(Config(), file), f"log.project ({file})"),
        (lambda: from_dict(values), "name (the configuration)"),
    ):
        with pytest.raises(PainlitError, match="resolver") as caught:
            enter()
        assert key in str(caught.value)
        assert "s3cret" not in str(caught.value)


def test_a_setting_may_refer_to_another():
    assert load(["name=x-${data.name}"]).name == "x-biovid"
    for text in ("${name}", "${train}", "${no.such}"):
        assert "name" in error_of(f"name={text}")


@pytest.mark.parametrize(
    "text", ["a: &x [*x]", "train: &x {lr: *x}", "loso: {subjects: &x [*x]}", "name: ???", "a: " + "[" * 5000, "\0"]
)
def test_a_file_of_the_wrong_kind_is_an_error_of_bounded_length(text: str, tmp_path: Path):
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    assert len(error_of(f"config={file}")) < 600


def test_passes_hold_64_images_unless_set():
    for given, passes in (
        ((), 4),
        (("batch_size=100",), 2),
        (("batch_size=24",), 1),
        (("accumulate=8",), 8),
        (("devices=4",), 1),
    ):
        config = load([f"stage1.train.{text}" for text in given])
        assert config.stage1.train.passes == passes
        assert from_dict(config.to_dict()) == config
    assert "stage1.train.accumulate=3" in error_of("stage1.train.accumulate=3")
    assert load().stage2.train.passes == 2
    assert "ecg.train.accumulate=0" in error_of("ecg.train.accumulate=0")
    assert load().ecg.train.passes == 1
