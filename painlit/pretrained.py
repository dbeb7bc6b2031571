"""The Spatial-Module that earlier stages left, or that the user names."""

from __future__ import annotations

from pathlib import Path

import torch

from painlit.build import build_spatial_module
from painlit.config import Config
from painlit.errors import PainlitError
from painlit.models import SpatialModule
from painlit.weights import load_weights

_STAGES = ("pretrain-stage2", "pretrain-stage1")  # the later one is preferred


def pretrained_spatial_module(config: Config) -> SpatialModule:
    """The Spatial-Module that `embed.weights` names.

    Raises:
        PainlitError: No such weights, or they were trained with other sizes or another normalisation.
    """
    torch.manual_seed(config.seed)
    spatial = build_spatial_module(config.spatial)
    if config.embed.weights == "untrained":
        return spatial
    path = _newest(Path(config.runs)) if config.embed.weights == "auto" else Path(config.embed.weights)
    trained = load_weights(path, spatial).get("spatial", {})
    wrong = [
        f"spatial.{key} is {value!r}, the weights' JSON says {trained.get(key)!r}"
        for key, value in config.to_dict()["spatial"].items()
        if trained.get(key) != value
    ]
    if wrong:
        raise PainlitError(f"{path} does not fit: {'; '.join(wrong)}", "set these keys as the weights have them")
    print(f"Spatial-Module: {path}")
    return spatial


def _newest(runs: Path) -> Path:
    for stage in _STAGES:
        found = sorted(runs.glob(f"{stage}/*/weights/spatial.safetensors"), key=lambda path: path.stat().st_mtime)
        if found:
            return found[-1]
    raise PainlitError(
        f"no pretrained Spatial-Module under {runs} ({' or '.join(_STAGES)})",
        "give embed.weights=FILE.safetensors, or embed.weights=untrained to try the pipeline with random ones",
    )
