"""Benchmarks are run by hand, so that a fault in one would show late."""

import importlib
import pkgutil

import pytest

import experiments.bench

MODULES = [module.name for module in pkgutil.walk_packages(experiments.bench.__path__, "experiments.bench.")]


@pytest.mark.parametrize("name", [name for name in MODULES if not name.endswith("__main__")])
def test_every_benchmark_can_be_imported(name):
    importlib.import_module(name)
