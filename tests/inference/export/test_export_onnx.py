"""An export to ONNX gives what torch gives, in any batch, without painlit."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from export_runs import CROPS, FRAMES, SIDE, by_torch, chosen, sharp_run, windows

import painlit
from painlit.errors import PainlitError
from painlit.inference.bundles.writing import write_bundle
from painlit.inference.export.onnx_folder import OnnxFolder
from painlit.inference.export.writing import export_onnx, export_torch


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
    about = OnnxFolder.open(fusion).about
    assert (about["part"], about["classes"], about["models"]) == ("fusion", ["NP", "P4"], 3)
    assert about["temperature"] == bundle.temperature("fusion") > 1.5
    assert about["bundle"] == bundle.sha256
    assert about["outside"]["face"]["margin"] == bundle.config.face.margin
    assert about["outside"]["face"]["side_px"] == SIDE
    assert about["outside"]["heart_rate"]["r_peaks"] == "pan_tompkins"
    assert about["outside"]["window"]["frame_times_s"] == [round(t, 6) for t in bundle.config.clip.frame_times]
    assert {*about["checked"]["largest_difference"]} == {"model.onnx", "embedder.onnx", "pain.onnx"}
    assert max(about["checked"]["largest_difference"].values()) < 1e-4


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
        assert np.abs(np.array(made) - expected).max() < 2e-4  # four decimals, and large logits of small differences
        assert out[0].startswith("NP 0.")


def test_the_script_says_how_it_is_called(heart):
    for arguments in ([], ["--help"]):
        done = subprocess.run(
            [sys.executable, str(heart / "run_onnx.py"), *arguments], capture_output=True, text=True, check=False
        )
        assert done.returncode == 1
        assert "python run_onnx.py crops.npy [75 75 74 76 75]" in done.stderr
        assert "Traceback" not in done.stderr


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
