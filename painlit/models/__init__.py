"""The networks of the paper as plain modules: no training code here."""

from painlit.models.augmentations import Basic, Masking
from painlit.models.augmnet import AugmNet
from painlit.models.complexity import macs, parameters
from painlit.models.heart_rate_encoder import HeartRateEncoder
from painlit.models.interpolation import bicubic_resize
from painlit.models.pain import PainModel
from painlit.models.spatial import SpatialModule
from painlit.models.temporal import TemporalModule
from painlit.models.tiles import frame_images

__all__ = [
    "AugmNet",
    "Basic",
    "HeartRateEncoder",
    "Masking",
    "PainModel",
    "SpatialModule",
    "TemporalModule",
    "bicubic_resize",
    "frame_images",
    "macs",
    "parameters",
]
