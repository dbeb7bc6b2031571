"""Trained models in use: bundles, recordings, assessments, maps.

>>> import painlit.inference
>>> painlit.inference.temporal_map.__module__
'painlit.inference.maps.temporal'
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from painlit.inference.maps.spatial import spatial_map
    from painlit.inference.maps.temporal import frame_slopes, heart_rate_map, temporal_map

__all__ = ["frame_slopes", "heart_rate_map", "spatial_map", "temporal_map"]


def __getattr__(name: str) -> Any:  # what is not used is not imported
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    place = "spatial" if name == "spatial_map" else "temporal"
    return getattr(import_module(f"painlit.inference.maps.{place}"), name)
