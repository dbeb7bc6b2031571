"""`make export`: a bundle for use elsewhere.

    make export ARGS="--to onnx --model study.zip --out study-onnx"     graphs that onnxruntime runs, without painlit
    make export ARGS="--to hub --model study.zip --out study-hub export.push=owner/name"
    make export ARGS="--to torch --model study.zip --out study-torch"

What is exported is run at once on faces of the demo's portrait, and compared with torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from experiments.command import main
from painlit.config import Config
from painlit.errors import PainlitError

if TYPE_CHECKING:
    from painlit.inference.bundles.bundle import Bundle

_FACES = 4


@dataclass(frozen=True)
class ExportResult:
    """What `make export` wrote."""

    path: Path
    """Its folder."""
    largest_difference: float | None = None
    """Of a probability, from torch's; None for the Hub, whose weights are the bundle's."""
    address: str = ""
    """On the Hub, if it was uploaded."""


def run(config: Config) -> ExportResult:
    """Export the bundle of `export.model`.

    Raises:
        PainlitError: The bundle cannot be used or exported, a package is missing, or the Hub cannot be reached.
    """
    from painlit.inference.bundles.bundle import Bundle
    from painlit.inference.bundles.hub import find_bundle

    wanted = config.export
    if not wanted.model:
        raise PainlitError("export.model is empty", "name a bundle: --model runs/finetune/NAME/bundle")
    bundle, out = Bundle.open(find_bundle(wanted.model)), Path(wanted.out)
    return _to_hub(config, bundle, out) if wanted.to == "hub" else _to_graphs(config, bundle, out)


def _to_graphs(config: Config, bundle: Bundle, out: Path) -> ExportResult:
    from data_modules.demo.portrait import faces
    from painlit.inference.export.part_networks import choose_part
    from painlit.inference.export.writing import export_onnx, export_torch

    part = choose_part(bundle, config.export.part)
    export = export_onnx if config.export.to == "onnx" else export_torch
    made = export(bundle, part, out, faces(_FACES, 2 * bundle.config.spatial.image_size))
    checked = made["checked"]
    models = f"{made['models']} {'model' if made['models'] == 1 else 'models'}"
    print(f"{part.replace('_', ' ')}: {models}, temperature {made['temperature']:.3f}")
    for graph, difference in checked["largest_difference"].items():
        of = "standard deviations of an embedding's values" if graph.startswith("embedder") else "in probability"
        print(f"{graph}: largest difference from torch {difference:.1e} {of}")
    print(f"export: {out}")
    return ExportResult(out, max(d for g, d in checked["largest_difference"].items() if not g.startswith("embedder")))


def _to_hub(config: Config, bundle: Bundle, out: Path) -> ExportResult:
    from painlit.inference.export.hub_folder import export_hub, push_to_hub

    wanted = config.export
    export_hub(bundle, out, wanted.license, wanted.push)
    print(f"export: {out}")
    print("bundle.json lists the names of all subjects: look at them before the folder is passed on")
    if not wanted.push:
        return ExportResult(out)
    address = push_to_hub(out, wanted.push, wanted.private)
    print(f"uploaded: {address}")
    return ExportResult(out, address=address)


if __name__ == "__main__":
    main("export")
