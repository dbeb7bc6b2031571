"""Which weights a network starts from, settled once: an earlier stage's, a file of the user's, or random ones."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import nn

from painlit.config import Config, flat
from painlit.config.paper import pretraining_differences
from painlit.errors import PainlitError
from painlit.models.frame_embedder import FrameEmbedder
from painlit.models.normalisation import MEAN, STD
from painlit.runs.artefact import read_artefact
from painlit.weights.face_network import FORMATS
from painlit.weights.files import load_weights, read_weights
from painlit.weights.networks import build_frame_embedder

UNTRAINED = "untrained"
SPATIAL_STAGES = ("pretrain-stage2", "pretrain-stage1")
"""Stages that leave a Spatial-Module; the later one is preferred."""
NAMED = {"stage1": SPATIAL_STAGES[1:], "stage2": SPATIAL_STAGES[:1]}
"""Values of a `weights` key that name the one stage to take the newest from."""


@dataclass(frozen=True)
class StartingWeights:
    """Where a network's weights come from. It travels with the work, and is not resolved again."""

    network: str
    """spatial, temporal or heart_rate_encoder."""
    source: str
    """Path of the .safetensors file, or `untrained`."""
    sha256: str
    """Digest of the tensors, or `untrained`."""
    stage: str
    """Stage that left them, by their JSON, or `untrained`."""
    subjects: tuple[str, ...] = ()
    """Whose pain labels they learnt from: none in pretraining."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Sizes, and of a Spatial-Module how its images are normalised."""
    differs: tuple[str, ...] = ()
    """How their training differs from the paper's."""

    def load_into(self, module: nn.Module) -> None:
        """Give a network these weights; random ones it keeps.

        Raises:
            PainlitError: The file has changed since, or does not fit.
        """
        if self.source != UNTRAINED:
            load_weights(Path(self.source), module, self.sha256)


class _Network(NamedTuple):
    name: str
    key: str
    """Of the setting that names its weights."""
    group: str
    """Of the settings that its sizes follow from."""
    stages: tuple[str, ...]
    """That may have left it, the preferred first."""
    arguments: str
    """Of the make target that leaves it."""


_NETWORKS = {
    "spatial": _Network("Spatial-Module", "embed.weights or stage2.weights", "spatial", SPATIAL_STAGES, ""),
    "temporal": _Network(
        "Temporal-Module", "model.temporal.weights", "model.temporal", SPATIAL_STAGES[1:],
        ' ARGS="stage1.network=temporal"',
    ),
    "heart_rate_encoder": _Network(
        "Heart Rate Encoder", "model.heart_rate_encoder.weights", "model.heart_rate_encoder", ("pretrain-ecg",), "",
    ),
}  # fmt: skip


def network_sizes(config: Config, network: str) -> dict[str, Any]:
    """What the shapes of a network's weights follow from, for the JSON beside them; of spatial, its normalisation too.

    Args:
        config: The configuration.
        network: spatial, temporal or heart_rate_encoder.
    """
    group = dataclasses.asdict(attrgetter(_NETWORKS[network].group)(config))
    return {key: value for key, value in group.items() if key not in ("weights", "enabled")}


