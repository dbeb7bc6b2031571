"""Exports: how far ONNX is from torch on faces, what it takes, and whether it runs without painlit.

Networks have the paper's sizes, and those of experiments/proxy.yaml, with random weights whose logits are scaled to a
standard deviation of 2; crops are of the demo's portrait. `--frames=16` is how many frames of a clip the paper's
networks read here (138 in the paper: a batch of 8 takes minutes on two cores). `--sizes=proxy,paper` chooses. A new
environment gets onnxruntime and NumPy alone, by pip, and runs the script beside the export; the folder for the Hub is
loaded in a process of its own.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from data_modules.demo.portrait import faces
from experiments.bench.timing import seconds
from painlit.config import Config, load
from painlit.inference.bundles.bundle import Bundle
from painlit.inference.bundles.trained_run import TrainedEmbedder, TrainedModel, TrainedRun
from painlit.inference.bundles.writing import write_bundle
from painlit.inference.export.expected import Windows, expected_of
from painlit.inference.export.hub_folder import export_hub
from painlit.inference.export.onnx_folder import OnnxFolder
from painlit.inference.export.part_networks import load_part
from painlit.inference.export.writing import export_onnx
from painlit.models.normalisation import MEAN, STD
from painlit.runs.provenance import provenance
from painlit.weights.networks import build_frame_embedder, build_pain_model

FACES = 8
LOADED = """
import sys
import numpy as np, torch, painlit
model = painlit.load(sys.argv[1], "cpu")
given = np.load(sys.argv[2])
inputs = {name: torch.from_numpy(given[name]) for name in given.files}
with torch.inference_mode():
    made = model.bundle.models("fusion")[0].network(**inputs).softmax(-1)
