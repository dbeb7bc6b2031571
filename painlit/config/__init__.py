"""Configuration: a schema of dataclasses, one a group of settings; loading from YAML and `key=value`; help."""

from painlit.config.check_data import CheckConfig
from painlit.config.heartbeats import HeartbeatConfig
from painlit.config.loading import flat, from_dict, known_keys, load, overlay
from painlit.config.networks import HeartRateEncoderConfig, ModelConfig, SpatialConfig, TemporalConfig
from painlit.config.pain import CompareConfig, EmbedConfig, FinetuneConfig, LosoConfig, TablesConfig
from painlit.config.pretraining import ImagesConfig, Stage1Config, Stage2Config
from painlit.config.recordings import ClipConfig, DataConfig, FaceConfig, PrepareConfig
from painlit.config.schema import TASKS, Config, LogConfig
from painlit.config.training import TrainConfig, Training

__all__ = [
    "TASKS",
    "CheckConfig",
    "ClipConfig",
    "CompareConfig",
    "Config",
    "DataConfig",
    "EmbedConfig",
    "FaceConfig",
    "FinetuneConfig",
    "HeartRateEncoderConfig",
    "HeartbeatConfig",
    "ImagesConfig",
    "LogConfig",
    "LosoConfig",
    "ModelConfig",
    "PrepareConfig",
    "SpatialConfig",
    "Stage1Config",
    "Stage2Config",
    "TablesConfig",
    "TemporalConfig",
    "TrainConfig",
    "Training",
    "flat",
    "from_dict",
    "known_keys",
    "load",
    "overlay",
]
