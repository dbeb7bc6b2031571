"""A small data set, prepared and embedded once, for everything that runs real steps."""

import shutil
from pathlib import Path

import pytest

from data_modules.demo import make_demo
from experiments import embed, prepare
from painlit.config import Config, load

TINY = (
    "clip.seconds=3 clip.frames=4 spatial.image_size=32 spatial.inner_dim=8 spatial.embed_dim=8 spatial.depth=1 "
    "spatial.inner_heads=2 spatial.outer_heads=2 embed.weights=untrained embed.workers=0 "
    "model.heart_rate_encoder.latents=4 model.heart_rate_encoder.latent_dim=8 model.heart_rate_encoder.output_dim=16 "
    "model.temporal.latents=4 model.temporal.latent_dim=8 model.temporal.self_attention_blocks=1 "
    "train.epochs=4 train.warmup_epochs=1 train.batch_size=4 train.lr=1e-2 train.accelerator=cpu "
    "train.checkpoint_every=1 prepare.workers=1 log.wandb=disabled data.is_biovid=false data.name=tiny"
).split()


def tiny(root: Path, runs: Path, *more: str) -> Config:
    return load([*TINY, f"data.root={root}", f"runs={runs}", *more])


@pytest.fixture(scope="session")
def tiny_data(tmp_path_factory) -> Path:
    """Three subjects with two clips of each of two classes, in BioVid's layout."""
    root = tmp_path_factory.mktemp("tiny") / "PartA"
    return make_demo(root, load(TINY).clip, subjects=3, clips_per_class=2)


@pytest.fixture(scope="session")
def embedded_runs(tiny_data, tmp_path_factory) -> Path:
    """A runs folder after prepare and embed. Tests copy it, so that none sees another's folds."""
    runs = tmp_path_factory.mktemp("runs")
    prepare.run(tiny(tiny_data, runs))
    embed.run(tiny(tiny_data, runs))
    return runs


@pytest.fixture
def runs(embedded_runs, tmp_path) -> Path:
    return shutil.copytree(embedded_runs, tmp_path / "runs")
