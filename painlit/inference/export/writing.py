"""Writes graphs of a part. They are run beside their destination, and moved there only if they agree with torch."""

from __future__ import annotations

import os
import shutil
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from painlit.inference.bundles.bundle import Bundle
from painlit.inference.bundles.model_card import model_card
from painlit.inference.export.checking import check_against_torch
from painlit.inference.export.constants import outside_constants
from painlit.inference.export.expected import expected_of
from painlit.inference.export.onnx_folder import ABOUT, FORMAT, OnnxFolder
from painlit.inference.export.onnx_graphs import OPSET, onnx_graphs
from painlit.inference.export.packages import needed
from painlit.inference.export.part_networks import Part, load_part
from painlit.inference.export.places import place_for
from painlit.inference.export.ports import EMBEDDER, PAIN, WHOLE, described, ports
from painlit.inference.export.torch_programs import run_program, torch_programs
from painlit.runs.artefact import write_artefact
from painlit.runs.provenance import provenance
from painlit.system.digests import file_digest
from painlit.system.files import named_disk_errors
from painlit.system.folders import folder_beside, take_place

CARD, SCRIPT = "MODEL_CARD.md", "run_onnx.py"
_WINDOWS = 3  # of the whole chain, as batches of 1 and of 2


def export_onnx(bundle: Bundle, name: str, out: Path, crops: np.ndarray) -> dict[str, Any]:
    """Write a part of a bundle as ONNX, with its constants and a script that runs it; the content of export.json.

    Args:
        bundle: The bundle.
        name: fusion, video or heart_rate.
        out: Folder; an existing export is replaced.
        crops: (n, S, S, 3) uint8 RGB faces, with which the export is compared with torch; S as the bundle has it.

    Raises:
        PainlitError: A package is missing, torch cannot export the networks, the export differs from torch by more than
            is tolerated, or `out` holds something else or lies within the bundle. Nothing is left then.
    """
    graphs = [f"{graph}.onnx" for graph in (WHOLE, EMBEDDER, PAIN)]
    out = place_for(out, {ABOUT, CARD, SCRIPT, *graphs}, ABOUT, bundle.path)
    needed("onnxruntime", "export.to=onnx")
    part = load_part(bundle, name)
    with folder_beside(out) as folder:
        with named_disk_errors(folder):
            for graph, model in onnx_graphs(part).items():
                _write(folder / f"{graph}.onnx", model.SerializeToString())
            shutil.copyfile(Path(__file__).with_name(SCRIPT), folder / SCRIPT)
            _write(folder / CARD, model_card(bundle.about).encode())
        about = {**_about(bundle, part, "onnx", folder), "opset": OPSET, "onnxruntime": version("onnxruntime")}
        files = {file: graph["inputs"] for file, graph in about["graphs"].items()}
        windows = expected_of(bundle, part, crops, _WINDOWS)
        about["checked"] = check_against_torch(OnnxFolder(folder, about).run, files, windows)
        write_artefact(folder / ABOUT, about)
        OnnxFolder.open(folder)
        take_place(folder, out)
    return about


def export_torch(bundle: Bundle, name: str, out: Path, crops: np.ndarray) -> dict[str, Any]:
    """Write a part of a bundle as programs of torch.export; arguments and errors as of `export_onnx`."""
    graphs = [f"{graph}.pt2" for graph in (WHOLE, EMBEDDER, PAIN)]
    out = place_for(out, {ABOUT, CARD, *graphs}, ABOUT, bundle.path)
    part = load_part(bundle, name)
    with folder_beside(out) as folder:
        with named_disk_errors(folder):
            torch_programs(part, folder)
            _write(folder / CARD, model_card(bundle.about).encode())
        about = _about(bundle, part, "torch", folder)
        files = {file: graph["inputs"] for file, graph in about["graphs"].items()}
        windows = expected_of(bundle, part, crops, _WINDOWS)
        about["checked"] = check_against_torch(lambda file, given: run_program(folder / file, given), files, windows)
        write_artefact(folder / ABOUT, about)
        take_place(folder, out)
    return about


def _about(bundle: Bundle, part: Part, kind: str, folder: Path) -> dict[str, Any]:
    """All of export.json but how it was checked, for the files written."""
    suffix = {"onnx": ".onnx", "torch": ".pt2"}[kind]
    graphs = {
        f"{graph}{suffix}": values for graph, values in ports(part).items() if (folder / f"{graph}{suffix}").is_file()
    }
    return {
        "format": FORMAT,
        "kind": kind,
        "part": part.name,
        "task": bundle.about["task"],
        "classes": list(bundle.classes),
        "is_pain": bundle.about["is_pain"],
        "models": len(part.models),
        "temperature": bundle.temperature(part.name),
        "graphs": {
            file: {"inputs": described(given), "outputs": described(made)} for file, (given, made) in graphs.items()
        },
        "outside": outside_constants(bundle.config, bool(part.embedders), bool(part.heart_rates)),
        "expected": bundle.about["expected"].get(part.name),
        "files": {path.name: file_digest(path) for path in sorted(folder.iterdir())},
        "bundle": bundle.sha256,
        "provenance": provenance(),
    }


def _write(path: Path, content: bytes) -> None:
    with open(path, "wb") as handle:
        handle.write(content)
        handle.flush()
        os.fsync(handle.fileno())
