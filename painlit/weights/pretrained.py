"""What earlier stages left for later ones, or the user names."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from painlit.config import Config
from painlit.errors import PainlitError
from painlit.models import HeartRateEncoder, SpatialModule, TemporalModule
from painlit.models.normalisation import MEAN, STD, Normalise
from painlit.weights.files import digest, load_weights
from painlit.weights.networks import build_spatial_module

STAGES = ("pretrain-stage2", "pretrain-stage1")
"""Stages that leave a Spatial-Module; the later one is preferred."""
NAMED = {"stage1": STAGES[1:], "stage2": STAGES[:1]}
"""Values of a `weights` key that name the one stage to take the newest from."""
ECG = ("pretrain-ecg",)
"""Stages that leave a Heart Rate Encoder."""


@dataclass(frozen=True)
class Pretrained:
    """A Spatial-Module, and how its images are normalised."""

    spatial: SpatialModule
    mean: list[float]
    std: list[float]
    local_contrast: float
    source: str
    """Path of its weights, or `untrained`."""
    stage: str
    """Stage that left them, as their JSON says, or `untrained`."""
    subjects: tuple[str, ...] = ()
    """Whose pain labels it learnt from: none in stages 1 and 2."""

    @property
    def normalise(self) -> Normalise:
        """As in the stage that trained it."""
        return Normalise(self.mean, self.std, self.local_contrast)

    @property
    def settings(self) -> dict[str, Any]:
        """Mean and std, for records of what was done."""
        return {"mean": self.mean, "std": self.std}


def pretrained_spatial_module(
    config: Config, weights: str, stages: Sequence[str] = STAGES, drop_path: float = 0.0
) -> Pretrained:
    """The Spatial-Module to start from. Normalisation comes with the weights; `spatial.mean` need not be set.

    Args:
        config: Sizes of the network, and the folder of runs.
        weights: `untrained`, a .safetensors file, `stage1` or `stage2` for the newest of that stage, or `auto`: the
            newest that the first of `stages` with any has left.
        stages: Where `auto` looks.
        drop_path: Rate of stochastic depth in training to come.

    Raises:
        PainlitError: No such weights, or they were trained with other sizes or another normalisation.
    """
    torch.manual_seed(config.seed)
    spatial = build_spatial_module(config.spatial, drop_path)
    wanted = dataclasses.asdict(config.spatial)
    if weights == "untrained":
        mean, std = wanted["mean"] or list(MEAN), wanted["std"] or list(STD)
        return Pretrained(spatial, mean, std, config.spatial.local_contrast, weights, weights)
    path = find_weights(config, weights, "spatial", stages)
    about = load_weights(path, spatial)
    trained = {"local_contrast": 0.0, **about.get("spatial", {})}  # older files do not say
    wanted = {key: trained.get(key) if value is None else value for key, value in wanted.items()}
    _refuse_other(path, "spatial", wanted, trained)
    print(f"Spatial-Module: {path}")
    stage, subjects = about.get("stage", "unknown"), tuple(about.get("subjects", ()))
    return Pretrained(spatial, wanted["mean"], wanted["std"], config.spatial.local_contrast, str(path), stage, subjects)


def load_pretrained_temporal_module(config: Config, module: TemporalModule) -> None:
    """Give a Temporal-Module the weights of stage 1, all but its class scores' (`model.temporal.weights`).

    Raises:
        PainlitError: No such weights, or they were trained with other sizes.
    """
    if config.model.temporal.weights == "untrained":
        return
    path = find_weights(config, config.model.temporal.weights, "temporal", STAGES[1:])
    trained = load_weights(path, module.perceiver).get("temporal", {})
    _refuse_other(path, "model.temporal", temporal_sizes(config), trained)
    print(f"Temporal-Module: {path}")


def load_pretrained_heart_rate_encoder(config: Config, encoder: HeartRateEncoder) -> None:
    """Give a Heart Rate Encoder the weights of `pretrain-ecg` (`model.heart_rate_encoder.weights`).

    Raises:
        PainlitError: No such weights, or they were trained with other sizes.
    """
    wanted = config.model.heart_rate_encoder.weights
    if wanted == "untrained":
        return
    path = find_weights(config, wanted, "heart_rate_encoder", ECG)
    trained = load_weights(path, encoder).get("heart_rate_encoder", {})
    _refuse_other(path, "model.heart_rate_encoder", encoder_sizes(config), trained)
    print(f"Heart Rate Encoder: {path}")


def encoder_sizes(config: Config) -> dict[str, int]:
    """What the shapes of the Heart Rate Encoder's weights follow from, for the JSON beside them."""
    sizes = dataclasses.asdict(config.model.heart_rate_encoder)
    return {key: sizes[key] for key in ("latents", "latent_dim", "output_dim")}


