"""The schema of the configuration: one dataclass a group, a sentence under each field, checks of each value.

The defaults are the paper's: Gkikas et al. 2024, Table 2 and the fusion row of Table 5.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from painlit.errors import PainlitError

TASKS = {
    "np_vs_p1": (0, 1),
    "np_vs_p2": (0, 2),
    "np_vs_p3": (0, 3),
    "np_vs_p4": (0, 4),
    "multilevel": (0, 1, 2, 3, 4),
}
"""Task name -> the BioVid classes it tells apart, in label order (0 = NP, 1..4 = P1..P4)."""


def _one_of(key: str, value: str, allowed: Iterable[str]) -> None:
    allowed = list(allowed)
    if value not in allowed:
        raise PainlitError(f"{key}={value!r} is not known", f"choose one of: {', '.join(allowed)}")


def _at_least(key: str, value: float, low: float) -> None:
    if value < low:
        raise PainlitError(f"{key}={value} is too small", f"it must be at least {low}")


def _divides(whole: str, size: int, part: str, count: int) -> None:
    if size % count:
        raise PainlitError(f"{whole}={size} is no multiple of {part}={count}", f"change {whole} or {part}")


@dataclass
class DataConfig:
    """Where the recordings are and what to call them."""

    root: str = "data/BioVid/PartA"
    """Folder in BioVid's layout: starting_point/samples.csv, video/, biosignals_*/."""
    name: str = "biovid"
    """Name of this data set under runs/prepare and runs/embed."""
    is_biovid: bool = True
    """false for stand-ins in BioVid's layout: results then say that they tell nothing of pain, and show no paper's."""
    signals: str = "biosignals_filtered"
    """Folder of the ECG files: biosignals_filtered or biosignals_raw."""


