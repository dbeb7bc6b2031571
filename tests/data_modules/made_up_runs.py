"""Numbers of prepared and embedded clips that follow from their names."""

import numpy as np

from data_modules.recordings.datamodule import PainDataModule
from painlit.clips.embedding_cache import EmbeddingCache
from painlit.clips.pain_clips import PainClips
from painlit.clips.table import ClipTable, table_path, table_settings
from painlit.config import Config
from painlit.runs.artefact import write_artefact

FRAMES, D = 6, 8
SETTINGS = (
    "clip.seconds=2 clip.frames=6 model.temporal.weights=untrained model.heart_rate_encoder.weights=untrained "
    "spatial.embed_dim=8 spatial.outer_heads=2 spatial.image_size=32 train.batch_size=5"
).split()


def generator_of(name: str, what: int) -> np.random.Generator:
    return np.random.default_rng([what, *name.encode()])


def boxes_of(name: str) -> np.ndarray:
    return np.tile(np.float32([8, 4, 24, 20]), (FRAMES, 1)) + generator_of(name, 0).uniform(0, 1, (FRAMES, 1))


def bpm_of(name: str) -> np.ndarray:
    return generator_of(name, 1).uniform(50, 90, 2).round(3)


def embedding_of(name: str) -> np.ndarray:
    return generator_of(name, 2).normal(1, 2, (2, FRAMES, D)).astype(np.float16)


def table_of(config: Config) -> ClipTable:
    return ClipTable(table_path(config), table_settings(config))


def write_embedding_metrics(config: Config, about: dict) -> None:
    """What `make embed` leaves beside its cache."""
    folder = config.folder("embed")
    write_artefact(folder / "metrics.json", about, EmbeddingCache(folder).settings)


def set_up(config: Config, *arguments, **options) -> PainDataModule:
    data = PainDataModule(config, *arguments, **options)
    data.setup()
    return data


def clips_of(config: Config) -> PainClips:
    return set_up(config).clips
