"""A bundle of three parts, and inputs for its models."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from inference_runs import trained_run

from painlit.inference.bundles.writing import write_bundle


@pytest.fixture(scope="session")
def made_once(tmp_path_factory) -> Path:
    """A folder with video, heart rate and fusion of three folds; tests copy it."""
    folder = tmp_path_factory.mktemp("bundles") / "bundle"
    write_bundle(folder, [trained_run(part) for part in ("video", "heart_rate", "fusion")])
    return folder


@pytest.fixture
def bundle_folder(made_once, tmp_path) -> Path:
    return shutil.copytree(made_once, tmp_path / "bundle")


@pytest.fixture
def inputs() -> Callable[[str], tuple[torch.Tensor | None, ...]]:
    """`inputs(part)`: random embeddings and heart rates of five clips, as a model of the part takes them."""

    def make(part: str) -> tuple[torch.Tensor | None, ...]:
        generator = torch.Generator().manual_seed(1)
        full, tiles = (torch.randn(5, 4, 8, generator=generator) for _ in range(2))
        bpm = 60 + 40 * torch.rand(5, 3, generator=generator)
        return (
            (full, tiles, None)
            if part == "video"
            else (None, None, bpm)
            if part == "heart_rate"
            else (full, tiles, bpm)
        )

    return make