def resolve_weights(config: Config, network: str, wanted: str, stages: Sequence[str] | None = None) -> StartingWeights:
    """Settle what a `weights` key means now.

    Args:
        config: Sizes of the network, and the folder of runs.
        network: spatial, temporal or heart_rate_encoder.
        wanted: `untrained`, a .safetensors file, `stage1` or `stage2` for the newest of that stage, or `auto`: the
            newest that the first of `stages` with any has left.
        stages: Where `auto` looks; None is every stage that leaves such a network.

    Raises:
        PainlitError: No such weights, or they were trained with other sizes or another normalisation.
    """
    about = _NETWORKS[network]
    sizes = network_sizes(config, network)
    if network == "spatial" and config.spatial.network == "landmarks":
        return _landmarks(wanted, sizes)
    if wanted == UNTRAINED:
        if network == "spatial":
            sizes |= {"mean": sizes["mean"] or list(MEAN), "std": sizes["std"] or list(STD)}
        differs = (f"{about.name} starts from random weights, the paper pretrains it (3.4)",)
        return StartingWeights(network, UNTRAINED, UNTRAINED, UNTRAINED, settings=sizes, differs=differs)
    path = _find(config, network, wanted, stages or about.stages)
    _, stored = read_weights(path)
    trained = stored.get(network, {})
    if network == "spatial":
        trained = {"network": "tnt", "local_contrast": 0.0, **trained}  # older files lack them
    sizes = {key: trained.get(key) if value is None else value for key, value in sizes.items()}
    if network == "spatial" and trained["network"] != sizes["network"]:
        raise PainlitError(
            f"{path} is of spatial.network={trained['network']}, and the settings have spatial.network="
            f"{sizes['network']}",
            "set it as the weights have it, or name other weights",
        )
    wrong = [
        f"{about.group}.{key} is {value!r}, the weights' JSON says {trained.get(key)!r}"
        for key, value in sizes.items()
        if value is None or trained.get(key) != value
    ]
    if wrong:
        raise PainlitError(f"{path} does not fit: {'; '.join(wrong)}", "set these keys as the weights have them")
    print(f"{about.name}: {path}")
    stage, subjects = stored.get("stage", "unknown"), tuple(stored.get("subjects", ()))
    return StartingWeights(
        network, str(path), stored["sha256"], stage, subjects, sizes, tuple(_differences(about, stored))
    )


def starting_embedder(config: Config, start: StartingWeights) -> FrameEmbedder:
    """What `make embed` embeds frames with: the settled Spatial-Module, or a random one that follows from the seed."""
    torch.manual_seed(config.seed)
    embedder = build_frame_embedder(config.spatial, start.settings["mean"], start.settings["std"])
    start.load_into(embedder.spatial)
    return embedder


def _landmarks(wanted: str, sizes: dict[str, Any]) -> StartingWeights:
    """A network of face landmarks; spatial.network records that it is not the Spatial-Module."""
    path = Path(wanted)
    if path.suffix.lower() not in FORMATS or not path.is_file():
        raise PainlitError(
            f"embed.weights={wanted}, and spatial.network=landmarks needs a network of face landmarks",
            f"name its file, which ends in {' or '.join(FORMATS)}: embed.weights=FILE (docs/recipes.md)",
        )
    _, stored = read_weights(path)
    print(f"network of face landmarks: {path}")
    sizes |= {"mean": sizes["mean"] or [0.0, 0.0, 0.0], "std": sizes["std"] or [1.0, 1.0, 1.0]}
    return StartingWeights("spatial", str(path), stored["sha256"], stored["stage"], settings=sizes)


def _differences(network: _Network, stored: Mapping[str, Any]) -> list[str]:
    """How the training of weights, and of those it started from, differs from the paper's, by their JSON."""
    stage, data = stored.get("stage", "unknown"), stored.get("data", {})
    if stage not in network.stages:
        return [f"{network.name} is of {stage}, the paper's of {' or '.join(network.stages)} (3.4)"]
    sets = [data.get("name", "unknown")] if stage == "pretrain-stage1" else list(data)
    found = pretraining_differences(stage, sets, flat(stored.get("config", {})))
    if stage == "pretrain-stage2":
        before = Path(stored.get("started_from", {}).get("source", UNTRAINED)).with_suffix(".json")
        if not before.is_file():
            return [*found, "pretrain-stage2 does not tell the weights it started from, the paper's of stage 1 (3.4)"]
        found += _differences(network, read_artefact(before, "copy it again, or run that stage anew"))
    return found


def _find(config: Config, network: str, wanted: str, stages: Sequence[str]) -> Path:
    """The file that a `weights` key means; if there is none, the make target that would leave it is named."""
    if wanted not in ("auto", *NAMED):
        return Path(wanted)
    stages = NAMED.get(wanted, stages)
    for stage in stages:
        found = list(Path(config.runs).glob(f"{stage}/*/weights/{network}.safetensors"))
        if found:
            return max(found, key=lambda path: path.stat().st_mtime)
    about = _NETWORKS[network]
    raise PainlitError(
        f"no pretrained {about.name} under {config.runs} ({' or '.join(stages)})",
        f"run make {stages[-1]}{about.arguments}, or give {about.key} a .safetensors file, or `untrained` to start "
        "from random ones",
    )
