"""Configuration: a schema of dataclasses, one a group of settings; loading from YAML and `key=value`; help."""

from painlit.config.check_data import CheckConfig
from painlit.config.heartbeats import HeartbeatConfig
from painlit.config.loading import from_dict, group, load, overlay
from painlit.config.maps import MapsConfig
from painlit.config.networks import HeartRateEncoderConfig, ModelConfig, SpatialConfig, TemporalConfig
from painlit.config.pain import BundleConfig, CompareConfig, EmbedConfig, FinetuneConfig, LosoConfig, TablesConfig
from painlit.config.pretraining import ImagesConfig, Stage1Config, Stage2Config
from painlit.config.proxy import ProxyConfig
from painlit.config.recordings import ClipConfig, DataConfig, FaceConfig, PrepareConfig
from painlit.config.report import ReportConfig
from painlit.config.schema import Config, LogConfig
from painlit.config.settings import flat, settings, values_affecting, values_before
from painlit.config.task import CLASS_NAMES
from painlit.config.training import EcgTraining, Stage1Training, Stage2Training, TrainConfig, Training

__all__ = [
    "CLASS_NAMES",
    "BundleConfig",
    "CheckConfig",
    "ClipConfig",
    "CompareConfig",
    "Config",
    "DataConfig",
    "EcgTraining",
    "EmbedConfig",
    "FaceConfig",
    "FinetuneConfig",
    "HeartRateEncoderConfig",
    "HeartbeatConfig",
    "ImagesConfig",
    "LogConfig",
    "LosoConfig",
    "MapsConfig",
    "ModelConfig",
    "PrepareConfig",
    "ProxyConfig",
    "ReportConfig",
    "SpatialConfig",
    "Stage1Config",
    "Stage1Training",
    "Stage2Config",
    "Stage2Training",
    "TablesConfig",
    "TemporalConfig",
    "TrainConfig",
    "Training",
    "flat",
    "from_dict",
    "group",
    "load",
    "overlay",
    "settings",
    "values_affecting",
    "values_before",
]