def temporal_sizes(config: Config) -> dict[str, int]:
    """What the shapes of the Temporal-Module's weights follow from, for the JSON beside them."""
    sizes = dataclasses.asdict(config.model.temporal)
    del sizes["weights"]
    return sizes


def with_found_weights(config: Config) -> Config:
    """The configuration with `auto` weights replaced by the files they stand for now: all folds take the same."""
    model, embed = config.model, config.embed
    if model.temporal.weights == "auto":
        path = find_weights(config, "auto", "temporal", STAGES[1:])
        model = dataclasses.replace(model, temporal=dataclasses.replace(model.temporal, weights=str(path)))
    if config.encodes_heart_rates and model.heart_rate_encoder.weights == "auto":
        path = find_weights(config, "auto", "heart_rate_encoder", ECG)
        encoder = dataclasses.replace(model.heart_rate_encoder, weights=str(path))
        model = dataclasses.replace(model, heart_rate_encoder=encoder)
    if config.joint and embed.weights in ("auto", *NAMED):
        embed = dataclasses.replace(embed, weights=str(find_weights(config, embed.weights, "spatial", STAGES)))
    return dataclasses.replace(config, model=model, embed=embed)


def weights_fingerprints(config: Config) -> dict[str, str]:
    """Digests of the weights that training starts from, whatever their files are called."""
    named = {"temporal weights": config.model.temporal.weights}
    if config.encodes_heart_rates:
        named["heart rate encoder weights"] = config.model.heart_rate_encoder.weights
    if config.joint:
        named["spatial weights"] = config.embed.weights
    return {key: file if file == "untrained" else weights_digest(Path(file)) for key, file in named.items()}


def weights_digest(path: Path) -> str:
    """Digest of a file's tensors, as `painlit.weights.files.digest` gives it."""
    from safetensors.torch import load_file

    if not path.is_file():
        raise PainlitError(f"weights {path} do not exist", "give the path of a .safetensors file")
    return digest(load_file(path))


def find_weights(config: Config, weights: str, network: str, stages: Sequence[str]) -> Path:
    """The file that a `weights` key means.

    Raises:
        PainlitError: No stage that may have left any has; the make target that would is named.
    """
    if weights in NAMED:
        stages = NAMED[weights]
    elif weights != "auto":
        return Path(weights)
    for stage in stages:
        found = list(Path(config.runs).glob(f"{stage}/*/weights/{network}.safetensors"))
        if found:
            return max(found, key=lambda path: path.stat().st_mtime)
    what, key, option = {
        "spatial": ("Spatial-Module", "embed.weights or stage2.weights", ""),
        "temporal": ("Temporal-Module", "model.temporal.weights", ' ARGS="stage1.network=temporal"'),
        "heart_rate_encoder": ("Heart Rate Encoder", "model.heart_rate_encoder.weights", ""),
    }[network]
    raise PainlitError(
        f"no pretrained {what} under {config.runs} ({' or '.join(stages)})",
        f"run make {stages[-1]}{option}, or give {key} a .safetensors file, or `untrained` to start from random ones",
    )


def _refuse_other(path: Path, group: str, wanted: Mapping[str, Any], trained: Mapping[str, Any]) -> None:
    wrong = [
        f"{group}.{key} is {value!r}, the weights' JSON says {trained.get(key)!r}"
        for key, value in wanted.items()
        if value is None or trained.get(key) != value
    ]
    if wrong:
        raise PainlitError(f"{path} does not fit: {'; '.join(wrong)}", "set these keys as the weights have them")
