"""Benchmarks are run by hand, so that a fault in one would show late."""

import importlib
import pkgutil

import pytest

import experiments.bench


@pytest.mark.parametrize("name", [m.name for m in pkgutil.walk_packages(experiments.bench.__path__, "experiments.bench.")
                                  if not m.name.endswith("__main__")])  # fmt: skip
def test_every_benchmark_can_be_imported(name):
    importlib.import_module(name)
