"""An export to ONNX gives what torch gives, in any batch, without painlit; edited or of other inputs it is refused."""

import json
import runpy
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from export_runs import FRAMES, SIDE, by_torch, faces, sharp_run, windows

import painlit
from painlit.errors import PainlitError
from painlit.inference.bundles.bundle import Bundle
from painlit.inference.bundles.writing import write_bundle
from painlit.inference.export import onnx_graphs, writing
from painlit.inference.export.checking import check_against_torch
from painlit.inference.export.expected import expected_of
from painlit.inference.export.hub_folder import export_hub
from painlit.inference.export.onnx_folder import OnnxFolder
from painlit.inference.export.part_networks import choose_part, load_part
from painlit.inference.export.writing import export_onnx, export_torch

CROPS = faces(2, SIDE)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory) -> Bundle:
    folder = tmp_path_factory.mktemp("sharp") / "bundle"
    return write_bundle(folder, [sharp_run(part) for part in ("video", "heart_rate", "fusion")])


@pytest.fixture(scope="module")
def fusion(bundle, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("exports") / "fusion"
    export_onnx(bundle, "fusion", folder, CROPS)
    return folder


@pytest.fixture(scope="module")
def heart(bundle, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("exports") / "heart"
    export_onnx(bundle, "heart_rate", folder, CROPS)
    return folder


def chosen(given: dict[str, np.ndarray], *names: str) -> dict[str, np.ndarray]:
    return {name: given[name] for name in names}


@pytest.mark.parametrize("count", [1, 8])
def test_probabilities_are_torchs(bundle, fusion, count):
    export, given = OnnxFolder.open(fusion), windows(count, seed=count)
    expected = by_torch(bundle, "fusion", given)
    whole = export.run("model.onnx", chosen(given, "crops", "bpm"))
    assert whole.shape == (count, 2)
    assert np.abs(whole - expected).max() < 1e-5
    rows = export.run("embedder.onnx", {"crops": given["crops"].reshape(-1, 3, SIDE, SIDE)})
    halves = export.run("pain.onnx", {"embeddings": rows.reshape(count, FRAMES, -1), "bpm": given["bpm"]})
    assert np.abs(halves - expected).max() < 1e-5


def test_the_comparison_sees_faults(bundle, fusion):
    """Of windows whose probabilities differ, and with inputs that are not the same."""
    export, given = OnnxFolder.open(fusion), windows(8)
    expected = by_torch(bundle, "fusion", given)
    assert np.ptp(expected[:, 0]) > 0.02
    for name, other in (
        ("crops", given["crops"][:, :, ::-1]),
        ("crops", given["crops"][:, ::-1]),
        ("bpm", given["bpm"] + 1),
    ):
        wrong = {**chosen(given, "crops", "bpm"), name: np.ascontiguousarray(other)}
        assert np.abs(export.run("model.onnx", wrong) - expected).max() > 1e-4


@pytest.mark.slow
def test_an_embedder_for_each_model_and_the_persons_own_means(tmp_path):
    more = "data.baseline=session", "spatial.local_contrast=0.25"
    bundle = write_bundle(tmp_path / "bundle", [sharp_run("fusion", *more, joint=True)])
    export_onnx(bundle, "fusion", tmp_path / "export", CROPS)
    export, given = OnnxFolder.open(tmp_path / "export"), windows(3)
    assert export.about["graphs"]["pain.onnx"]["inputs"]["embeddings"]["shape"] == ["batch", FRAMES, 3 * 16]
    own = np.random.default_rng(3).normal(0, 1, (3, 3 * 16)).astype(np.float32)
    parts = {f"own fusion-{number + 1:03}": own[:, 16 * number : 16 * number + 16] for number in range(3)}
    expected = by_torch(bundle, "fusion", {**given, **parts})
    made = export.run("model.onnx", {**chosen(given, "crops", "bpm", "own_bpm"), "own_embeddings": own})
    assert np.abs(made - expected).max() < 1e-5
    other = by_torch(bundle, "fusion", given | parts | {"own fusion-002": own[:, :16]})
    assert np.abs(other - expected).max() > 1e-4, "columns of another embedder would be seen"
    with pytest.raises(PainlitError, match=r"input own_bpm must be float32 \(batch\), got nothing"):
        export.run("model.onnx", {**chosen(given, "crops", "bpm"), "own_embeddings": own})


def test_a_persons_own_heart_rate(tmp_path):
    bundle = write_bundle(tmp_path / "bundle", [sharp_run("heart_rate", "data.baseline=session")])
    export_onnx(bundle, "heart_rate", tmp_path / "export", CROPS)
    given = chosen(windows(8), "bpm", "own_bpm")
    made = OnnxFolder.open(tmp_path / "export").run("model.onnx", given)
    assert np.abs(made - by_torch(bundle, "heart_rate", given)).max() < 1e-4
    other = by_torch(bundle, "heart_rate", given | {"own_bpm": np.full(8, 75, np.float32)})
    assert np.abs(made - other).max() > 1e-3, "a baseline that is ignored would be seen"


def test_any_batch_and_nothing_of_the_makers_machine(fusion, heart):
    for folder in (fusion, heart):
        for file in folder.glob("*.onnx"):
            model = onnx.load(file)
            for value in (*model.graph.input, *model.graph.output):
                assert value.type.tensor_type.shape.dim[0].dim_param, (file, value.name)
        home = str(Path(painlit.__file__).parents[1]).encode()
        assert not any(home in file.read_bytes() or b"secret" in file.read_bytes() for file in folder.iterdir())
    assert {file.name for file in heart.iterdir()} == {"model.onnx", "export.json", "run_onnx.py", "MODEL_CARD.md"}


def test_what_export_json_says(bundle, fusion):
    told = OnnxFolder.open(fusion).about
    assert (told["part"], told["classes"], told["models"]) == ("fusion", ["NP", "P4"], 3)
    assert told["temperature"] == bundle.temperature("fusion") > 1.5
    assert told["bundle"] == bundle.sha256
    assert told["outside"]["face"]["margin"] == bundle.config.face.margin
    assert told["outside"]["face"]["side_px"] == SIDE
    assert told["outside"]["heart_rate"]["r_peaks"] == "pan_tompkins"
    assert told["outside"]["window"]["frame_times_s"] == [round(t, 6) for t in bundle.config.clip.frame_times]
    assert {*told["checked"]["largest_difference"]} == {"model.onnx", "embedder.onnx", "pain.onnx"}
    assert max(told["checked"]["largest_difference"].values()) < 1e-4


ALONE = """
import runpy, sys
for name in ("painlit", "torch", "onnx", "onnxscript", "pandas", "cv2"):
    sys.modules[name] = None
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def test_the_script_runs_without_painlit(bundle, fusion, heart, tmp_path):
    given = windows(2)
    given["bpm"][:] = 72, 75, 90
    np.save(tmp_path / "crops.npy", given["crops"])
    for part, folder, source in (("fusion", fusion, tmp_path / "crops.npy"), ("heart_rate", heart, "-")):
        command = [sys.executable, "-c", ALONE, str(folder / "run_onnx.py"), str(source), "72", "75", "90"]
        out = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
        expected = by_torch(bundle, part, given)[: 2 if part == "fusion" else 1]
        made = [[float(cell.split()[1]) for cell in line.split(", ")] for line in out]
        assert np.abs(np.array(made) - expected).max() < 1e-4  # of four decimals
        assert out[0].startswith("NP 0.")


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
    name, change, told = EDITS[kind]
    if change is None:
        (folder / name).unlink()
    else:
        assert change((folder / name).read_bytes()) != (folder / name).read_bytes()
        (folder / name).write_bytes(change((folder / name).read_bytes()))
    with pytest.raises(PainlitError, match=told):
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
        return replace(right, probabilities=right.probabilities + np.array([2e-4, -2e-4]))

    monkeypatch.setattr(writing, "expected_of", shifted)
    with pytest.raises(PainlitError, match=r"model\.onnx differs from torch by 2\.0e-04, more than 0\.0001"):
        export_onnx(bundle, "heart_rate", out, CROPS)
    assert (out / "export.json").read_bytes() == before, "the older one stays"
    assert [entry.name for entry in tmp_path.iterdir()] == ["export"], "no remains"


def test_an_embedder_that_differs_is_refused(bundle, fusion):
    export, part = OnnxFolder.open(fusion), load_part(bundle, "fusion")
    files = {file: told["inputs"] for file, told in export.about["graphs"].items()}
    given = expected_of(bundle, part, CROPS, 3)
    check_against_torch(export.run, files, given)
    for wrong in (replace(given, crops=given.crops[:, ::-1].copy()), replace(given, rows=np.roll(given.rows, 8, 1))):
        with pytest.raises(PainlitError, match=r"embedder\.onnx differs from torch by .* standard deviations"):
            check_against_torch(export.run, files, wrong)


def test_nothing_else_is_replaced(bundle, tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    for place in (tmp_path, tmp_path / "thesis.tex"):
        with pytest.raises(PainlitError, match="is there and no such export"):
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


def test_the_script_says_how_it_is_called(heart):
    for arguments in ([], ["--help"]):
        done = subprocess.run(
            [sys.executable, str(heart / "run_onnx.py"), *arguments], capture_output=True, text=True, check=False
        )
        assert done.returncode == 1
        assert "python run_onnx.py crops.npy [75 75 74 76 75]" in done.stderr
        assert "Traceback" not in done.stderr


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


@pytest.mark.slow
def test_programs_of_torch_export(bundle, tmp_path):
    about = export_torch(bundle, "video", tmp_path / "export", CROPS)
    assert {*about["graphs"]} == {"embedder.pt2", "pain.pt2"}
    given = windows(8)
    rows = torch.export.load(tmp_path / "export" / "embedder.pt2").module()(
        crops=torch.from_numpy(given["crops"]).flatten(0, 1)
    )
    pain = torch.export.load(tmp_path / "export" / "pain.pt2").module()
    for count in (1, 8):
        made = pain(embeddings=rows.unflatten(0, (-1, FRAMES))[:count]).detach().numpy()
        assert np.abs(made - by_torch(bundle, "video", given)[:count]).max() < 1e-5
    home = str(Path(painlit.__file__).parents[1]).encode()
    for file in (tmp_path / "export").glob("*.pt2"):
        content = file.read_bytes()
        assert home not in content
        assert b"data.pkl" not in content, "no pickle"
    with pytest.raises(PainlitError, match="is 'torch' of format 1, expected 'onnx'"):
        OnnxFolder.open(tmp_path / "export")
    assert json.loads((tmp_path / "export" / "export.json").read_text())["kind"] == "torch"
