"""Settings that name files and folders."""

from pathlib import Path

import pytest

from painlit.config import flat, load, settings
from painlit.errors import PainlitError


def error_of(*arguments: str) -> str:
    with pytest.raises(PainlitError) as caught:
        load(arguments)
    return str(caught.value)


def test_a_home_folder_is_found_in_every_path(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    paths = [key for key, setting in settings().items() if setting.path]
    assert {"runs", "data.root", "stage1.root", "stage2.roots.cfee", "ecg.roots.csv", "embed.weights"} <= set(paths)
    with_it = {"data.table": ["data.layout=table"], "stage2.unlabelled": ["stage2.teacher.file=x.onnx"]}
    for key in paths:
        several = isinstance(settings()[key].default, list)
        given, found = ("[~/there,b]", [f"{tmp_path}/there", "b"]) if several else ("~/there", f"{tmp_path}/there")
        assert flat(load([f"{key}={given}", *with_it.get(key, [])]).to_dict())[key] == found
    (tmp_path / "mine.yaml").write_text("runs: ~/there\n")
    assert load(["config=~/mine.yaml"]).runs == f"{tmp_path}/there"
    assert "no such home folder" in error_of("runs=~nobody-of-this-name/x")


def test_every_setting_that_starts_as_a_path_is_known_as_one():
    kinds = ("weights", "root", "runs", "roots")
    named = {key for key in settings() if {*key.split(".")} & {*kinds}} - {
        "compare.runs",
        "bundle.runs",
        "maps.runs",
        "log.weights",
    }
    other = {
        "data.table",
        "bundle.out",
        "proxy.faces",
        "proxy.out",
        *("stage1.teacher.file", "stage2.teacher.file", "stage2.trees", "stage2.unlabelled"),
        *(f"assess.{name}" for name in ("recording", "ecg", "heart_rate", "model", "out")),
        *(f"export.{name}" for name in ("model", "out")),
        *("maps.stage1", "maps.stage2"),
        *(f"assess.{name}" for name in ("rest", "rest_ecg", "rest_heart_rate")),
    }
    assert named | other == {key for key, setting in settings().items() if setting.path}


@pytest.mark.parametrize("name", ["../x", "a/b", ".", "..", " x", "x ", "a\\b", "a\nb", "x" * 101, ".x"])
def test_names_that_could_not_be_folders_are_refused(name: str):
    for key in ("name", "data.name", "embed.name", "stage1.name"):
        assert f"{key} is " in error_of(f"{key}={name}")
    for key in ("compare.runs", "loso.subjects", "finetune.held_out"):
        quoted = name.replace("\\", "\\\\").replace("\n", "\\n")
        assert f"{key} is " in error_of(f'{key}=["{quoted}"]')
