"""Benchmarks are run by hand, so that a fault in one would show late."""

import importlib
import pkgutil

import numpy as np
import pytest

import experiments.bench
from experiments.bench.__main__ import BENCHMARKS
from experiments.bench.landmarks import CORNERS, change, landmark_distances

MODULES = [module.name for module in pkgutil.walk_packages(experiments.bench.__path__, "experiments.bench.")]


@pytest.mark.parametrize("name", [name for name in MODULES if not name.endswith("__main__")])
def test_every_benchmark_can_be_imported(name):
    importlib.import_module(name)


@pytest.mark.parametrize("name", BENCHMARKS)
def test_every_benchmark_that_can_be_named_is_there(name):
    assert callable(importlib.import_module(f"experiments.bench.{name}").main)


def test_landmark_distances_tell_the_mouth_and_not_where_a_face_is():
    face = np.random.default_rng(0).uniform(40, 150, (468, 2))
    still = landmark_distances(face)
    np.testing.assert_allclose(landmark_distances(1.7 * face + [5, -9]), still)
    wider = face.copy()
    middle = face[[*CORNERS]].mean(0)
    wider[[*CORNERS]] = middle + 1.5 * (face[[*CORNERS]] - middle)
    told = change([still] * 12 + [landmark_distances(wider)] * 4)
    assert told[0] == pytest.approx(0.5 * still[0])
    assert told[[1, 2, 5]] == pytest.approx(0)  # lips and eyes are where they were
