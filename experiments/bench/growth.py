"""How time and memory grow: with clips, frames of a clip, tokens, and the length of a recording.

Each size is measured in processes of their own (Linux): time, CPU time, and the greatest resident size above that
before, in all and without files that are mapped, as those of the cache are. The exponent is the slope of the logarithms
over the upper half of the sizes: 1 is linear. Of fine-tuning it is loading, as `make finetune` does it, and an epoch of
a small network, on a simulated data set of random embeddings in the real formats; of tokens a training step of the
paper's Temporal-Module on one clip; of recordings `Model.assess` with small networks on a clip of proxy A whose packets
and ECG repeat, with faces by key frames.

Leaves runs/bench/growth.png.
"""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

import painlit
from data_modules.recordings.datamodule import PainDataModule
from experiments.bench.assess import untrained_bundle
from experiments.bench.curves import SHOWN, draw, measured
from experiments.bench.data import RUNS, sized
from experiments.bench.resident import Cost
from experiments.bench.rows import Row
from experiments.bench.simulated import FPS, make_recording, simulate
from experiments.bench.temporal import step_cost
from painlit.config import Config, load
from painlit.loso.fold import fold_parts
from painlit.loso.protocols import Fold
from painlit.training.checkpoints import ResumePoint
from painlit.training.trainer import Run, fit, quiet_lightning

PLACE = RUNS / "growth"
CLIPS = sized((100, 300, 1_000, 3_000, 8_700), (50, 100, 200))
FRAMES = sized((69, 138, 276, 552, 1_104), (69, 138, 276))
TOKENS = sized((13_800, 27_600, 55_200, 150_528), (13_800, 27_600))
SECONDS = sized((10, 60, 300, 900, 3_600), (10, 20, 40))
ROUNDS = sized(3, 1)
SMALL = (
    "model.temporal.latents=16", "model.temporal.latent_dim=32", "model.temporal.self_attention_blocks=1",
    "model.temporal.token_size=100", "model.temporal.weights=untrained", "model.heart_rate_encoder.latents=16",
    "model.heart_rate_encoder.latent_dim=32", "model.heart_rate_encoder.weights=untrained", "embed.weights=untrained",
    "model.augmnet=false", "task=multilevel", "data.is_biovid=false", "train.epochs=1", "train.warmup_epochs=0",
    "log.wandb=disabled",
)  # fmt: skip
SMALL_FACES = ("clip.frames=4", "spatial.image_size=64", "spatial.inner_dim=24", "spatial.depth=2",
               "spatial.outer_heads=5", "face.detection=key_frames")  # fmt: skip


def of_clips(clips: int) -> Config:
    """A data set of so many clips."""
    return _config(PLACE / f"clips-{clips}")


def of_frames(frames: int) -> Config:
    """100 clips of so many frames."""
    return _config(PLACE / f"frames-{frames}", f"clip.seconds={frames / FPS}")


DATA = {"clips": of_clips, "frames": of_frames}


def loading(kind: str, size: int) -> Cost:
    """Of finding and checking what earlier steps left of a data set."""
    return Cost.of(PainDataModule(DATA[kind](size)).setup)


def epoch(kind: str, size: int) -> Cost:
    """Of an epoch of training."""
    quiet_lightning()
    config = DATA[kind](size)
    data = PainDataModule(config)
    data.setup()
    module, parts = fold_parts(config, Fold("all", tuple(data.clips.subject_names), ()), data)
    run = Run(Path(config.runs) / "run", "growth", "growth", "fold", config)
    shutil.rmtree(run.folder, ignore_errors=True)
    resume = ResumePoint(run.folder / "last.ckpt")
    return Cost.of(lambda: fit(module, parts, config.train, run, resume=resume, devices=1))


def assessing(seconds: int) -> Cost:
    """Of assessing a recording, a window each second."""
    model = painlit.load(PLACE / "bundle", "cpu")
    return Cost.of(lambda: model.assess(PLACE / f"{seconds}.mkv", PLACE / f"{seconds}.csv"))


def _config(place: Path, *settings: str) -> Config:
    return load([f"runs={place / 'runs'}", f"data.root={place / 'data'}", *SMALL, *settings])


def main() -> list[Row]:
    """Measure, print exponents, and draw."""
    shutil.rmtree(PLACE, ignore_errors=True)
    for count in CLIPS:
        simulate(of_clips(count), count)
    for count in FRAMES:
        simulate(of_frames(count), 100)
    for seconds in SECONDS:
        make_recording(PLACE, seconds)
    untrained_bundle(PLACE / "bundle", _config(PLACE, *SMALL_FACES))
    fine_tuning = [
        measured(f"{name}: {what}", kind, sizes, partial(work, kind), ROUNDS)
        for name, work in (("loading", loading), ("an epoch", epoch))
        for what, kind, sizes in (("clips of 138 frames", "clips", CLIPS), ("100 clips", "frames", FRAMES))
    ]
    tokens = measured("Temporal-Module: a step of one clip", "tokens", TOKENS, partial(step_cost, "painlit", 1), ROUNDS)
    recordings = measured("assessing a recording", "s", SECONDS, assessing, ROUNDS)
    shutil.rmtree(PLACE)
    curves = [*fine_tuning, tokens, recordings]
    draw(curves, RUNS / "growth.png")
    for curve in curves:
        exponents = (f"{what} {curve.exponent(attribute):.2f}" for attribute, (what, _) in SHOWN.items())
        print(f"  {curve.what}, over {curve.unit}: exponents of {', '.join(exponents)}")
    return [row for curve in curves for row in curve.rows()]
