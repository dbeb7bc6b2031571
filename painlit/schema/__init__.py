"""The schema of the configuration: one dataclass a group, a sentence under each field, checks of each value.

The defaults are the paper's: Gkikas et al. 2024, Table 2 and the fusion row of Table 5.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from painlit.errors import PainlitError
from painlit.schema.checks import divides, one_of
from painlit.schema.networks import HeartRateEncoderConfig, ModelConfig, SpatialConfig, TemporalConfig
from painlit.schema.pain import EmbedConfig, FinetuneConfig, LosoConfig, TrainConfig
from painlit.schema.recordings import ClipConfig, DataConfig, FaceConfig, PrepareConfig

__all__ = [
    "TASKS",
    "ClipConfig",
    "Config",
    "DataConfig",
    "EmbedConfig",
    "FaceConfig",
    "FinetuneConfig",
    "HeartRateEncoderConfig",
    "LogConfig",
    "LosoConfig",
    "ModelConfig",
    "PrepareConfig",
    "SpatialConfig",
    "TemporalConfig",
    "TrainConfig",
]

TASKS = {
    "np_vs_p1": (0, 1),
    "np_vs_p2": (0, 2),
    "np_vs_p3": (0, 3),
    "np_vs_p4": (0, 4),
    "multilevel": (0, 1, 2, 3, 4),
}
"""Task name -> the BioVid classes it tells apart, in label order (0 = NP, 1..4 = P1..P4)."""


@dataclass
class LogConfig:
    """Weights & Biases."""

    wandb: str = "offline"
    """offline (send later with `wandb sync`), online or disabled."""
    project: str = "painlit"
    """Weights & Biases project."""

    def __post_init__(self):
        one_of("log.wandb", self.wandb, ["offline", "online", "disabled"])


@dataclass
class Config:
    """Everything a stage needs; each stage reads its part."""

    name: str = ""
    """Name of the run under runs/finetune and runs/loso; empty makes one from data, task and modality."""
    task: str = "np_vs_p4"
    """np_vs_p4, multilevel, or np_vs_p1 to np_vs_p3."""
    seed: int = 0
    """Seed of initial weights, order and augmentations; each fold derives its own from it and its subject."""
    runs: str = "runs"
    """Folder of everything the stages leave."""
    data: DataConfig = field(default_factory=DataConfig)
    clip: ClipConfig = field(default_factory=ClipConfig)
    face: FaceConfig = field(default_factory=FaceConfig)
    prepare: PrepareConfig = field(default_factory=PrepareConfig)
    spatial: SpatialConfig = field(default_factory=SpatialConfig)
    embed: EmbedConfig = field(default_factory=EmbedConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
    finetune: FinetuneConfig = field(default_factory=FinetuneConfig)
    loso: LosoConfig = field(default_factory=LosoConfig)
    log: LogConfig = field(default_factory=LogConfig)

    def __post_init__(self):
        one_of("task", self.task, TASKS)
        if self.train.joint and self.model.normalise_embeddings:
            raise PainlitError(
                "model.normalise_embeddings needs embeddings that do not change, but train.joint changes them",
                "set model.normalise_embeddings=false",
            )
        size = self.clip.used_frames * self.spatial.embed_dim
        divides("clip.frames * spatial.embed_dim", size, "model.temporal.token_size", self.model.temporal.token_size)

    @property
    def classes(self) -> tuple[int, ...]:
        """BioVid classes of the task, in label order."""
        return TASKS[self.task]

    @property
    def joint(self) -> bool:
        """Whether the Spatial-Module is trained too, from video, instead of reading the embedding cache."""
        return self.train.joint and self.model.uses_video

    @property
    def cached(self) -> bool:
        """Whether the model reads the embedding cache."""
        return self.model.uses_video and not self.joint

    @property
    def run_name(self) -> str:
        """Name under runs/finetune and runs/loso."""
        return self.name or f"{self.data.name}-{self.task}-{self.model.modality}"

    def folder(self, stage: str) -> Path:
        """runs/<stage>/<name>: data set's name for prepare and embed, the run's for what trains."""
        return Path(self.runs) / stage / (self.data.name if stage in ("prepare", "embed") else self.run_name)

    def to_dict(self) -> dict[str, Any]:
        """Plain nested dict; safe in YAML, JSON and checkpoints."""
        return dataclasses.asdict(self)
