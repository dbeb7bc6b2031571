"""Writes bundles. Writing is atomic: a bundle is made beside its destination, opened, and then moved there."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from safetensors.torch import save
from torch import nn

from painlit.config import Config, flat, settings
from painlit.errors import PainlitError
from painlit.inference.bundles.agreement import check_agreement
from painlit.inference.bundles.bundle import Bundle
from painlit.inference.bundles.content import FORMAT, PARTS
from painlit.inference.bundles.files import ABOUT
from painlit.inference.bundles.model_card import model_card
from painlit.inference.bundles.trained_run import TrainedEmbedder, TrainedModel, TrainedRun
from painlit.runs.artefact import write_artefact
from painlit.runs.provenance import provenance
from painlit.system.digests import digest
from painlit.system.files import named_disk_errors
from painlit.system.folders import folder_beside, take_place
from painlit.weights.files import plain_state, refuse_non_finite

CARD = "MODEL_CARD.md"
_KEPT = {"prepare", "embed", "pain", "evaluation"}
"""Results whose settings a bundle has; all other settings are of this machine and of earlier stages."""


def write_bundle(out: Path, runs: Sequence[TrainedRun]) -> Bundle:
    """Write a bundle of one finished run, or of several as its part-models.

    Args:
        out: Folder, or FILE.zip; an existing bundle is replaced.
        runs: Each of another modality.

    Raises:
        PainlitError: The runs do not go together, weights are missing or not those of the run, or `out` holds something
            else than a bundle.
    """
    check_agreement(runs)
    runs = sorted(runs, key=lambda run: PARTS.index(run.part))
    zipped = out.suffix.lower() == ".zip"
    _refuse_others(out, zipped)
    with folder_beside(out) as temporary:
        _write(temporary, runs)
        made = Bundle.open(temporary)
        if zipped:
            made.save_zip(out)
        else:
            take_place(temporary, out)
    return Bundle.open(out)


def _write(folder: Path, runs: Sequence[TrainedRun]) -> None:
    weights = _Weights(folder)
    models = [weights.model(run, model) for run in runs for model in run.models()]
    first = runs[0]
    about: dict[str, Any] = {
        "format": FORMAT,
        "made_by": first.stage,
        "runs": [_about_run(run) for run in runs],
        "task": first.config.task,
        "classes": list(first.config.classes),
        "is_pain": first.config.data.is_biovid,
        "config": bundled_settings(first.config),
        "embedders": weights.embedders,
        "models": models,
        "temperature": {run.part: run.temperature for run in runs},
        "expected": {run.part: run.figures for run in runs},
        "provenance": provenance(),
    }
    with named_disk_errors(folder):
        weights.add(CARD, model_card(about).encode())
    write_artefact(folder / ABOUT, {**about, "files": weights.files, "sizes": weights.sizes})


class _Weights:
    """The files of a bundle being written, and their entries in bundle.json."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.files: dict[str, str] = {}
        self.sizes: dict[str, int] = {}
        self.embedders: dict[str, dict[str, Any]] = {}

    def add(self, name: str, content: bytes) -> None:
        """Write a file."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "wb") as handle:
            handle.write(content)
            handle.flush()
            os.fsync(handle.fileno())
        self.files[name], self.sizes[name] = hashlib.sha256(content).hexdigest(), len(content)

    def network(self, name: str, network: nn.Module) -> str:
        """Write weights, and return their file."""
        file, state = f"weights/{name}.safetensors", plain_state(network)
        refuse_non_finite(file, state)
        with named_disk_errors(self.folder / file):
            self.add(file, save(state))
        return file

    def model(self, run: TrainedRun, model: TrainedModel) -> dict[str, Any]:
        """Write a model, and its embedder if that is not written yet; its entry in bundle.json."""
        if model.embedder is not None:
            self._embedder(model.embedder)
        number = 1 + sum(name.startswith(f"weights/{run.part}-model-") for name in self.files)
        return {
            "part": run.part,
            "fold": model.fold,
            "file": self.network(f"{run.part}-model-{number:03}", model.network),
            "model": run.model_settings,
            "embedder": model.embedder and model.embedder.name,
            "subjects": sorted(model.subjects),
            "selected_on": sorted(model.selected_on),
            "tested": sorted(model.tested),
            "epoch": model.epoch,
            "stage": run.stage,
            "run": run.folder.name,
            "started_from": dict(run.started_from),
        }

    def _embedder(self, embedder: TrainedEmbedder) -> None:
        sha256 = digest(embedder.network.spatial.state_dict())
        held = self.embedders.get(embedder.name)
        if held is not None:
            if held["sha256"] != sha256:
                raise PainlitError(f"two Spatial-Modules are called {embedder.name}", "bundle each run by itself")
            return
        self.embedders[embedder.name] = {
            "file": self.network(f"embedder-{embedder.name}", embedder.network.spatial),
            "settings": dict(embedder.settings),
            "stage": embedder.stage,
            "data": embedder.data,
            "subjects": sorted(embedder.subjects),
            "differs": list(embedder.differs),
            "sha256": sha256,
        }


def bundled_settings(config: Config) -> dict[str, Any]:
    """The settings that results depend on, nested as in `Config.to_dict`, without paths of this machine."""
    values = flat(config.to_dict())
    kept = {key: values[key] for key, setting in settings().items() if _KEPT & {*setting.affects} and not setting.path}
    kept["data.name"] = config.data.name
    if config.data.table:
        kept["data.table"] = Path(config.data.table).name
    nested: dict[str, Any] = {}
    for key, value in kept.items():
        *groups, name = key.split(".")
        place = nested
        for group in groups:
            place = place.setdefault(group, {})
        place[name] = value
    return nested


def _about_run(run: TrainedRun) -> dict[str, Any]:
    return {"name": run.folder.name, "stage": run.stage, "part": run.part, **run.made_by}


def _refuse_others(out: Path, zipped: bool) -> None:
    """Refuse to replace anything but a bundle."""
    if not out.exists():
        return
    held = {entry.name for entry in out.iterdir()} if out.is_dir() else set()
    if zipped and out.is_file():
        Bundle.open(out)
    elif zipped or not out.is_dir() or held - {ABOUT, CARD, "weights"} or (held and ABOUT not in held):
        raise PainlitError(f"{out} exists and is no bundle: it would be replaced", "give another place: bundle.out=")
