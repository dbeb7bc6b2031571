"""A bundle: everything that an assessment needs of trained models, in one folder or one zip.

    bundle.json            what it holds and where each part came from; sealed, and written last
    weights/*.safetensors  pain models and the Spatial-Modules that embed frames for them
    MODEL_CARD.md          for people

Opening compares every file with its digest. Nothing in a bundle is code, none of it is run, and of a zip nothing is
extracted.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import nn

from painlit.config import Config, ModelConfig, SpatialConfig, from_dict, group, settings
from painlit.errors import PainlitError
from painlit.inference.bundles.content import PARTS, check_content, check_format
from painlit.inference.bundles.files import ABOUT, AGAIN, LARGEST_ABOUT, BundleFiles, open_files, read_bytes, sha256_of
from painlit.models import PainModel
from painlit.models.frame_embedder import FrameEmbedder
from painlit.runs.artefact import check_digest, unseal
from painlit.system.digests import digest
from painlit.system.files import atomic_path
from painlit.weights.files import refuse_misfits, refuse_non_finite
from painlit.weights.networks import build_frame_embedder, build_pain_model

Network = TypeVar("Network", bound=nn.Module)


class LoadedModel(NamedTuple):
    """A model of a bundle."""

    fold: str | None
    """The fold it was trained in; None: on all subjects."""
    network: PainModel
    """In eval mode."""
    embedder: str | None
    """Name of what embeds frames for it; None without video."""


class Bundle:
    """Trained models with all that it takes to use them.

    Attributes:
        path: Of the folder or zip.
        about: What bundle.json holds; docs/bundles.md describes it.
        config: Settings of clips, faces, signals and networks; paths are blank.
        classes: Their names, in the order of the probabilities.
        parts: The part-models that it holds: fusion, video, heart_rate.
        sha256: Digest of the content of bundle.json, which has those of all other files.
    """

    def __init__(self, path: Path, files: BundleFiles, about: Mapping[str, Any]):
        self.path, self.about, self._files = path, about, files
        self.config = _config(path, about)
        self.classes = tuple(about["classes"])
        held = {model["part"] for model in about["models"]}
        self.parts = tuple(part for part in PARTS if part in held)
        self.sha256 = digest(about)

    @classmethod
    def open(cls, path: str | Path) -> Bundle:
        """Open a folder or a zip, and compare all that it holds with the digests it was written with.

        Raises:
            PainlitError: It is no bundle, of a newer version, cut short or edited, a file is missing, or it holds what
                no bundle holds: files of other kinds, files that are not listed, links, paths that lead out of it.
        """
        path = Path(path)
        files = open_files(path)
        place = path / ABOUT
        try:
            content = json.loads(read_bytes(path, files, ABOUT, LARGEST_ABOUT))
        except (ValueError, RecursionError) as error:
            raise PainlitError(f"{place} is no valid JSON: {error}", AGAIN) from error
        check_format(path, content)
        about = unseal(place, content, AGAIN)
        check_content(path, about)
        if missing := sorted({*about["files"]} - {*files.sizes}):
            raise PainlitError(f"{path}: {missing[0]} is missing, and {len(missing)} files in all", AGAIN)
        if unlisted := sorted({*files.sizes} - {*about["files"], ABOUT}):
            raise PainlitError(
                f"{path}: {unlisted[0]} is not listed in {ABOUT}", "remove it: a bundle holds what was written into it"
            )
        for name, sha256 in about["files"].items():
            found = sha256_of(path, files, name) if files.sizes[name] == about["sizes"][name] else "of another size"
            check_digest(path / name, sha256, found, AGAIN)
        return cls(path, files, about)

    def models(self, part: str) -> list[LoadedModel]:
        """The models of a part: one for each fold that the bundle has, or one that was trained on all subjects.

        Raises:
            PainlitError: The bundle has no such part, or weights do not fit (each misfit is named).
        """
        entries = [model for model in self.about["models"] if model["part"] == part]
        if not entries:
            raise PainlitError(f"{self.path} has no model of {part!r}", f"it has {', '.join(self.parts)}")
        return [LoadedModel(entry["fold"], self._pain_model(entry), entry["embedder"]) for entry in entries]

    def embedder(self, name: str) -> FrameEmbedder:
        """What embeds frames for the models that name it, in eval mode.

        Raises:
            PainlitError: The bundle has no such embedder, or its weights do not fit or are not those it names.
        """
        held = self.about["embedders"]
        if name not in held:
            raise PainlitError(f"{self.path} has no embedder {name!r}", f"it has {', '.join(held) or 'none'}")
        entry = held[name]
        whole = self._loaded(
            entry["file"], lambda: build_frame_embedder(group(SpatialConfig, entry["settings"])), "spatial."
        )
        check_digest(self.path / entry["file"], entry["sha256"], digest(whole.spatial.state_dict()), AGAIN)
        return whole

    def temperature(self, part: str) -> float:
        """The temperature of a part's probabilities; 1 if none was fitted."""
        fitted = self.about["temperature"].get(part)
        return 1.0 if fitted is None else float(fitted)

    def save_zip(self, path: Path) -> None:
        """Write the bundle as a zip, whole or not at all; the same bundle gives the same bytes."""
        with atomic_path(Path(path)) as temporary, zipfile.ZipFile(temporary, "w") as archive:
            for name in (*sorted(self.about["files"]), ABOUT):
                entry = zipfile.ZipInfo(name)  # dated 1980
                entry.external_attr = 0o644 << 16
                if not name.endswith(".safetensors"):
                    entry.compress_type = zipfile.ZIP_DEFLATED
                with self._files.open(name) as source, archive.open(entry, "w", force_zip64=True) as target:
                    shutil.copyfileobj(source, target)

    def copy_to(self, folder: Path) -> None:
        """Write the bundle's files into an existing folder."""
        for name in (*sorted(self.about["files"]), ABOUT):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            with self._files.open(name) as source, open(folder / name, "wb") as target:
                shutil.copyfileobj(source, target)

    def _pain_model(self, entry: Mapping[str, Any]) -> PainModel:
        clip, dim = self.config.clip, self.config.spatial.embed_dim

        def build() -> PainModel:
            model = group(ModelConfig, entry["model"])
            return build_pain_model(model, len(self.classes), clip.used_frames, dim, clip.heart_rates)

        return self._loaded(entry["file"], build)

    def _loaded(self, file: str, build: Callable[[], Network], prefix: str = "") -> Network:
        """A network with the weights of a file, in eval mode; it takes memory only once they are known to fit."""
        content = read_bytes(self.path, self._files, file, self.about["sizes"][file])
        check_digest(self.path / file, self.about["files"][file], hashlib.sha256(content).hexdigest(), AGAIN)
        try:
            state = safetensors.torch.load(content)
        except (SafetensorError, ValueError, KeyError) as error:
            raise PainlitError(f"{self.path / file} is no safetensors file: {error}", AGAIN) from error
        refuse_non_finite(str(self.path / file), state)
        state = {prefix + name: tensor for name, tensor in state.items()}
        try:
            with torch.device("meta"):
                expected = build().state_dict()
        except (TypeError, ValueError, AttributeError, ArithmeticError, RuntimeError) as error:
            raise PainlitError(f"{self.path}: no network has the sizes of {file}: {error}", AGAIN) from error
        refuse_misfits(str(self.path / file), state, expected, AGAIN)
        network = build()
        network.load_state_dict(state)
        return network.eval()


def _config(path: Path, about: Mapping[str, Any]) -> Config:
    """The settings, without paths, which are of the machine that made the bundle."""
    try:
        config = from_dict(about["config"])
    except PainlitError as error:
        raise PainlitError(
            f"{path}: this version of painlit cannot use its settings: {error.what}", "update painlit, or make it anew"
        ) from error
    for key, setting in settings().items():
        if setting.path and key != "data.table":  # whose name says that there is a table
            *groups, name = key.split(".")
            place: Any = config
            for part in groups:
                place = getattr(place, part)
            setattr(place, name, "")
    return config
