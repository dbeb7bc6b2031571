"""Stages 1 and 2 with a teacher, as their commands run them: what is learnt from, reported, resumed and refused."""

import json
import shutil

import pytest
from conftest import pretraining
from made_up_teacher import SIZE, write_teacher
from safetensors.torch import load_file

from experiments import pretrain_stage1, pretrain_stage2
from painlit.config import load
from painlit.errors import PainlitError
from painlit.system.digests import digest, file_digest
from painlit.weights.pretrained import resolve_weights


@pytest.fixture
def arguments(tiny_sets, runs, tmp_path) -> list[str]:
    teacher = write_teacher(tmp_path / "quarters.onnx")
    shutil.copytree(tiny_sets / "looks", tmp_path / "more")
    shutil.copytree(tiny_sets / "identities", tmp_path / "faces/of/people")
    both = [f"{stage}.teacher.{key}" for stage in ("stage1", "stage2") for key in (f"file={teacher}", f"size={SIZE}")]
    sets = [f"stage2.trees=[{tmp_path}/more]", f"stage2.unlabelled=[{tmp_path}/faces]", "stage2.weights=untrained"]
    return [*pretraining(tiny_sets, runs), *both, *sets, "stage2.train.batch_size=16", "seed=1"]


def test_stage_2_learns_from_more_trees_and_from_faces_without_labels(arguments, tmp_path, capsys):
    done = pretrain_stage2.run(load(arguments))
    assert "faces: no labels, 48 images to learn from, 0 to validate on" in capsys.readouterr().out
    assert {"val/more/accuracy", "val/folders/accuracy", "val/teacher/explained", "train/teacher/loss"} <= {
        *done.metrics
    }
    assert "val/faces/accuracy" not in done.metrics
    about = json.loads(done.weights.with_suffix(".json").read_text())
    assert list(about["data"]) == ["raf_basic", "folders", "more", "faces"]
    assert about["teacher"] == {"sha256": file_digest(tmp_path / "quarters.onnx"), "components": 12}
    differs = resolve_weights(load(arguments), "spatial", str(done.weights)).differs
    assert "pretrain-stage2 learns what a teacher says of the images too, the paper from labels alone (3.4)" in differs
    write_teacher(tmp_path / "quarters.onnx", constant=True)
    with pytest.raises(PainlitError, match="gives the same outputs for all"):
        pretrain_stage2.run(load(arguments))


def test_another_teacher_is_another_run(arguments, tmp_path):
    done = pretrain_stage1.run(load(arguments))
    assert "train/teacher/loss" in done.metrics
    about = json.loads(done.weights.with_suffix(".json").read_text())
    assert about["teacher"]["components"] == 12
    without = [argument for argument in arguments if not argument.startswith("stage1.teacher.file")]
    other = pretrain_stage1.run(load([*without, "name=without"]))
    assert digest(load_file(other.weights)) != digest(load_file(done.weights))
    with pytest.raises(PainlitError, match="was made differently: teacher"):
        pretrain_stage1.run(load(without))


def test_two_sets_of_one_name_and_folders_without_images_are_refused(arguments, tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "other/more").symlink_to(tmp_path / "more")
    shutil.copytree(tmp_path / "more", tmp_path / "again/folders")
    with pytest.raises(PainlitError, match=r"again/folders is a second set called folders"):
        pretrain_stage2.run(load([*arguments, f"stage2.trees=[{tmp_path}/again/folders]"]))
    for name in ("train", "teacher", "a b"):
        shutil.copytree(tmp_path / "more", tmp_path / "names" / name)
        with pytest.raises(PainlitError, match=rf"would be a set called '{name}', which cannot be a name here"):
            pretrain_stage2.run(load([*arguments, f"stage2.trees=[{tmp_path}/names/{name}]"]))
    (tmp_path / "empty/deep").mkdir(parents=True)
    with pytest.raises(PainlitError, match=r"empty has no images that are read"):
        pretrain_stage2.run(load([*arguments, f"stage2.unlabelled=[{tmp_path}/empty]"]))
    with pytest.raises(PainlitError, match=r"nowhere does not exist"):
        pretrain_stage2.run(load([*arguments, f"stage2.unlabelled=[{tmp_path}/nowhere]"]))


def test_the_order_of_sets_is_part_of_a_run(arguments, tmp_path):
    shutil.copytree(tmp_path / "more", tmp_path / "other.v2")
    trees = [f"{tmp_path}/{name}" for name in ("more", "other.v2")]
    done = pretrain_stage2.run(load([*arguments, f"stage2.trees=[{','.join(trees)}]"]))
    assert "val/other/accuracy" in done.metrics
    with pytest.raises(PainlitError, match="was made differently: more sets"):
        pretrain_stage2.run(load([*arguments, f"stage2.trees=[{','.join(trees[::-1])}]"]))