@dataclass
class ClipConfig:
    """How long a clip is and how finely it is sampled; every size in the models follows from it."""

    seconds: float = 5.5
    """Length of a clip in s."""
    video_fps: float = 25.0
    """Frame rate of the video in Hz."""
    ecg_hz: float = 512.0
    """Sampling rate of the ECG in Hz."""
    frames: int | None = None
    """Frames used of each clip, evenly spaced; null uses all (138, as in the paper)."""

    def __post_init__(self):
        _at_least("clip.seconds", self.seconds, 1)
        _at_least("clip.video_fps", self.video_fps, 1)
        _at_least("clip.ecg_hz", self.ecg_hz, 1)
        if self.frames is not None and not 1 <= self.frames <= self.nominal_frames:
            raise PainlitError(
                f"clip.frames={self.frames}, but a clip has {self.nominal_frames} frames",
                f"choose 1 to {self.nominal_frames}, or null for all",
            )

    @property
    def nominal_frames(self) -> int:
        """Frames in a whole clip: 138 for 5.5 s at 25 Hz (137.5, rounded up as the paper does)."""
        return int(self.seconds * self.video_fps + 0.5)

    @property
    def used_frames(self) -> int:
        """Frames the models see of each clip."""
        return self.frames or self.nominal_frames

    @property
    def frame_indices(self) -> list[int]:
        """Positions of the used frames, evenly spaced from the first to the last."""
        if self.used_frames == 1:
            return [self.nominal_frames // 2]
        step = (self.nominal_frames - 1) / (self.used_frames - 1)
        return [int(k * step + 0.5) for k in range(self.used_frames)]

    @property
    def ecg_samples(self) -> int:
        """ECG samples in a whole clip: 2,816."""
        return int(self.seconds * self.ecg_hz + 0.5)

    @property
    def heart_rates(self) -> int:
        """Heart rates per clip, one for each whole second: 5."""
        return int(self.seconds)


@dataclass
class FaceConfig:
    """How faces are found and cropped."""

    min_face: float = 0.2
    """Smallest face looked for, as a share of the frame's shorter side. Ours: BioVid's faces fill about half of it."""
    margin: float = 0.3
    """Share by which the square crop exceeds the detected box's longer side. Ours."""
    crop: str = "per_frame"
    """per_frame follows the face (paper); per_clip cuts one square for the whole clip, which keeps head movement."""

    def __post_init__(self):
        _one_of("face.crop", self.crop, ["per_frame", "per_clip"])
        _at_least("face.min_face", self.min_face, 0.01)


@dataclass
class PrepareConfig:
    """`make prepare`: boxes and heart rates of every clip."""

    heart_rate_rule: str = "overlap"
    """overlap: mean of the inter-beat intervals that cover a second; paper: only intervals inside it."""
    workers: int | None = None
    """Processes; null uses one per core."""
    device: str = "cpu"
    """Device of the face detector in each process: cpu, cuda, cuda:1, mps."""

    def __post_init__(self):
        _one_of("prepare.heart_rate_rule", self.heart_rate_rule, ["overlap", "paper"])
        _at_least("prepare.workers", 1 if self.workers is None else self.workers, 1)


@dataclass
class SpatialConfig:
    """Spatial-Module (TNT). The defaults have the 2.57 M parameters of the paper's Table 7."""

    image_size: int = 224
    """Side of the images it reads in px; a face crop is twice that, so that its quadrants are tiles."""
    patch_size: int = 16
    """Side of a patch in px."""
    embed_dim: int = 100
    """Size of a frame's embedding, D."""
    inner_dim: int = 40
    """Width of the pixel stream."""
    depth: int = 12
    """Transformer blocks."""
    inner_heads: int = 4
    """Attention heads of the pixel stream."""
    outer_heads: int = 10
    """Attention heads of the patch stream."""
    mean: list[float] = field(default_factory=lambda: [0.6068, 0.4517, 0.3800])
    """RGB mean subtracted from images in 0..1 (VGGFace2's)."""
    std: list[float] = field(default_factory=lambda: [0.2492, 0.2173, 0.2082])
    """RGB standard deviation the images are divided by (VGGFace2's)."""

    def __post_init__(self):
        for key, values in (("spatial.mean", self.mean), ("spatial.std", self.std)):
            if len(values) != 3:
                raise PainlitError(f"{key}={values} has {len(values)} values", "give one for each of R, G, B")
        for key in ("image_size", "patch_size", "embed_dim", "inner_dim", "depth", "inner_heads", "outer_heads"):
            _at_least(f"spatial.{key}", getattr(self, key), 1)
        for whole, part in (("image_size", "patch_size"), ("inner_dim", "inner_heads"), ("embed_dim", "outer_heads")):
            _divides(f"spatial.{whole}", getattr(self, whole), f"spatial.{part}", getattr(self, part))


@dataclass
class EmbedConfig:
    """`make embed`: Spatial-Module over every frame, cached."""

    weights: str = "auto"
    """Spatial-Module weights (.safetensors); auto takes the newest pretrained ones under runs/; untrained is random."""
    device: str = "auto"
    """cpu, cuda, cuda:1, mps; auto takes an accelerator if there is one."""
    batch_frames: int = 8
    """Frames in one forward pass; each is five images."""
    workers: int = 1
    """Processes that decode and crop."""

    def __post_init__(self):
        _at_least("embed.batch_frames", self.batch_frames, 1)
        _at_least("embed.workers", self.workers, 0)


@dataclass
class HeartRateEncoderConfig:
    """Heart Rate Encoder (Perceiver with one cross-attention)."""

    enabled: bool = True
    """false gives Table 4's first row: the heart rates themselves."""
    latents: int = 256
    """Latent vectors."""
    latent_dim: int = 512
    """Width of a latent."""
    output_dim: int = 2048
    """Size of E_h."""

    def __post_init__(self):
        for key in ("latents", "latent_dim", "output_dim"):
            _at_least(f"model.heart_rate_encoder.{key}", getattr(self, key), 1)


@dataclass
class TemporalConfig:
    """Temporal-Module (Perceiver)."""

    latents: int = 256
    """Latent vectors."""
    latent_dim: int = 128
    """Width of a latent."""
    self_attention_blocks: int = 3
    """Self-attention blocks after the cross-attention."""
    token_size: int = 1
    """Values per token: 1 is the paper's; the embedding's size (100) makes each frame one token (ours)."""

    def __post_init__(self):
        for key in ("latents", "latent_dim", "token_size"):
            _at_least(f"model.temporal.{key}", getattr(self, key), 1)


@dataclass
class ModelConfig:
    """PainModel, eq. 7-11."""

    modality: str = "fusion"
    """video, heart_rate or fusion."""
    frame_embedding: str = "both"
    """Eq. 7's terms: full (frame only), tiles (only), both."""
    tile_coefficient: float = 0.1
    """c of eq. 7; with frame_embedding=tiles the tiles alone count, and c scales them."""
    normalise_embeddings: bool = False
    """Standardise each embedding dimension with the training subjects' statistics (ours, off as in the paper)."""
    heart_rate_encoder: HeartRateEncoderConfig = field(default_factory=HeartRateEncoderConfig)
    temporal: TemporalConfig = field(default_factory=TemporalConfig)
    augmnet: bool = True
    """AugmNet in training (eq. 10-11)."""
    augmnet_hidden: int = 36
    """Width of AugmNet's layers next to the embedding."""
    augmnet_code: int = 128
    """Width of AugmNet's code."""
    basic: bool = False
    """Basic augmentation: polarity inversion and noise."""
    masking: bool = False
    """Masking augmentation: a run of 10-20 % set to zero."""

    def __post_init__(self):
        _one_of("model.modality", self.modality, ["video", "heart_rate", "fusion"])
        _one_of("model.frame_embedding", self.frame_embedding, ["full", "tiles", "both"])

    @property
    def uses_video(self) -> bool:
        """Whether the model reads frame embeddings."""
        return self.modality != "heart_rate"

    @property
    def uses_heart_rate(self) -> bool:
        """Whether the model reads heart rates."""
        return self.modality != "video"


@dataclass
class TrainConfig:
    """Table 2: AdamW, cosine decay, weight decay 0.1, 50 warm-up epochs, batches of 32."""

    epochs: int = 800
    """Passes over the training clips; the paper uses 500 and 800."""
    batch_size: int = 32
    """Clips in a step."""
    lr: float = 1e-4
    """Peak learning rate."""
    weight_decay: float = 0.1
    """AdamW's weight decay."""
    warmup_epochs: int = 50
    """Epochs of linear warm-up."""
    joint: bool = False
    """Train the Spatial-Module too, from video; false reads the embedding cache."""
    crop_memory_gib: float = 4.0
    """Joint training keeps decoded crops in memory up to this many GiB, and decodes again in each epoch beyond it."""
    precision: str = "32-true"
    """Lightning's precision: 32-true, 16-mixed, bf16-mixed."""
    accelerator: str = "auto"
    """Lightning's accelerator: auto, cpu, gpu, mps."""
    checkpoint_every: int = 10
    """Epochs between checkpoints a stopped run goes on from."""

    def __post_init__(self):
        _at_least("train.epochs", self.epochs, 1)
        _at_least("train.batch_size", self.batch_size, 1)
        _at_least("train.checkpoint_every", self.checkpoint_every, 1)
        _one_of("train.precision", self.precision, ["32-true", "16-mixed", "bf16-mixed", "16-true", "bf16-true"])
        _one_of("train.accelerator", self.accelerator, ["auto", "cpu", "gpu", "cuda", "mps"])
        if not 0 <= self.warmup_epochs < self.epochs:
            raise PainlitError(
                f"train.warmup_epochs={self.warmup_epochs} with train.epochs={self.epochs}",
                "the warm-up must be shorter than the training: lower train.warmup_epochs",
            )


@dataclass
class FinetuneConfig:
    """`make finetune`: one model."""

    held_out: list[str] = field(default_factory=list)
    """Subjects kept out of training and tested at the end; none gives the model to deploy."""


@dataclass
class LosoConfig:
    """`make loso`: protocol, selection and how many folds run at once."""

    protocol: str = "loso"
    """loso (each subject held out once), loso67 (without 20 subjects), holdout (61 train, 26 test)."""
    selection: str = "last"
    """Epoch that is tested: last (paper); inner (validation subjects out of the training ones); oracle (best on the
    test subject: only to measure how much that mistake flatters)."""
    inner_share: float = 0.15
    """Share of the training subjects that `inner` validates on."""
    subjects: list[str] = field(default_factory=list)
    """Run only these folds; empty runs all."""
    workers: int | None = None
    """Folds at once; null is one per GPU, or one per core on a machine without."""
    shuffle_labels: bool = False
    """Control: labels shuffled within each training subject; must land at chance."""

    def __post_init__(self):
        _one_of("loso.protocol", self.protocol, ["loso", "loso67", "holdout"])
        _one_of("loso.selection", self.selection, ["last", "inner", "oracle"])
        _at_least("loso.workers", 1 if self.workers is None else self.workers, 1)


@dataclass
class LogConfig:
    """Weights & Biases."""

    wandb: str = "offline"
    """offline (send later with `wandb sync`), online or disabled."""
    project: str = "painlit"
    """Weights & Biases project."""

    def __post_init__(self):
        _one_of("log.wandb", self.wandb, ["offline", "online", "disabled"])


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
        _one_of("task", self.task, TASKS)
        if self.train.joint and self.model.normalise_embeddings:
            raise PainlitError(
                "model.normalise_embeddings needs embeddings that do not change, but train.joint changes them",
                "set model.normalise_embeddings=false",
            )
        size = self.clip.used_frames * self.spatial.embed_dim
        _divides("clip.frames * spatial.embed_dim", size, "model.temporal.token_size", self.model.temporal.token_size)

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
