"""Networks out of their groups of settings, with random weights."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from painlit.config import HeartRateEncoderConfig, ModelConfig, SpatialConfig, TemporalConfig
from painlit.config.training import PhotographTraining
from painlit.errors import PainlitError
from painlit.models import AugmNet, Basic, HeartRateEncoder, Masking, PainModel, SpatialModule, TemporalModule
from painlit.models.frame_embedder import FrameEmbedder
from painlit.models.normalisation import MEAN, STD, Normalise
from painlit.weights.landmarks import LandmarkDistances


def refuse_other_networks(spatial: SpatialConfig) -> None:
    """Refuse settings of a network in the Spatial-Module's place, which nothing here trains.

    Raises:
        PainlitError: They name one.
    """
    if spatial.network != "tnt":
        raise PainlitError(
            f"spatial.network={spatial.network} is not the Spatial-Module, which is needed here",
            "set spatial.network=tnt",
        )


def build_spatial_module(spatial: SpatialConfig, train: PhotographTraining | None = None) -> SpatialModule:
    """The Spatial-Module of these sizes; `train` is how it will be trained on photographs.

    Raises:
        PainlitError: As of `refuse_other_networks`.
    """
    refuse_other_networks(spatial)
    return SpatialModule(
        image_size=spatial.image_size,
        patch_size=spatial.patch_size,
        embed_dim=spatial.embed_dim,
        inner_dim=spatial.inner_dim,
        depth=spatial.depth,
        inner_heads=spatial.inner_heads,
        outer_heads=spatial.outer_heads,
        drop_path=train.drop_path if train else 0.0,
    )


def build_frame_embedder(
    spatial: SpatialConfig,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    chunk: int | None = None,
) -> FrameEmbedder:
    """What embeds frames, with its normalisation: the Spatial-Module of these sizes, or distances between landmarks.

    Args:
        spatial: Sizes.
        mean: Where the settings leave it open.
        std: Likewise.
        chunk: As of `FrameEmbedder`.
    """
    normalise = Normalise(spatial.mean or mean or MEAN, spatial.std or std or STD, spatial.local_contrast)
    if spatial.network == "landmarks":
        return FrameEmbedder(LandmarkDistances(spatial.image_size), normalise, tiles=False)
    return FrameEmbedder(build_spatial_module(spatial), normalise, chunk)


def build_temporal_module(temporal: TemporalConfig, classes: int = 2, token_size: int | None = None) -> TemporalModule:
    """The Temporal-Module of these sizes; `token_size` if the input needs another."""
    return TemporalModule(
        classes,
        token_size=token_size or temporal.token_size,
        num_latents=temporal.latents,
        latent_dim=temporal.latent_dim,
        blocks=temporal.self_attention_blocks,
    )


def build_heart_rate_encoder(encoder: HeartRateEncoderConfig) -> HeartRateEncoder:
    """The Heart Rate Encoder of these sizes."""
    return HeartRateEncoder(encoder.output_dim, num_latents=encoder.latents, latent_dim=encoder.latent_dim)


def build_pain_model(model: ModelConfig, classes: int, frames: int, embedding_dim: int, heart_rates: int) -> PainModel:
    """PainModel of these sizes.

    Args:
        model: Modality, networks, augmentations.
        classes: Class scores.
        frames: Frames of a clip.
        embedding_dim: Size of a frame's embedding.
        heart_rates: Heart rates of a clip.
    """
    raw = model.raw_heart_rates
    size = heart_rates if raw else frames * embedding_dim
    augmentations: list[nn.Module] = [*([Basic()] if model.basic else []), *([Masking()] if model.masking else [])]
    return PainModel(
        model.modality,  # type: ignore[arg-type]
        frames=frames,
        embedding_dim=embedding_dim,
        heart_rate_encoder=build_heart_rate_encoder(model.heart_rate_encoder) if model.encodes_heart_rates else None,
        temporal=build_temporal_module(model.temporal, classes, token_size=1 if raw else None),
        augmnet=AugmNet(size, model.augmnet_hidden, model.augmnet_code) if model.augmnet else None,
        augmentations=augmentations,
        frame_embedding=model.frame_embedding,  # type: ignore[arg-type]
        tile_coefficient=model.tile_coefficient,
        reference_frames=max(1, int(model.reference_share * frames + 1e-9)) if model.reference_share else 0,
    )
