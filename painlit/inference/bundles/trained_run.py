"""A finished run as a bundle takes it: its models one at a time, and all that bundle.json records of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from torch import nn

from painlit.config import Config
from painlit.models.frame_embedder import FrameEmbedder


@dataclass(frozen=True)
class TrainedEmbedder:
    """What embeds frames for some models of a run."""

    name: str
    network: FrameEmbedder
    settings: Mapping[str, Any]
    """Sizes, mean, std."""
    stage: str
    """The stage that trained it, or `untrained`."""
    data: Any = None
    """The data, as recorded in its weights' JSON."""
    subjects: tuple[str, ...] = ()
    """Subjects whose pain labels it was trained on."""
    differs: tuple[str, ...] = ()
    """How its training differs from the paper's."""


@dataclass(frozen=True)
class TrainedModel:
    """A pain model of a run."""

    fold: str | None
    network: nn.Module
    embedder: TrainedEmbedder | None
    subjects: tuple[str, ...]
    """Trained on."""
    selected_on: tuple[str, ...]
    """Subjects that its epoch was selected on."""
    tested: tuple[str, ...]
    """Held out."""
    epoch: int


@dataclass(frozen=True)
class TrainedRun:
    """A finished run."""

    folder: Path
    stage: str
    """finetune or loso."""
    config: Config
    folds: Mapping[str | None, Mapping[str, Any]]
    """Fold of each model -> subjects under train, validation and test."""
    embeddings: Any
    """What made the embeddings; `joint` where each model has a Spatial-Module of its own; None without video."""
    models: Callable[[], Iterator[TrainedModel]]
    """Loads one after another: all of them may not fit in memory."""
    started_from: Mapping[str, str]
    """Digests of the weights that training started from."""
    made_by: Mapping[str, Any]
    """Commit and versions of the code that trained it."""
    figures: Mapping[str, Any] | None = None
    """Under `expected` in bundle.json; None if unknown."""
    temperature: float | None = None
    remarks: list[str] = field(default_factory=list)
    """Sentences printed when the bundle is made."""

    @property
    def part(self) -> str:
        """Which part-model it is."""
        return self.config.model.modality

    @property
    def model_settings(self) -> dict[str, Any]:
        """Sizes of its networks, without the maker's paths."""
        values = asdict(self.config.model)
        for network in ("heart_rate_encoder", "temporal"):
            values[network]["weights"] = ""
        return values


def started_from(fingerprint: Mapping[str, Any]) -> dict[str, str]:
    """Network -> digest of the weights it started from, or `untrained`, as a fingerprint has them."""
    return {key.removesuffix(" weights"): value for key, value in fingerprint.items() if key.endswith(" weights")}