print(repr(made[:, 1].double().tolist()))
"""


def random_bundle(config: Config, out: Path) -> Bundle:
    """A fusion model of these sizes."""
    torch.manual_seed(0)
    frames, dim, rates = config.clip.used_frames, config.spatial.embed_dim, config.clip.heart_rates
    network = build_pain_model(config.model, 2, frames, dim, rates).eval()
    head = network.temporal.head
    with torch.no_grad():
        rows = torch.randn(2, 4, frames, dim)
        logits = network(rows[0], rows[1], 50 + 60 * torch.rand(4, rates)) - head.bias
        head.weight *= 2 / logits.std(0).mean()
        head.bias[:] = -logits.mean(0) * 2 / logits.std(0).mean()
    settings = {**asdict(config.spatial), "mean": list(MEAN), "std": list(STD)}
    embedder = TrainedEmbedder("spatial", build_frame_embedder(config.spatial, MEAN, STD), settings, "untrained")
    model = TrainedModel(None, network, embedder, ("nobody",), (), (), 1)
    run = TrainedRun(
        out, "finetune", config, {None: {"train": ["nobody"], "validation": [], "test": []}}, "untrained",
        lambda: iter([model]), {}, provenance(),
    )  # fmt: skip
    return write_bundle(out, [run])


def compare(export: OnnxFolder, given: Windows) -> None:
    """Differences and times of batches of 1 and 8."""
    rows = export.run("embedder.onnx", {"crops": given.crops})
    print(f"  scores from {given.probabilities[:, 1].min():.3f} to {given.probabilities[:, 1].max():.3f}")
    for count in (1, 8):
        frames, bpm, expected = given.frames[:count], given.bpm[:count], given.probabilities[:count]
        began = time.perf_counter()
        whole = export.run("model.onnx", {"crops": given.crops[frames], "bpm": bpm})
        took = time.perf_counter() - began
        halves = export.run("pain.onnx", {"embeddings": rows[frames], "bpm": bpm})
        print(
            f"  batch {count}: largest difference from torch {np.abs(whole - expected).max():.1e} (model.onnx, "
            f"{took:.2f} s), {np.abs(halves - expected).max():.1e} (embedder.onnx and pain.onnx)",
            flush=True,
        )


def speed(bundle: Bundle, export: OnnxFolder, crops: np.ndarray) -> None:
    """Seconds of embedding a frame, and of scoring a window, by torch and by onnxruntime."""
    part = load_part(bundle, "fusion")
    embedder, (network, _) = part.embedders["spatial"], part.models[0]
    images = torch.from_numpy(crops)
    rows = np.zeros((1, part.frames, part.width), np.float16)
    bpm = np.full((1, part.heart_rates), 75, np.float32)
    with torch.inference_mode():
        works = {
            "a frame": (
                lambda: embedder(images),
                lambda: export.run("embedder.onnx", {"crops": crops}),
                len(crops),
            ),
            "a window": (
                lambda: network(torch.from_numpy(rows), torch.from_numpy(bpm)),
                lambda: export.run("pain.onnx", {"embeddings": rows, "bpm": bpm}),
                1,
            ),
        }
        for name, (ours, theirs, count) in works.items():
            times = [[1000 * seconds(work) / count for _ in range(3)] for work in (ours, theirs)]
            print(f"  {name}: torch {min(times[0]):.1f} ms, onnxruntime {min(times[1]):.1f} ms", flush=True)


def without_painlit(folder: Path, given: Windows, place: Path) -> None:
    """The script in a new environment."""
    subprocess.run([sys.executable, "-m", "venv", str(place / "env")], check=True)
    python = place / "env" / "bin" / "python"
    subprocess.run([str(python), "-m", "pip", "install", "--quiet", "onnxruntime", "numpy"], check=True)
    listed = subprocess.run(
        [str(python), "-m", "pip", "list", "--format=freeze"], check=True, capture_output=True, text=True
    )
    np.save(place / "crops.npy", given.crops[given.frames[0]])
    command = [str(python), str(folder / "run_onnx.py"), str(place / "crops.npy"), *map(repr, given.bpm[0].tolist())]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    expected = ", ".join(f"{name} {p:.4f}" for name, p in zip(("NP", "P4"), given.probabilities[0], strict=True))
    print(f"  without painlit ({', '.join(listed.stdout.split())}): {out}; torch: {expected}")


def from_the_hub(bundle: Bundle, place: Path) -> None:
    """The folder for the Hub in a process of its own."""
    export_hub(bundle, place / "hub")
    frames, dim, rates = bundle.config.clip.used_frames, bundle.config.spatial.embed_dim, bundle.config.clip.heart_rates
    generator = np.random.default_rng(0)
    inputs = {name: generator.normal(size=(8, frames, dim)).astype(np.float32) for name in ("full", "tiles")}
    inputs["bpm"] = generator.uniform(50, 110, (8, rates)).astype(np.float32)
    np.savez(place / "inputs.npz", **inputs)  # type: ignore[arg-type]
    command = [sys.executable, "-c", LOADED, str(place / "hub"), str(place / "inputs.npz")]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    with torch.inference_mode():
        network = bundle.models("fusion")[0].network
        ours = network(**{name: torch.from_numpy(value) for name, value in inputs.items()}).softmax(-1)[:, 1].double()
    difference = np.abs(np.array(output.strip("[]\n").split(","), float) - ours.numpy()).max()
    print(f"  folder for the Hub, in a process of its own: largest difference {difference:.1e} of 8 windows")


def main() -> None:
    """All of it."""
    options = dict(argument[2:].split("=", 1) for argument in sys.argv[1:] if argument.startswith("--"))
    frames = int(options.get("frames", 16))
    sizes = {
        "proxy": load(["config=experiments/proxy.yaml", "model.modality=fusion"]),
        "paper": load([f"clip.frames={frames}", "data.is_biovid=false"]),
    }
    for name in options.get("sizes", ",".join(sizes)).split(","):
        config = sizes[name]
        print(f" {name}: {config.clip.used_frames} frames, crops of {2 * config.spatial.image_size} px", flush=True)
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder)
            bundle = random_bundle(config, place / "bundle")
            crops = faces(FACES, 2 * config.spatial.image_size)
            took = seconds(lambda: export_onnx(bundle, "fusion", place / "onnx", crops))  # noqa: B023
            export = OnnxFolder.open(place / "onnx")
            graph_sizes = ", ".join(
                f"{file} {(place / 'onnx' / file).stat().st_size / 2**20:.1f}" for file in export.about["graphs"]
            )
            print(f"  export and its check: {took:.0f} s; MiB: {graph_sizes}", flush=True)
            given = expected_of(bundle, load_part(bundle, "fusion"), crops, 8, seed=1)
            compare(export, given)
            speed(bundle, export, given.crops[:4])
            without_painlit(place / "onnx", given, place)
            from_the_hub(bundle, place)
