"""How likely a QRS candidate is a beat: small networks over its features."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files

import numpy as np

from painlit.signals.ecg.qrs_features import FEATURES, Array

WEIGHTS = "qrs_network.json"
MORE = 0.8  # by which log-odds are raised: the network was trained on ECGs noisier than most
SURE = 8.0  # log-odds are limited to this


def beat_log_odds(features: Array) -> Array:
    """Logarithm of the odds that a candidate is a beat, (k, len(FEATURES)) -> (k,).

    It is the mean of five networks with one hidden layer each, kept as one. They were trained on half of the records
    of the MIT-BIH Arrhythmia Database, from synthetic ECGs and from noise, all disturbed; `make bench ARGS=qrs_network`
    trains the weights again.
    """
    mean, scale, hidden, hidden_bias, out, out_bias = _weights()
    active = np.maximum((features - mean) / scale @ hidden + hidden_bias, 0)
    return np.clip(active @ out + out_bias + MORE, -SURE, SURE)


@cache
def _weights() -> tuple[Array, ...]:
    held = json.loads((files(__package__) / WEIGHTS).read_text(encoding="utf-8"))
    assert held["features"] == list(FEATURES), f"{WEIGHTS} is of other features"
    return tuple(np.array(held[name]) for name in ("mean", "scale", "hidden", "hidden_bias", "out", "out_bias"))
