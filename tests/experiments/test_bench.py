"""Benchmarks are run by hand, so that a fault in one would show late."""

import importlib
import pkgutil

import pytest

import experiments.bench
from experiments.bench.__main__ import BENCHMARKS

MODULES = [module.name for module in pkgutil.walk_packages(experiments.bench.__path__, "experiments.bench.")]


@pytest.mark.parametrize("name", [name for name in MODULES if not name.endswith("__main__")])
def test_every_benchmark_can_be_imported(name):
    importlib.import_module(name)


@pytest.mark.parametrize("name", BENCHMARKS)
def test_every_benchmark_that_can_be_named_is_there(name):
    assert callable(importlib.import_module(f"experiments.bench.{name}").main)
