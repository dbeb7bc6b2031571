"""A compiler, what it compiles for, and Spatial-Modules of sizes of every kind."""

import platform
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from spatial_sizes import SMALL
from torch import nn

from painlit.models import SpatialModule
from painlit.native import library


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if not any(map(shutil.which, ("g++", "clang++", "c++"))):
        for item in items:
            if Path(__file__).parent in item.path.parents:
                item.add_marker(pytest.mark.skip(reason="no C++ compiler"))


@pytest.fixture
def module() -> Callable[..., SpatialModule]:
    """With every weight drawn: norms and biases start at one and zero, where a wrong order would not show."""

    def made(**sizes) -> SpatialModule:
        torch.manual_seed(0)
        spatial = SpatialModule(**(sizes or SMALL))
        for weight in spatial.parameters():
            nn.init.normal_(weight, mean=float(weight.ndim == 1), std=0.3)
        return spatial

    return made


EIGHT_LANES = ("-mno-avx512f", "-mno-avxvnni")


@pytest.fixture(scope="module", params=["all it has", "AVX2 alone"])
def instructions(request) -> Iterator[None]:
    """Of the processor, for which there is other C++: vectors of sixteen numbers, products of bf16 and of bytes."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param != "all it has":
            if platform.machine() not in ("x86_64", "AMD64"):
                pytest.skip("it has no AVX")
            patch.setattr(library, "_FLAGS", (*library._FLAGS, *EIGHT_LANES))
        library.compiled.cache_clear()
        yield
    library.compiled.cache_clear()
