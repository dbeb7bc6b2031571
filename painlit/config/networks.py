"""Sizes of the networks and how they are joined."""

from __future__ import annotations

from dataclasses import dataclass, field

from painlit.config.affects import PATH, TRAINING, affects, before
from painlit.config.checks import above, at_least, divides, one_of, share, within
from painlit.errors import PainlitError

LANDMARK_DISTANCES = 12
"""Values of a frame with spatial.network=landmarks."""


@dataclass
class SpatialConfig:
    """Spatial-Module (TNT). The defaults have the 2.57 M parameters of the paper's Table 7."""

    network: str = field(default="tnt", metadata=affects("embed", "pain") | before("tnt"))
    """What embeds a frame: tnt, the Spatial-Module (paper); landmarks: distances between the face landmarks that the
    network of embed.weights finds, an ONNX or TFLite file with MediaPipe's face mesh. Ours."""
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
    mean: list[float] | None = None
    """RGB mean subtracted from images in 0..1; null is VGGFace2's, or that of the pretrained weights."""
    std: list[float] | None = None
    """RGB standard deviation the images are divided by; null as above."""
    local_contrast: float = 0.0
    """Window of local contrast normalisation as a share of the image's side, 0 for none as in the paper; helps small
    sets (0.25), where skin and light differ more than expressions do. Ours."""

    def __post_init__(self):
        for key, values in (("spatial.mean", self.mean), ("spatial.std", self.std)):
            if values is not None and len(values) != 3:
                raise PainlitError(f"{key}={values} has {len(values)} values", "give one for each of R, G, B")
        for key in ("image_size", "patch_size", "embed_dim", "inner_dim", "depth", "inner_heads", "outer_heads"):
            at_least(f"spatial.{key}", getattr(self, key), 1)
        for value in self.std or ():
            above("spatial.std", value, 0)
        within("spatial.local_contrast", self.local_contrast, 0, 1)
        one_of("spatial.network", self.network, ["tnt", "landmarks"])
        if self.network == "landmarks":
            if self.embed_dim != LANDMARK_DISTANCES:
                raise PainlitError(
                    f"spatial.embed_dim={self.embed_dim}, and spatial.network=landmarks gives {LANDMARK_DISTANCES} "
                    "distances of a frame",
                    f"set spatial.embed_dim={LANDMARK_DISTANCES}, or use config=experiments/recipes/landmarks.yaml",
                )
            return
        for whole, part in (("image_size", "patch_size"), ("inner_dim", "inner_heads"), ("embed_dim", "outer_heads")):
            divides(f"spatial.{whole}", getattr(self, whole), f"spatial.{part}", getattr(self, part))


@dataclass
class HeartRateEncoderConfig:
    """Heart Rate Encoder (Perceiver with one cross-attention)."""

    enabled: bool = field(default=True, metadata=affects("pain"))
    """false gives Table 4's first row: the heart rates themselves."""
    latents: int = 256
    """Latent vectors."""
    latent_dim: int = 512
    """Width of a latent."""
    output_dim: int = 2048
    """Size of E_h."""
    weights: str = field(default="auto", metadata=affects(read_by=TRAINING) | PATH)
    """Weights of pretrain-ecg to start from (.safetensors); auto takes the newest under runs/; untrained is random."""

    def __post_init__(self):
        for key in ("latents", "latent_dim", "output_dim"):
            at_least(f"model.heart_rate_encoder.{key}", getattr(self, key), 1)


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
    weights: str = field(default="auto", metadata=affects(read_by=TRAINING) | PATH)
    """Weights of stage 1 to start from (.safetensors); auto takes the newest under runs/; untrained is random."""

    def __post_init__(self):
        for key in ("latents", "latent_dim", "token_size"):
            at_least(f"model.temporal.{key}", getattr(self, key), 1)
        at_least("model.temporal.self_attention_blocks", self.self_attention_blocks, 0)


@dataclass
class ModelConfig:
    """PainModel, eq. 7-11."""

    modality: str = field(default="fusion", metadata=affects("pain", read_by=("bundle",)))
    """video, heart_rate or fusion."""
    frame_embedding: str = "both"
    """Eq. 7's terms: full (frame only), tiles (only), both."""
    tile_coefficient: float = 0.1
    """c of eq. 7; with frame_embedding=tiles the tiles alone count, and c scales them."""
    normalise_embeddings: bool = False
    """Standardise each embedding dimension with the training subjects' statistics (ours, off as in the paper)."""
    reference_share: float = 0.0
    """Share of a clip's frames, at its start, whose mean embedding is subtracted from all of its frames, so that what
    changes is left and who it is goes (ours, 0 as in the paper: none)."""
    heart_rate_encoder: HeartRateEncoderConfig = field(
        default_factory=HeartRateEncoderConfig, metadata=affects("pain", "ecg")
    )
    temporal: TemporalConfig = field(default_factory=TemporalConfig, metadata=affects("pain", "stage1-temporal"))
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
        one_of("model.modality", self.modality, ["video", "heart_rate", "fusion"])
        one_of("model.frame_embedding", self.frame_embedding, ["full", "tiles", "both"])
        (above if self.frame_embedding == "tiles" else at_least)("model.tile_coefficient", self.tile_coefficient, 0)
        share("model.reference_share", self.reference_share, none=True)
        for key in ("augmnet_hidden", "augmnet_code"):
            at_least(f"model.{key}", getattr(self, key), 1)

    @property
    def uses_video(self) -> bool:
        """Whether the model reads frame embeddings."""
        return self.modality != "heart_rate"

    @property
    def uses_heart_rate(self) -> bool:
        """Whether the model reads heart rates."""
        return self.modality != "video"

    @property
    def raw_heart_rates(self) -> bool:
        """Whether the Temporal-Module reads the heart rates themselves (Table 4's first row)."""
        return self.modality == "heart_rate" and not self.heart_rate_encoder.enabled

    @property
    def encodes_heart_rates(self) -> bool:
        """Whether the model has a Heart Rate Encoder."""
        return self.uses_heart_rate and self.heart_rate_encoder.enabled
