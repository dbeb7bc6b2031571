"""The main job, end to end, through the entry points that users call."""

import csv
import json
import math
import re
import shutil

import pytest
import torch
from conftest import tiny

from experiments import embed, finetune, loso, prepare
from painlit.errors import PainlitError

pytestmark = pytest.mark.smoke


@pytest.mark.parametrize(
    "modality", [*(pytest.param(name, marks=pytest.mark.slow) for name in ("video", "heart_rate")), "fusion"]
)
def test_recordings_in_a_loso_result_out(tiny_data, runs, modality):
    config = tiny(tiny_data, runs, f"model.modality={modality}", "loso.workers=2")
    result = loso.run(config)
    assert not result.failed
    assert len(result.trained) == 3
    stored = json.loads((result.folder / "results.json").read_text())
    assert stored["folds_done"] == 3
    assert sum(map(sum, stored["pooled"]["confusion"])) == 12
    assert stored["remarks"], "stand-in data must be called that beside its figures"
    for fold in sorted((result.folder / "folds").iterdir()):
        assert {p.name for p in fold.iterdir()} >= {
            "config.yaml", "checkpoints", "predictions.csv", "metrics.json", "log.txt"
        }  # fmt: skip
        with open(fold / "predictions.csv", newline="") as handle:
            rows = list(csv.DictReader(handle))
        assert {row["subject"] for row in rows} == {fold.name}
        assert all(math.isclose(float(row["p0"]) + float(row["p1"]), 1, abs_tol=1e-6) for row in rows)
        metrics = json.loads((fold / "metrics.json").read_text())
        assert fold.name not in metrics["subjects"]["train"]


HEART = ("model.modality=heart_rate", "name=heart_rate")  # of the run that `trained` holds


def test_a_second_loso_trains_nothing(tiny_data, trained):
    folder = trained / "loso" / "heart_rate"
    times = {path: path.stat().st_mtime_ns for path in folder.glob("folds/*/*")}
    pooled = json.loads((folder / "results.json").read_text())["pooled"]
    second = loso.run(tiny(tiny_data, trained, *HEART))
    assert second.trained == []
    assert second.results["pooled"] == pooled
    assert times == {path: path.stat().st_mtime_ns for path in folder.glob("folds/*/*")}


def test_a_result_of_other_settings_is_refused(tiny_data, trained):
    with pytest.raises(PainlitError, match=r"train.lr was 0.01 and is now 0.02"):
        loso.run(tiny(tiny_data, trained, *HEART, "train.lr=0.02"))


def test_steps_out_of_order_name_the_missing_one(tiny_data, tmp_path):
    with pytest.raises(PainlitError, match="make prepare"):
        loso.run(tiny(tiny_data, tmp_path))
    with pytest.raises(PainlitError, match="make prepare"):
        embed.run(tiny(tiny_data, tmp_path))
    prepare.run(tiny(tiny_data, tmp_path))
    with pytest.raises(PainlitError, match="make embed"):
        loso.run(tiny(tiny_data, tmp_path))


def test_embed_goes_on_and_refuses_other_weights(tiny_data, runs):
    assert embed.run(tiny(tiny_data, runs)).computed == 0
    with pytest.raises(PainlitError, match=r"weights was .* and is now"):
        embed.run(tiny(tiny_data, runs, "seed=1"))


def test_joint_finetuning_trains_the_spatial_module_and_embed_takes_it(tiny_data, runs):
    joint = tiny(tiny_data, runs, "train.joint=true", "model.modality=video", "name=joint")
    result = finetune.run(joint)
    weights = result.weights.with_name("spatial.safetensors")
    torch.manual_seed(0)
    config = tiny(tiny_data, runs, f"embed.weights={weights}", "embed.name=trained")
    assert embed.run(config).computed == 12, "another name leaves the other embeddings alone"
    with pytest.raises(PainlitError, match=r"spatial.mean is .*the weights' JSON says"):
        embed.run(tiny(tiny_data, runs, f"embed.weights={weights}", "embed.name=trained", "spatial.mean=[0.5,0.5,0.5]"))
    trained = [f"embed.weights={weights}", "embed.name=trained", "model.modality=video"]
    with pytest.raises(PainlitError, match="learnt from the pain labels of 3 subjects who are tested here"):
        loso.run(tiny(tiny_data, runs, *trained, "name=leak"))


def test_finetune_leaves_a_model_with_its_provenance(tiny_data, runs):
    result = finetune.run(tiny(tiny_data, runs, "model.modality=heart_rate", "finetune.held_out=[010100_m_27]"))
    about = json.loads(result.weights.with_suffix(".json").read_text())
    assert "010100_m_27" not in about["subjects"]
    assert len(about["subjects"]) == 2
    assert about["sha256"]
    assert result.metrics["test"]["clips"] == 4


def test_training_learns(tiny_data, runs):
    result = finetune.run(tiny(tiny_data, runs, "model.modality=heart_rate", "train.epochs=30", "model.augmnet=false"))
    assert result.metrics["train"]["loss"] < 0.55, "the demo's heart rates separate the classes; chance is 0.69"


@pytest.mark.parametrize("selection", ["inner", pytest.param("oracle", marks=pytest.mark.slow)])
def test_selection_rules_run_and_say_what_they_are(tiny_data, runs, selection):
    config = tiny(tiny_data, runs, "model.modality=heart_rate", f"loso.selection={selection}")
    result = loso.run(config)
    assert not result.failed
    assert any("flatter" in remark for remark in result.results["remarks"]) == (selection == "oracle")
    for fold in result.folder.glob("folds/*/metrics.json"):
        subjects = json.loads(fold.read_text())["subjects"]
        assert set(subjects["validation"]) == set(subjects["test"]) or selection == "inner"
        assert not set(subjects["train"]) & {*subjects["test"], *subjects["validation"]}


@pytest.mark.parametrize("damage", ["unlink", "cut"])
def test_lost_embeddings_are_noticed_and_computed_again(tiny_data, runs, damage):
    values = runs / "embed" / "tiny" / "embeddings.f16"
    before = values.read_bytes()
    values.unlink() if damage == "unlink" else values.write_bytes(before[:100])
    with pytest.raises(PainlitError, match="make embed"):
        loso.run(tiny(tiny_data, runs))
    assert embed.run(tiny(tiny_data, runs)).computed == 12
    assert values.read_bytes() == before


def test_moved_data_need_no_second_preparation(tiny_data, runs, tmp_path):
    moved = shutil.copytree(tiny_data, tmp_path / "moved")
    config = tiny(moved, runs, "model.modality=heart_rate", "loso.subjects=[010100_m_27]")
    assert not loso.run(config).failed


def test_results_say_that_embeddings_are_untrained(trained_once):
    results = json.loads((trained_once / "loso" / "video" / "results.json").read_text())
    assert any("untrained" in remark for remark in results["remarks"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["task=multilevel"], "no usable clip of P1, P2, P3"),
        (["loso.protocol=holdout"], "26 of its 26 test subjects"),
        (["loso.subjects=[nobody]"], "nobody"),
    ],
)
def test_what_the_data_cannot_give_is_refused_before_any_fold(tiny_data, runs, arguments, message):
    with pytest.raises(PainlitError, match=re.escape(message)):
        loso.run(tiny(tiny_data, runs, "model.modality=heart_rate", *arguments))


def test_a_device_that_is_not_there_is_named_and_costs_nothing(tiny_data, runs):
    with pytest.raises(PainlitError, match="'nonsense' is not available"):
        embed.run(tiny(tiny_data, runs, "embed.device=nonsense"))
    assert (runs / "embed" / "tiny" / "metrics.json").is_file()
