"""An export that is edited, of other inputs or other than torch is refused, and none replaces what it should not."""

import runpy
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from export_runs import CROPS, chosen, windows

from painlit.errors import PainlitError
from painlit.inference.bundles.bundle import Bundle
from painlit.inference.export import onnx_graphs, writing
from painlit.inference.export.checking import check_against_torch
from painlit.inference.export.expected import expected_of
from painlit.inference.export.hub_folder import export_hub
from painlit.inference.export.onnx_folder import OnnxFolder
from painlit.inference.export.part_networks import choose_part, load_part
from painlit.inference.export.writing import export_onnx, export_torch

EDITS = {
    "weights": (
        "pain.onnx",
        lambda content: content[:-9] + bytes([content[-9] ^ 64]) + content[-8:],
        "pain.onnx is not",
    ),
    "cut": ("model.onnx", lambda content: content[:-100], "model.onnx is not what was written"),
    "json": ("export.json", lambda content: content.replace(b'"margin": 0.3', b'"margin": 0.4'), "cut short or edited"),
    "script": ("run_onnx.py", lambda content: content + b"\n", "run_onnx.py is not what was written"),
    "gone": ("embedder.onnx", None, "embedder.onnx is missing"),
    "json gone": ("export.json", None, "holds no export.json"),
}


@pytest.mark.parametrize("kind", EDITS)
def test_an_edited_export_is_refused(fusion, tmp_path, kind):
    folder = shutil.copytree(fusion, tmp_path / "export")
    name, change, message = EDITS[kind]
    if change is None:
        (folder / name).unlink()
    else:
        assert change((folder / name).read_bytes()) != (folder / name).read_bytes()
        (folder / name).write_bytes(change((folder / name).read_bytes()))
    with pytest.raises(PainlitError, match=message):
        OnnxFolder.open(folder)
    if name == "model.onnx":
        with pytest.raises(SystemExit, match=r"model\.onnx is not what was written"):
            runpy.run_path(str(folder / "run_onnx.py"))["probabilities"]({})


def test_other_inputs_are_named(fusion):
    export, given = OnnxFolder.open(fusion), chosen(windows(1), "crops", "bpm")
    with pytest.raises(PainlitError, match=r"input crops must be uint8 \(batch, 4, 3, 64, 64\), got float32"):
        export.run("model.onnx", {**given, "crops": given["crops"].astype(np.float32)})
    with pytest.raises(PainlitError, match=r"got uint8 \(1, 3, 3, 64, 64\)"):
        export.run("model.onnx", {**given, "crops": given["crops"][:, :3]})
    with pytest.raises(PainlitError, match="has no input own_bpm"):
        export.run("model.onnx", {**given, "own_bpm": given["bpm"]})
    with pytest.raises(PainlitError, match=r"has no other\.onnx"):
        export.run("other.onnx", given)


def test_what_differs_from_torch_is_not_left(bundle, heart, tmp_path, monkeypatch):
    out = shutil.copytree(heart, tmp_path / "export")
    before = (out / "export.json").read_bytes()

    def shifted(*arguments):
        right = expected_of(*arguments)
        return replace(right, probabilities=right.probabilities + np.array([2e-3, -2e-3]))

    monkeypatch.setattr(writing, "expected_of", shifted)
    with pytest.raises(PainlitError, match=r"model\.onnx differs from torch by 2\.0e-03, more than 0\.0001"):
        export_onnx(bundle, "heart_rate", out, CROPS)
    assert (out / "export.json").read_bytes() == before, "the older one stays"
    assert [entry.name for entry in tmp_path.iterdir()] == ["export"], "no remains"


def test_an_embedder_that_differs_is_refused(bundle, fusion):
    export, part = OnnxFolder.open(fusion), load_part(bundle, "fusion")
    files = {file: graph["inputs"] for file, graph in export.about["graphs"].items()}
    given = expected_of(bundle, part, CROPS, 3)
    check_against_torch(export.run, files, given)
    for wrong in (replace(given, crops=given.crops[:, ::-1].copy()), replace(given, rows=np.roll(given.rows, 8, 1))):
        with pytest.raises(PainlitError, match=r"embedder\.onnx differs from torch by .* standard deviations"):
            check_against_torch(export.run, files, wrong)


def test_nothing_else_is_replaced(bundle, tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    for place in (tmp_path, tmp_path / "thesis.tex"):
        with pytest.raises(PainlitError, match="exists and is no such export"):
            export_onnx(bundle, "heart_rate", place, CROPS)
    assert (tmp_path / "thesis.tex").read_text() == "years of work"


def test_a_bundle_is_left_as_it_is(bundle, tmp_path, monkeypatch):
    folder = shutil.copytree(bundle.path, tmp_path / "bundle")
    monkeypatch.chdir(folder)
    for place in (folder / "onnx", Path("weights/../onnx")):
        for export in (export_onnx, export_torch):
            with pytest.raises(PainlitError, match="onnx is within the bundle"):
                export(Bundle.open(folder), "heart_rate", place, CROPS)
    with pytest.raises(PainlitError, match="hub is within the bundle"):
        export_hub(Bundle.open(folder), folder / "hub")
    Bundle.open(folder)


def test_a_place_is_taken_through_links_and_dots(bundle, tmp_path, monkeypatch):
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "empty")
    export_hub(bundle, tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    monkeypatch.chdir(tmp_path / "empty")
    export_hub(bundle, Path("."))
    assert (tmp_path / "empty" / "bundle.json").is_file()


@pytest.mark.parametrize("package", ["onnxruntime", "onnxscript", "onnx"])
def test_a_missing_package_is_named(bundle, tmp_path, monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(PainlitError, match=rf"needs the package {package}(.|\n)*pip install 'painlit\[export\]'"):
        export_onnx(bundle, "heart_rate", tmp_path / "export", CROPS)


def test_too_many_weights_for_a_file(bundle, tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_graphs, "LARGEST", 1000)
    with pytest.raises(PainlitError, match=r"weights of 3 models(.|\n)*bundle\.folds"):
        export_onnx(bundle, "heart_rate", tmp_path / "export", CROPS)


def test_settings_that_one_graph_cannot_have(bundle):
    other = Bundle.open(bundle.path)
    settings = next(model for model in other.about["models"] if model["part"] == "video")["model"]
    settings["tile_coefficient"] = 1.0
    with pytest.raises(PainlitError, match="models of video have different settings"):
        load_part(other, "video")


def test_the_part(bundle):
    assert choose_part(bundle, "") == "fusion"
    assert choose_part(bundle, "video") == "video"
    alone = Bundle.open(bundle.path)
    alone.parts = ("video",)
    with pytest.raises(PainlitError, match=r"has no model of 'fusion'(.|\n)*export\.part=video"):
        choose_part(alone, "fusion")
