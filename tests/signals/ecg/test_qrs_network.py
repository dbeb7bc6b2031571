import numpy as np
import pytest

from painlit.signals.ecg import qrs_network
from painlit.signals.ecg.qrs_features import FEATURES


def test_log_odds_are_those_of_one_hidden_layer_raised_and_limited(monkeypatch):
    k = len(FEATURES)
    hidden = np.zeros((k, 2))
    hidden[0], hidden[1, 0] = (1.0, -1.0), 3.0
    weights = (np.full(k, 0.5), np.full(k, 2.0), hidden, np.array([0.25, -0.1]), np.array([2.0, 5.0]), np.array(-0.7))
    monkeypatch.setattr(qrs_network, "_weights", lambda: weights)
    features = np.full((3, k), 0.5)
    features[0, :2] = 2.5, 1.5  # (1, 0.5): hidden units 2.75 and none
    features[1, 0] = -1.5  # (-1, 0): none and 0.9
    features[2, 0] = 1e3
    plain = np.array([2 * 2.75 - 0.7, 5 * 0.9 - 0.7])
    log_odds = qrs_network.beat_log_odds(features)
    assert log_odds[:2] == pytest.approx(plain + qrs_network.MORE)
    assert log_odds[2] == qrs_network.SURE
