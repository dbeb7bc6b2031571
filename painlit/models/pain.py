"""The pain model on cached embeddings: eq. 7 to 11, then the Temporal-Module."""

import itertools
from collections.abc import Sequence
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn

from painlit.models.augmnet import AugmNet
from painlit.models.heart_rate_encoder import HeartRateEncoder
from painlit.models.interpolation import bicubic_resize
from painlit.models.temporal import TemporalModule

Modality = Literal["video", "heart_rate", "fusion"]
FrameEmbedding = Literal["full", "tiles", "both"]
BPM_MEAN = 75.0
"""Centre of the heart rates, bpm: a fixed constant, never taken from data."""


def combine_embeddings(full: Any, tiles: Any, frame_embedding: str, tile_coefficient: float) -> Any:
    """D of eq. 7, (..., D), from d_full and the tiles' sum, (..., D) each; what `frame_embedding` leaves out is unused.

    Tensors or arrays.
    """
    if frame_embedding == "full":
        return full
    if frame_embedding == "tiles":
        return tile_coefficient * tiles
    return full + tile_coefficient * tiles  # eq. 7


class PainModel(nn.Module):
    """Pain scores of a clip from its frame embeddings, its heart rates, or both (paper section 3.2, eq. 7–11).

    Without arguments it is the paper's fusion model: 7,051,306 parameters, AugmNet's among them. "paper" builds a part
    of the paper's size.

    Images are not seen here: the Spatial-Module's embeddings come from a cache, as float16 or float32, and are cast to
    the type of the parameters.

    Args:
        modality: "video", "heart_rate" or "fusion".
        num_classes: Class scores of the paper's `temporal`.
        frames: Frames in a clip, F.
        embedding_dim: Length of a frame embedding, D. N = frames · embedding_dim.
        heart_rate_encoder: Encoder of the heart rates, where the modality has them. None is Table 4's first row, the
            raw heart rates: alone they go to the Temporal-Module as they are, S scalars; in fusion they are
            interpolated to N.
        temporal: The Temporal-Module.
        augmnet: AugmNet, or None to go without. Its size must be that of the vector it meets.
        augmentations: Modules (B, N) -> (B, N), applied in order to V + B, before AugmNet.
        frame_embedding: What a frame's embedding D is made of: "full" d_full, "tiles" c·(d_1+…+d_4), "both" eq. 7.
        tile_coefficient: c of eq. 7; 0.1 is the paper's choice, 1 the one it compares with.
        reference_frames: The mean D of so many frames at a clip's start is subtracted from D of all its frames; 0, the
            paper's, subtracts nothing. Whose face it is differs far more between clips than what it does.
        bpm_mean: Subtracted from the heart rates, bpm. A fixed constant, never taken from data.
        bpm_scale: Then divided by, bpm. Likewise.

    Raises:
        ValueError: An unknown modality or frame embedding, reference frames that leave no other frame, or no positive
            bpm_scale.
    """

    frame_mean: Tensor
    frame_std: Tensor

    def __init__(
        self,
        modality: Modality = "fusion",
        *,
        num_classes: int = 2,
        frames: int = 138,
        embedding_dim: int = 100,
        heart_rate_encoder: HeartRateEncoder | Literal["paper"] | None = "paper",
        temporal: TemporalModule | Literal["paper"] = "paper",
        augmnet: AugmNet | Literal["paper"] | None = "paper",
        augmentations: Sequence[nn.Module] = (),
        frame_embedding: FrameEmbedding = "both",
        tile_coefficient: float = 0.1,
        reference_frames: int = 0,
        bpm_mean: float = BPM_MEAN,
        bpm_scale: float = 15.0,
    ):
        super().__init__()
        if modality not in get_args(Modality):
            raise ValueError(f"modality must be one of {get_args(Modality)}, got {modality!r}")
        if frame_embedding not in get_args(FrameEmbedding):
            raise ValueError(f"frame_embedding must be one of {get_args(FrameEmbedding)}, got {frame_embedding!r}")
        if not 0 <= reference_frames < frames:
            raise ValueError(f"reference_frames must be at least 0 and fewer than {frames}, got {reference_frames}")
        if bpm_scale <= 0:
            raise ValueError(f"bpm_scale must be positive, got {bpm_scale}")
        self.modality = modality
        self.frames = frames
        self.embedding_dim = embedding_dim
        self.frame_embedding = frame_embedding
        self.tile_coefficient = tile_coefficient
        self.reference_frames = reference_frames
        self.bpm_mean = bpm_mean
        self.bpm_scale = bpm_scale
        if heart_rate_encoder == "paper":
            heart_rate_encoder = None if modality == "video" else HeartRateEncoder()
        self.heart_rate_encoder = heart_rate_encoder
        self.augmentations = nn.Sequential(*augmentations)
        if augmnet == "paper":
            if modality == "heart_rate" and heart_rate_encoder is None:
                raise ValueError("the paper's AugmNet is not of the heart rates' size: give one, or None")
            augmnet = AugmNet(self.size)
        self.augmnet = augmnet
        self.temporal = TemporalModule(num_classes) if temporal == "paper" else temporal
        self.register_buffer("frame_mean", torch.zeros(embedding_dim))
        self.register_buffer("frame_std", torch.ones(embedding_dim))

    @property
    def size(self) -> int:
        """N: values of V and of B."""
        return self.frames * self.embedding_dim

    def set_embedding_statistics(self, mean: Tensor, std: Tensor) -> None:
        """Standardise frame embeddings by these statistics of eq. 7's D, which are saved with the weights.

        They must come from training subjects only. The paper does not standardise; without this call D is unchanged.

        Args:
            mean: (D,) mean of each dimension.
            std: (D,) standard deviation of each dimension, all positive.

        Raises:
            ValueError: Another shape, or a standard deviation that is not positive and finite.
        """
        if mean.shape != self.frame_mean.shape or std.shape != self.frame_std.shape:
            raise ValueError(
                f"mean and std must be ({self.embedding_dim},), got {tuple(mean.shape)} and {tuple(std.shape)}"
            )
        if not (mean.isfinite().all() and std.isfinite().all() and (std > 0).all()):
            raise ValueError("mean must be finite and std positive in every dimension; is one constant in the data?")
        self.frame_mean.copy_(mean)
        self.frame_std.copy_(std)

    def forward(self, full: Tensor | None = None, tiles: Tensor | None = None, bpm: Tensor | None = None) -> Tensor:
        """Class scores of clips.

        Args:
            full: (B, F, D) d_full of each frame; needed unless frame_embedding is "tiles".
            tiles: (B, F, D) sum of each frame's four tile embeddings; needed unless frame_embedding is "full".
            bpm: (B, S) heart rates in bpm.

        Returns:
            (B, num_classes) logits.

        Raises:
            ValueError: An input that the modality needs is missing or has another shape.
        """
        x = self.augmentations(self.vector(full, tiles, bpm))
        if self.augmnet is not None and self.training:
            x = self.augmnet(x) + x  # eq. 10 and 11
        return self.temporal(x)

    def vector(self, full: Tensor | None = None, tiles: Tensor | None = None, bpm: Tensor | None = None) -> Tensor:
        """What the Temporal-Module reads of clips, unaugmented: V, B or V + B, as of `forward`; (B, N)."""
        clips = {name: x.shape[0] for name, x in (("full", full), ("tiles", tiles), ("bpm", bpm)) if x is not None}
        if any(count != other for count, other in itertools.pairwise(clips.values())):
            raise ValueError(f"inputs must have the same number of clips, got {clips}")
        if self.modality == "video":
            return self.video(full, tiles)
        if self.modality == "heart_rate":
            return self.heart_rate(bpm)
        return self.video(full, tiles) + self.heart_rate(bpm)  # V + B

    def video(self, full: Tensor | None, tiles: Tensor | None) -> Tensor:
        """V: the clip's frame embeddings one after the other, (B, N)."""
        full = None if self.frame_embedding == "tiles" else self._checked("full", full)
        tiles = None if self.frame_embedding == "full" else self._checked("tiles", tiles)
        frames = combine_embeddings(full, tiles, self.frame_embedding, self.tile_coefficient)
        frames = (frames - self.frame_mean) / self.frame_std
        if self.reference_frames:
            frames = frames - frames[:, : self.reference_frames].mean(dim=1, keepdim=True)
        return frames.flatten(1)  # eq. 8, frame by frame

    def scaled(self, bpm: Tensor | None) -> Tensor:
        """Heart rates of order one, (B, S)."""
        if bpm is None or bpm.ndim != 2:
            got = "nothing" if bpm is None else f"{tuple(bpm.shape)}"
            raise ValueError(f"modality {self.modality!r} needs bpm (B, S), got {got}")
        return (bpm.to(self.frame_mean.dtype) - self.bpm_mean) / self.bpm_scale

    def heart_rate(self, bpm: Tensor | None) -> Tensor:
        """B: the heart rates' embedding interpolated to N, (B, N); without encoder and video, the rates, (B, S)."""
        return self.embedded_rates(self.scaled(bpm))

    def embedded_rates(self, scaled: Tensor) -> Tensor:
        """B of scaled rates, (B, S)."""
        if self.heart_rate_encoder is not None:
            scaled = self.heart_rate_encoder(scaled)
        elif self.modality == "heart_rate":
            return scaled
        return bicubic_resize(scaled, self.size)  # eq. 9

    def _checked(self, name: str, embeddings: Tensor | None) -> Tensor:
        """An input (B, F, D), cast to the type of the parameters."""
        wanted = f"{name} (B, {self.frames}, {self.embedding_dim})"
        if embeddings is None or embeddings.ndim != 3 or embeddings.shape[1:] != (self.frames, self.embedding_dim):
            got = "nothing" if embeddings is None else f"{tuple(embeddings.shape)}"
            raise ValueError(
                f"modality {self.modality!r} with frame_embedding {self.frame_embedding!r} needs {wanted}, got {got}"
            )
        return embeddings.to(self.frame_mean.dtype)
