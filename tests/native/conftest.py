"""A compiler, and Spatial-Modules of sizes of every kind."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from spatial_sizes import SMALL
from torch import nn

from painlit.models import SpatialModule


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
