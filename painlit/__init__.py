"""painlit: automatic assessment of acute pain from facial video and heart rate (Gkikas et al. 2024).

>>> import painlit
>>> painlit.AugmNet().__class__.__module__
'painlit.models.augmnet'
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from painlit.inference.model import load
    from painlit.inference.person import Rest
    from painlit.models import AugmNet, HeartRateEncoder, PainModel, SpatialModule, TemporalModule
    from painlit.signals import FaceDetector, heart_rate, pan_tompkins

__all__ = [
    "AugmNet",
    "FaceDetector",
    "HeartRateEncoder",
    "PainModel",
    "Rest",
    "SpatialModule",
    "TemporalModule",
    "heart_rate",
    "load",
    "pan_tompkins",
]
__version__ = "0.1.0"

# OpenMP's threads spin while they wait, by default for milliseconds. Where processes share cores (folds, decoding
# workers, a busy machine) they slow each other down many times, so here they spin briefly, unless the user has set it
# otherwise. Sleeping at once (OMP_WAIT_POLICY=PASSIVE) would cost small networks half their speed.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")


def __getattr__(name: str) -> Any:  # what is not used is not imported: `painlit --help` must print at once
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    places = {"load": "inference.model", "Rest": "inference.person"}
    places |= dict.fromkeys(("FaceDetector", "heart_rate", "pan_tompkins"), "signals")
    return getattr(import_module(f"painlit.{places.get(name, 'models')}"), name)
