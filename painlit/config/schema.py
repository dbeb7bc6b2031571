"""The schema of the configuration: one dataclass a group, a sentence under each field, checks of each value.

The defaults are those of Gkikas et al. 2024, Table 2 and the fusion row of Table 5; where they differ from the paper is
derived from `painlit.config.paper`. Those of stages 1 and 2 are ours.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from painlit.config.affects import EVERYWHERE, FOLDS, PATH, PRETRAINING, RECORDINGS, TRAINING, affects
from painlit.config.assess import AssessConfig
from painlit.config.check_data import CheckConfig
from painlit.config.checks import divides, one_of, within
from painlit.config.export import ExportConfig
from painlit.config.heartbeats import HeartbeatConfig
from painlit.config.maps import MapsConfig
from painlit.config.networks import ModelConfig, SpatialConfig
from painlit.config.pain import BundleConfig, CompareConfig, EmbedConfig, FinetuneConfig, LosoConfig, TablesConfig
from painlit.config.pretraining import ImagesConfig, Stage1Config, Stage2Config
from painlit.config.proxy import ProxyConfig
from painlit.config.recordings import ClipConfig, DataConfig, FaceConfig, PrepareConfig
from painlit.config.report import ReportConfig
from painlit.config.reproduction import PaperConfig
from painlit.config.signals import SignalsConfig
from painlit.config.task import task_classes
from painlit.config.training import TrainConfig
from painlit.errors import PainlitError
from painlit.system.names import check_name


@dataclass
class LogConfig:
    """Weights & Biases."""

    wandb: str = "offline"
    """offline (each run prints the `wandb sync` that sends it later), online or disabled."""
    project: str = "painlit"
    """Weights & Biases project."""
    weights: bool = True
    """Log the weights that a stage leaves, with their JSON, as an artifact."""
    private: bool = False
    """Log pseudonyms instead of subject names, and no paths, host name, git remote, hardware, packages or artifacts."""

    def __post_init__(self):
        one_of("log.wandb", self.wandb, ["offline", "online", "disabled"])


@dataclass
class Config:
    """Everything a stage needs; each stage reads its part."""

    name: str = field(default="", metadata=affects(read_by=(*PRETRAINING, "finetune", "loso", "maps", "bundle")))
    """Name of the run under runs/<stage>; empty makes one from what it learns from, such as vggface2-spatial."""
    task: str = field(default="np_vs_p4", metadata=affects("pain", read_by=("maps", "bundle")))
    """multilevel (all classes), or classes with _vs_ between them, such as np_vs_p4 or no_vs_mild_vs_severe."""
    seed: int = field(default=0, metadata=affects("stage1", "stage2", "ecg", "pain", read_by=("embed", "proxy-data")))
    """Seed of initial weights, order, augmentations, made data; each fold derives its own from it and its subject."""
    runs: str = field(default="runs", metadata=EVERYWHERE | PATH)
    """Folder of everything the stages leave."""
    check: CheckConfig = field(default_factory=CheckConfig, metadata=affects(read_by=("check-data",)))
    proxy: ProxyConfig = field(default_factory=ProxyConfig, metadata=affects(read_by=("proxy-data",)))
    data: DataConfig = field(default_factory=DataConfig, metadata=affects(read_by=("check-data", *RECORDINGS)))
    clip: ClipConfig = field(
        default_factory=ClipConfig,
        metadata=affects("prepare", "embed", "stage1-temporal", "pain", read_by=("check-data",)),
    )
    signals: SignalsConfig = field(
        default_factory=SignalsConfig, metadata=affects("prepare", "pain", read_by=("check-data",))
    )
    face: FaceConfig = field(default_factory=FaceConfig, metadata=affects("pain"))
    prepare: PrepareConfig = field(default_factory=PrepareConfig, metadata=affects("prepare"))
    spatial: SpatialConfig = field(default_factory=SpatialConfig, metadata=affects("stage1", "stage2", "embed", "pain"))
    images: ImagesConfig = field(default_factory=ImagesConfig, metadata=affects("stage1", "stage2"))
    stage1: Stage1Config = field(default_factory=Stage1Config, metadata=affects("stage1"))
    stage2: Stage2Config = field(default_factory=Stage2Config, metadata=affects("stage2"))
    ecg: HeartbeatConfig = field(default_factory=HeartbeatConfig, metadata=affects("ecg"))
    embed: EmbedConfig = field(default_factory=EmbedConfig, metadata=affects(read_by=("embed", *TRAINING)))
    model: ModelConfig = field(default_factory=ModelConfig, metadata=affects("pain"))
    train: TrainConfig = field(default_factory=TrainConfig, metadata=affects("pain"))
    finetune: FinetuneConfig = field(default_factory=FinetuneConfig, metadata=affects(read_by=("finetune",)))
    loso: LosoConfig = field(default_factory=LosoConfig, metadata=affects(read_by=FOLDS))
    bundle: BundleConfig = field(default_factory=BundleConfig, metadata=affects(read_by=("bundle",)))
    compare: CompareConfig = field(default_factory=CompareConfig, metadata=affects(read_by=("compare",)))
    tables: TablesConfig = field(default_factory=TablesConfig, metadata=affects(read_by=("tables", "report")))
    paper: PaperConfig = field(default_factory=PaperConfig, metadata=affects(read_by=("paper",)))
    report: ReportConfig = field(default_factory=ReportConfig, metadata=affects(read_by=("prepare", "tables")))
    maps: MapsConfig = field(default_factory=MapsConfig, metadata=affects(read_by=("maps",)))
    assess: AssessConfig = field(default_factory=AssessConfig, metadata=affects(read_by=("assess",)))
    export: ExportConfig = field(default_factory=ExportConfig, metadata=affects(read_by=("export",)))
    log: LogConfig = field(default_factory=LogConfig, metadata=affects(read_by=(*PRETRAINING, *TRAINING)))

    def __post_init__(self):
        if self.name:
            check_name("name", self.name)
        if self.data.layout == "biovid":  # classes of a table are checked by the stages that read `task`
            task_classes(self.task, self.data.class_names)
        within("seed", self.seed, 0, 2**32 - 1)
        if self.train.joint and self.model.normalise_embeddings:
            raise PainlitError(
                "model.normalise_embeddings needs embeddings that do not change, but train.joint changes them",
                "set model.normalise_embeddings=false",
            )
        if self.joint and self.embed.every > 1:
            raise PainlitError(
                f"embed.every={self.embed.every} is of embeddings that are made before, and train.joint makes its own",
                "set embed.every=1 or train.joint=false",
            )
        if self.joint and self.data.baseline != "none":
            raise PainlitError(
                f"data.baseline={self.data.baseline} needs embeddings that do not change, but train.joint changes them",
                "set data.baseline=none or train.joint=false",
            )
        if self.model.reference_share and self.clip.used_frames < 2:
            raise PainlitError(
                f"model.reference_share={self.model.reference_share} of clips of one frame",
                "set it to 0: nothing would be left",
            )
        size = self.clip.used_frames * self.spatial.embed_dim
        divides("clip.frames * spatial.embed_dim", size, "model.temporal.token_size", self.model.temporal.token_size)

    @property
    def classes(self) -> tuple[str, ...]:
        """Classes of the task, in label order."""
        if not self.data.class_names:
            raise ValueError(f"the classes of {self.data.table} are known when it is read: `read_clips`")
        return task_classes(self.task, self.data.class_names)

    @property
    def joint(self) -> bool:
        """Whether the Spatial-Module is trained too, from video, instead of reading the embedding cache."""
        return self.train.joint and self.model.uses_video

    @property
    def cached(self) -> bool:
        """Whether the model reads the embedding cache."""
        return self.model.uses_video and not self.joint

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
