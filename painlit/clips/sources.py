"""What a pain model starts from: weights and embeddings, settled once, with the subjects they have learnt from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

from painlit.clips.embedding_cache import EmbeddingCache, cache_settings
from painlit.config import Config
from painlit.errors import PainlitError
from painlit.runs.artefact import read_artefact
from painlit.weights.files import read_weights
from painlit.weights.pretrained import NAMED, UNTRAINED, StartingWeights, resolve_weights


@dataclass(frozen=True)
class EmbeddingSource:
    """The embeddings that `make embed` left."""

    folder: Path
    settings: Mapping[str, Any]
    """What made them."""
    stage: str
    """Stage that trained their Spatial-Module, or `untrained`."""
    subjects: tuple[str, ...] = ()
    """Whose pain labels that learnt from."""
    failed: Mapping[str, str] = field(default_factory=dict)
    """Clips that could not be embedded, with the reason."""
    differs: tuple[str, ...] = ()
    """How the training of that differs from the paper's."""

    def open(self) -> EmbeddingCache:
        """The cache, if it is still the one that was settled on."""
        return EmbeddingCache(self.folder, self.settings)


@dataclass(frozen=True)
class Sources:
    """Everything a pain model starts from. It travels with the work, and is not resolved again."""

    temporal: StartingWeights
    heart_rate_encoder: StartingWeights | None = None
    spatial: StartingWeights | None = None
    """Joint training: the Spatial-Module to train on."""
    embeddings: EmbeddingSource | None = None
    """Otherwise: its embeddings, where the modality has video."""

    @property
    def weights(self) -> list[StartingWeights]:
        """Of the networks that are trained."""
        return [part for part in (self.temporal, self.heart_rate_encoder, self.spatial) if part is not None]

    @property
    def spatial_stage(self) -> str | None:
        """Stage that trained the Spatial-Module, or `untrained`; None without video."""
        source = self.embeddings or self.spatial
        return None if source is None else source.stage

    @property
    def subjects(self) -> set[str]:
        """Whose pain labels the Spatial-Module has learnt from, before any training here."""
        source = self.embeddings or self.spatial
        return set() if source is None else set(source.subjects)

    @property
    def differs(self) -> list[str]:
        """How the trainings of all that a model starts from differ from the paper's, each once."""
        differences = [part.differs for part in self.weights] + ([self.embeddings.differs] if self.embeddings else [])
        return list(dict.fromkeys(chain(*differences)))

    def digests(self) -> dict[str, str]:
        """Digests of the weights that training starts from, whatever their files are called."""
        return {f"{part.network.replace('_', ' ')} weights": part.sha256 for part in self.weights}


def resolve_sources(config: Config) -> Sources:
    """Settle which weights and embeddings a pain model of this configuration starts from.

    Raises:
        PainlitError: A stage is missing (its make target is named), or what it left does not fit.
    """
    model = config.model
    if model.uses_video and config.spatial.network == "landmarks":
        _check_landmarks(config)
    encoder, temporal = model.heart_rate_encoder.weights, model.temporal.weights
    if model.raw_heart_rates and model.temporal.token_size > 1 and temporal == "auto":
        temporal = UNTRAINED  # raw rates are read one by one, and stage 1 has learnt to read other tokens
    return Sources(
        temporal=resolve_weights(config, "temporal", temporal),
        heart_rate_encoder=(
            resolve_weights(config, "heart_rate_encoder", encoder) if model.encodes_heart_rates else None
        ),
        spatial=resolve_weights(config, "spatial", config.embed.weights) if config.joint else None,
        embeddings=resolve_embeddings(config) if config.cached else None,
    )


def _check_landmarks(config: Config) -> None:
    if config.train.joint:
        raise PainlitError(
            "train.joint trains the Spatial-Module, and spatial.network=landmarks has none", "set train.joint=false"
        )
    if config.model.frame_embedding != "full":
        raise PainlitError(
            f"model.frame_embedding={config.model.frame_embedding} needs tiles, and spatial.network=landmarks embeds "
            "whole faces alone",
            "set model.frame_embedding=full",
        )


def check_label_leakage(sources: Sources, tested: Iterable[str]) -> None:
    """Refuse a Spatial-Module that learnt from the pain labels of a subject who is tested.

    `make finetune` with train.joint leaves such modules, and records it in their JSON.

    Raises:
        PainlitError: It did.
    """
    both = sorted(sources.subjects & set(tested))
    if both:
        raise PainlitError(
            f"the Spatial-Module learnt from the pain labels of {len(both)} subjects who are tested here, the first is "
            f"{both[0]}",
            "set embed.weights to one of stages 1 or 2, or to one that was finetuned without them (finetune.held_out)",
        )


def resolve_embeddings(config: Config) -> EmbeddingSource:
    """What `make embed` left.

    Raises:
        PainlitError: It is incomplete, or not made with this configuration and Spatial-Module.
    """
    folder = config.folder("embed")
    cache, metrics_file = EmbeddingCache(folder), folder / "metrics.json"
    normalisation = {key: getattr(config.spatial, key) or cache.settings[f"spatial.{key}"] for key in ("mean", "std")}
    settings = EmbeddingCache(folder, cache_settings(config, cache.settings["weights"], normalisation)).settings
    if not metrics_file.is_file():
        raise PainlitError(f"{metrics_file} does not exist", "run `make embed` with the same configuration, to the end")
    about = read_artefact(metrics_file, "run `make embed` again: it writes it anew", settings)
    wanted, stage = config.embed.weights, about.get("stage", "unknown")
    if wanted in (*NAMED, UNTRAINED):
        differs = stage not in ("unknown", *NAMED.get(wanted, (wanted,)))
    else:
        differs = wanted != "auto" and read_weights(Path(wanted))[1]["sha256"] != settings["weights"]
    if differs:
        raise PainlitError(
            f"the embeddings in {folder} were made with {about.get('weights')}, and embed.weights={wanted}",
            "run `make embed` with another embed.name, or name those weights",
        )
    differs = about.get("differs", ["the embeddings do not tell how their Spatial-Module was trained"])
    return EmbeddingSource(
        folder, settings, stage, tuple(about.get("learnt_from", ())), about["failed"], tuple(differs)
    )
