"""The schema of the configuration: one dataclass a group, a sentence under each field, checks of each value.

The defaults are the paper's where it gives them: Gkikas et al. 2024, Table 2 and the fusion row of Table 5. Those of
stages 1 and 2 are ours.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from painlit.config.check_data import CheckConfig
from painlit.config.checks import divides, one_of
from painlit.config.heartbeats import HeartbeatConfig
from painlit.config.networks import ModelConfig, SpatialConfig
from painlit.config.pain import CompareConfig, EmbedConfig, FinetuneConfig, LosoConfig, TablesConfig
from painlit.config.pretraining import ImagesConfig, Stage1Config, Stage2Config
from painlit.config.recordings import ClipConfig, DataConfig, FaceConfig, PrepareConfig
from painlit.config.training import TrainConfig
from painlit.errors import PainlitError

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
    """Name of the run under runs/<stage>; empty makes one from what it learns from, such as vggface2-spatial."""
    task: str = "np_vs_p4"
    """np_vs_p4, multilevel, or np_vs_p1 to np_vs_p3."""
    seed: int = 0
    """Seed of initial weights, order and augmentations; each fold derives its own from it and its subject."""
    runs: str = "runs"
    """Folder of everything the stages leave."""
    check: CheckConfig = field(default_factory=CheckConfig)
    data: DataConfig = field(default_factory=DataConfig)
    clip: ClipConfig = field(default_factory=ClipConfig)
    face: FaceConfig = field(default_factory=FaceConfig)
    prepare: PrepareConfig = field(default_factory=PrepareConfig)
    spatial: SpatialConfig = field(default_factory=SpatialConfig)
    images: ImagesConfig = field(default_factory=ImagesConfig)
    stage1: Stage1Config = field(default_factory=Stage1Config)
    stage2: Stage2Config = field(default_factory=Stage2Config)
    ecg: HeartbeatConfig = field(default_factory=HeartbeatConfig)
    embed: EmbedConfig = field(default_factory=EmbedConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
    finetune: FinetuneConfig = field(default_factory=FinetuneConfig)
    loso: LosoConfig = field(default_factory=LosoConfig)
    compare: CompareConfig = field(default_factory=CompareConfig)
    tables: TablesConfig = field(default_factory=TablesConfig)
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
    def raw_heart_rates(self) -> bool:
        """Whether the Temporal-Module reads the heart rates themselves (Table 4's first row)."""
        return self.model.modality == "heart_rate" and not self.model.heart_rate_encoder.enabled

    @property
    def encodes_heart_rates(self) -> bool:
        """Whether the model has a Heart Rate Encoder."""
        return self.model.uses_heart_rate and self.model.heart_rate_encoder.enabled

    @property
    def flattened_size(self) -> int:
        """Side in px of the RGB images whose flattened length is nearest to the Temporal-Module's input for pain.

        For the paper's 13,800 values it is 68: 68 x 68 x 3 = 13,872 (paper 3.4 names no size). Positions and tokens are
        then as many, as fine and as expensive as in the task that the weights are for. Tokens of several values must
        fill up, so with token_size=100 it is 70.
        """
        values, token = self.clip.used_frames * self.spatial.embed_dim, self.model.temporal.token_size
        sides = [side for side in range(1, 2 + math.isqrt(values)) if 3 * side * side % token == 0]
        return min(sides or [token], key=lambda side: abs(3 * side * side - values))

    @property
    def run_name(self) -> str:
        """Name under runs/finetune and runs/loso."""
        return self.name or f"{self.data.name}-{self.task}-{self.model.modality}"

    def folder(self, stage: str) -> Path:
        """runs/<stage>/<name>: the data set's name for prepare, the embeddings' for embed, else the run's."""
        stage1 = "-stage1" if self.embed.weights == "stage1" else ""
        names = {
            "prepare": self.data.name,
            "embed": self.embed.name or f"{self.data.name}{stage1}",
            "pretrain-stage1": self.name or f"{self.stage1.name}-{self.stage1.network}",
            "pretrain-stage2": self.name or "-".join(self.stage2.sets),
            "pretrain-ecg": self.name or f"{'-'.join(self.ecg.sets)}-{self.ecg.split}",
        }
        return Path(self.runs) / stage / names.get(stage, self.run_name)

    def to_dict(self) -> dict[str, Any]:
        """Plain nested dict; safe in YAML, JSON and checkpoints."""
        return dataclasses.asdict(self)
