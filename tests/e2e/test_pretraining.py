"""The pretraining stages as their commands run them: hand-over, resume within an epoch, several processes, bad data."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from conftest import on_command_line, pretraining, tiny
from killed_stage import kill_when_saved
from safetensors.torch import load_file

from experiments import embed, finetune, pretrain_ecg, pretrain_stage1, pretrain_stage2
from painlit.config import load
from painlit.errors import PainlitError
from painlit.system.digests import digest
from painlit.weights.networks import build_temporal_module
from painlit.weights.pretrained import resolve_weights

RUN = {"pretrain_stage1": pretrain_stage1.run, "pretrain_stage2": pretrain_stage2.run, "pretrain_ecg": pretrain_ecg.run}
ONE_FAST = [
    *(pytest.param(name, [], marks=pytest.mark.slow) for name in list(RUN)[:2]),
    pytest.param("pretrain_stage1", ["stage1.train.backend=native"], marks=pytest.mark.slow),
    ("pretrain_ecg", []),
]


def stage(name: str, arguments: list[str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", f"experiments.{name}", on_command_line(arguments)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def results(runs: Path, name: str, run: str) -> tuple[dict, str]:
    folder = runs / name.replace("_", "-") / run
    metrics = json.loads((folder / "metrics.json").read_text())
    del metrics["seconds"], metrics["seal"]
    (weights,) = (folder / "weights").glob("*.safetensors")
    return metrics, digest(load_file(weights))


@pytest.mark.smoke
def test_each_stage_finds_what_the_one_before_left(tiny_sets, tiny_data, runs):
    arguments = pretraining(tiny_sets, runs)
    first = pretrain_stage1.run(load(arguments))
    assert first.metrics["val/accuracy"] >= 0
    about = json.loads(first.weights.with_suffix(".json").read_text())
    assert about["data"]["identities"] == 6
    assert about["data"]["verification_identities"] == 2
    assert about["spatial"]["mean"] == [0.6068, 0.4517, 0.38]
    assert {"commit", "versions", "config", "metrics"} <= about.keys()

    second = pretrain_stage2.run(load([*arguments, "stage2.weights=auto"]))
    about = json.loads(second.weights.with_suffix(".json").read_text())
    assert about["started_from"] == {"source": str(first.weights), "sha256": digest(load_file(first.weights))}
    assert set(about["data"]) == {"raf_basic", "folders"}

    shutil.rmtree(runs / "embed")
    done = embed.run(tiny(tiny_data, runs, "embed.weights=auto"))
    assert done.weights == str(second.weights)
    cache = json.loads((runs / "embed" / "tiny" / "cache.json").read_text())
    assert digest(load_file(second.weights)) in json.dumps(cache)


def test_the_temporal_module_goes_from_stage_1_to_the_pain_model(tiny_sets, tiny_data, runs):
    arguments = pretraining(tiny_sets, runs)
    result = pretrain_stage1.run(load([*arguments, "stage1.network=temporal"]))
    trained = load_file(result.weights)
    config = tiny(tiny_data, runs, "model.temporal.weights=auto")
    module = build_temporal_module(config.model.temporal)
    resolve_weights(config, "temporal", "auto").load_into(module.perceiver)
    assert digest(module.perceiver.state_dict()) == digest(trained)
    other = tiny(tiny_data, runs, "model.temporal.weights=auto", "model.temporal.latent_dim=16")
    with pytest.raises(PainlitError, match=r"temporal\.safetensors does not fit"):
        resolve_weights(other, "temporal", "auto")


def test_the_heart_rate_encoder_goes_from_heartbeats_to_the_pain_model(tiny_sets, tiny_data, runs):
    result = pretrain_ecg.run(load(pretraining(tiny_sets, runs)))
    assert result.metrics["val/ptb/accuracy"] >= 0
    assert set(result.metrics) >= {f"val/mitbih/{kind}/sensitivity" for kind in "NSVFQ"}
    about = json.loads(result.weights.with_suffix(".json").read_text())
    assert set(about["data"]) == {"mitbih", "ptb"}
    assert about["scalars"] == {"beat_mean": 0.2, "beat_scale": 0.225}
    rows = [line.split(",") for line in (result.folder / "confusion.csv").read_text().splitlines()]
    assert sum(int(n) for row in rows[1:6] for n in row[1:]) == sum(
        about["data"]["mitbih"]["validation_beats"].values()
    )

    heart = ["model.modality=heart_rate", "train.epochs=1", "train.warmup_epochs=0", "train.lr=1e-12"]
    settings = tiny(tiny_data, runs, *heart, "model.heart_rate_encoder.weights=auto")
    tuned = load_file(finetune.run(settings).weights)
    for key, value in load_file(result.weights).items():
        torch.testing.assert_close(tuned[f"heart_rate_encoder.{key}"], value, atol=1e-6, rtol=0)
    about = json.loads((runs / "finetune" / settings.run_name / "fingerprint.json").read_text())
    assert about["heart rate encoder weights"] == digest(load_file(result.weights))
    other = tiny(tiny_data, runs, *heart, "name=other", "model.heart_rate_encoder.weights=auto",
                 "model.heart_rate_encoder.output_dim=24")  # fmt: skip
    with pytest.raises(PainlitError, match=r"heart_rate_encoder\.safetensors does not fit"):
        finetune.run(other)


def test_without_pretrained_weights_the_missing_step_is_named(tiny_data, runs):
    settings = tiny(tiny_data, runs, "model.modality=heart_rate", "model.heart_rate_encoder.weights=auto")
    with pytest.raises(PainlitError, match=r"(?s)no pretrained Heart Rate Encoder.*make pretrain-ecg"):
        finetune.run(settings)


@pytest.mark.parametrize(("name", "more"), ONE_FAST)
def test_killed_within_an_epoch_it_goes_on_to_the_undisturbed_result(tiny_sets, tmp_path, capsys, name, more):
    short = name.replace("pretrain_", "")
    arguments = [
        *pretraining(tiny_sets, tmp_path),
        *more,
        f"{short}.train.checkpoint_steps=2",
        f"{short}.train.epochs=4",
    ]
    RUN[name](load([*arguments, "name=undisturbed"]))
    # 4 steps an epoch in stage 1, 3 in stage 2: step 6 is within an epoch, and at the end of one
    for step in (2, 6):
        kill_when_saved(name, [*arguments, "name=killed"], step)
    capsys.readouterr()
    RUN[name](load([*arguments, "name=killed"]))
    printed = capsys.readouterr().out
    assert "epoch 4/4" in printed
    assert "epoch 1/4" not in printed, "it must go on, not start again"
    assert results(tmp_path, name, "killed") == results(tmp_path, name, "undisturbed")


@pytest.mark.slow  # tests/training/test_cluster.py has a fast one under torchrun
@pytest.mark.parametrize("name", RUN)
def test_two_processes_learn_what_one_does_and_log_once(tiny_sets, tmp_path, name):
    short = name.replace("pretrain_", "")
    arguments = [*pretraining(tiny_sets, tmp_path), f"{short}.train.epochs=2"]
    RUN[name](load([*arguments, "name=one"]))
    printed = stage(name, [*arguments, f"{short}.train.devices=2", "name=two", "log.wandb=offline"]).stdout
    assert len(re.findall(r"^epoch \d/2 ", printed, re.MULTILINE)) == 2
    assert printed.count("weights: ") == 1
    assert len(list((tmp_path / name.replace("_", "-") / "two" / "wandb").glob("offline-run-*"))) == 1
    one, two = (results(tmp_path, name, run)[0] for run in ("one", "two"))
    assert two == pytest.approx(one, rel=1e-3, abs=1e-4)
    folder = tmp_path / name.replace("_", "-")
    weights = [load_file(next((folder / run / "weights").glob("*.safetensors"))) for run in ("one", "two")]
    for key, value in weights[0].items():
        assert (weights[1][key] - value).abs().max() < 1e-4, key


def test_a_finished_run_is_left_as_it_is_and_another_configuration_is_refused(tiny_sets, tmp_path):
    arguments = pretraining(tiny_sets, tmp_path)
    weights = pretrain_stage1.run(load(arguments)).weights
    before = weights.stat().st_mtime_ns
    pretrain_stage1.run(load(arguments))
    assert weights.stat().st_mtime_ns == before
    with pytest.raises(PainlitError, match=r"stage1.train.lr was 0.003 and is now 0.1"):
        pretrain_stage1.run(load([*arguments, "stage1.train.lr=0.1"]))


def test_unreadable_images_beyond_one_in_a_hundred_end_the_training(tiny_sets, tmp_path):
    root = shutil.copytree(tiny_sets, tmp_path / "photographs")
    bad = root / "identities" / "p3" / "2.jpg"
    bad.write_bytes(bad.read_bytes()[:-40])
    with pytest.raises(PainlitError, match=r"p3/2.jpg is a JPEG cut short") as caught:
        pretrain_stage1.run(load([*pretraining(root, tmp_path), "stage1.held_out=0", "stage1.validation_share=0"]))
    assert "get them again" in str(caught.value)


def test_emotion_sets_name_file_and_line_of_what_is_wrong(tiny_sets, tmp_path):
    root = shutil.copytree(tiny_sets, tmp_path / "photographs")
    labels = root / "RAF-DB" / "basic" / "EmoLabel" / "list_patition_label.txt"
    labels.write_text(labels.read_text().replace("train_00008.jpg 2", "train_00008.jpg 8"))
    with pytest.raises(PainlitError, match=r"list_patition_label.txt.*line 5.*8"):
        pretrain_stage2.run(load(pretraining(root, tmp_path)))


def test_a_training_image_that_is_a_validation_image_is_left_out_and_named(tiny_sets, tmp_path):
    root = shutil.copytree(tiny_sets, tmp_path / "photographs")
    images = root / "RAF-DB" / "basic" / "Image" / "aligned"
    shutil.copy(images / "test_00007_aligned.jpg", images / "train_00008_aligned.jpg")
    result = pretrain_stage2.run(load(pretraining(root, tmp_path)))
    duplicates = (result.folder / "duplicates.csv").read_text()
    assert "train_00008_aligned.jpg (line 5 of the list)" in duplicates
    assert "test_00007_aligned.jpg (line 4 of the list)" in duplicates


@pytest.mark.slow
def test_several_processes_called_from_another_program_start_nothing_of_it_again(tiny_sets, tmp_path):
    settings = [*pretraining(tiny_sets, tmp_path), "ecg.sets=[ptb]", "ecg.train.epochs=1", "ecg.train.warmup_epochs=0"]
    program = tmp_path / "program.py"
    program.write_text(
        "from experiments import pretrain_ecg\nfrom painlit.config import load\n"
        f"print('begun', flush=True)\nresult = pretrain_ecg.run(load({[*settings, 'ecg.train.devices=2']!r}))\n"
        "print('ended', result.weights.is_file())\n"
    )
    done = subprocess.run([sys.executable, str(program)], capture_output=True, text=True,
                          env={**os.environ, "PYTHONPATH": str(Path.cwd())})  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert (done.stdout.count("begun"), done.stdout.count("ended True")) == (1, 1)


@pytest.mark.parametrize(
    ("run", "key"),
    [
        (pretrain_stage1.run, "stage1.train.lr"),
        (pretrain_stage2.run, "stage2.train.lr"),
        (pretrain_ecg.run, "ecg.train.lr"),
        (finetune.run, "train.lr"),
    ],
)
def test_a_training_that_diverges_ends_with_its_remedy_and_leaves_nothing_to_go_on_with(
    tiny_sets, tiny_data, runs, run, key
):
    group = key.removesuffix(".lr")
    more = [f"{key}=1e30", "model.modality=heart_rate", f"data.root={tiny_data}"]
    more += [] if group == "train" else [f"{group}.clip_gradient=0"]
    with pytest.raises(PainlitError, match=rf"(?s)the training diverged.* lower {re.escape(key)}"):
        run(load([*pretraining(tiny_sets, runs), *more]))
    for left in ("metrics.json", "*.safetensors"):
        assert not [path for path in runs.rglob(left) if "embed" not in path.parts and "prepare" not in path.parts]
    for path in runs.rglob("*.ckpt"):
        assert all(tensor.isfinite().all() for tensor in torch.load(path, weights_only=True)["state_dict"].values())
