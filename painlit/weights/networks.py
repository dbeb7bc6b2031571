"""Networks out of the configuration."""

from __future__ import annotations

from torch import nn

from painlit.config import Config, HeartRateEncoderConfig, SpatialConfig
from painlit.models import AugmNet, Basic, HeartRateEncoder, Masking, PainModel, SpatialModule, TemporalModule


def build_spatial_module(config: SpatialConfig, drop_path: float = 0.0) -> SpatialModule:
    """The Spatial-Module of these sizes, with random weights; `drop_path` is the rate of stochastic depth."""
    return SpatialModule(
        image_size=config.image_size,
        patch_size=config.patch_size,
        embed_dim=config.embed_dim,
        inner_dim=config.inner_dim,
        depth=config.depth,
        inner_heads=config.inner_heads,
        outer_heads=config.outer_heads,
        drop_path=drop_path,
    )


def build_temporal_module(config: Config) -> TemporalModule:
    """The Temporal-Module for the configured task, with random weights."""
    temporal = config.model.temporal
    return TemporalModule(
        len(config.classes),
        token_size=1 if config.raw_heart_rates else temporal.token_size,
        num_latents=temporal.latents,
        latent_dim=temporal.latent_dim,
        blocks=temporal.self_attention_blocks,
    )


def build_heart_rate_encoder(config: HeartRateEncoderConfig) -> HeartRateEncoder:
    """The Heart Rate Encoder of these sizes, with random weights."""
    return HeartRateEncoder(config.output_dim, num_latents=config.latents, latent_dim=config.latent_dim)


def build_pain_model(config: Config) -> PainModel:
    """PainModel for the configured task and modality, with random weights."""
    model = config.model
    frames, embedding_dim = config.clip.used_frames, config.spatial.embed_dim
    size = config.clip.heart_rates if config.raw_heart_rates else frames * embedding_dim
    encoder = None
    if config.encodes_heart_rates:
        encoder = build_heart_rate_encoder(model.heart_rate_encoder)
    augmentations: list[nn.Module] = []
    if model.basic:
        augmentations.append(Basic())
    if model.masking:
        augmentations.append(Masking())
    return PainModel(
        model.modality,  # type: ignore[arg-type]
        frames=frames,
        embedding_dim=embedding_dim,
        heart_rate_encoder=encoder,
        temporal=build_temporal_module(config),
        augmnet=AugmNet(size, model.augmnet_hidden, model.augmnet_code) if model.augmnet else None,
        augmentations=augmentations,
        frame_embedding=model.frame_embedding,  # type: ignore[arg-type]
        tile_coefficient=model.tile_coefficient,
    )
