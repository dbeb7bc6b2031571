"""What the paper's runs would cost: the dry run of `make loso` with the paper's model on as many clips as BioVid has.

87 subjects, 20 clips of each class, random embeddings and heart rates: nothing is learnt, only steps, operations and
seconds are counted. Hours on other machines follow from steps and operations, see docs/loso.md. Other `key=value`
arguments reach the configuration.
"""

import shutil
from dataclasses import replace

import numpy as np

from data_modules.recordings.datamodule import PainDataModule
from experiments.bench.data import RUNS, given
from painlit.clips.embedding_cache import EmbeddingCache, cache_settings
from painlit.clips.pain_clips import PainClips
from painlit.clips.sources import EmbeddingSource, resolve_sources
from painlit.config import Config, load
from painlit.loso.dry_run import estimate, print_estimate
from painlit.loso.protocols import biovid_folds
from painlit.models.normalisation import MEAN, STD

SUBJECTS, CLIPS_PER_CLASS = 87, 20
PLACE = RUNS / "paper_scale"
SETTINGS = (f"runs={PLACE}", "model.temporal.weights=untrained", "model.heart_rate_encoder.weights=untrained")


def random_data(config: Config, people: int = SUBJECTS, clips_per_class: int = CLIPS_PER_CLASS) -> PainDataModule:
    """Clips of the task's classes with random inputs, so many of each person and class."""
    generator = np.random.default_rng(0)
    subjects = np.repeat([f"{k:06d}_w_30" for k in range(people)], len(config.classes) * clips_per_class)
    names = [f"{subject}-{k}" for k, subject in enumerate(subjects)]
    bpm = generator.normal(75, 10, (len(names), config.clip.heart_rates)).astype(np.float32)
    settings = cache_settings(config, "random", {"mean": list(MEAN), "std": list(STD)})
    cache = EmbeddingCache(config.folder("embed"), settings)
    cache.reserve(names)
    row = generator.normal(size=(2, config.clip.used_frames, config.spatial.embed_dim)).astype(np.float32)
    for number, name in enumerate(names):
        cache.write(name, np.roll(row, number), source=1)
    labels = np.tile(np.repeat(np.arange(len(config.classes)), clips_per_class), people)
    clips = PainClips(names, subjects, labels, bpm, cache.rows(names), videos=[])
    embeddings = EmbeddingSource(cache.folder, settings, "untrained") if config.cached else None
    heart_rate_alone = replace(config, model=replace(config.model, modality="heart_rate"))
    sources = replace(resolve_sources(heart_rate_alone), embeddings=embeddings)
    return PainDataModule(config, clips=clips, sources=sources)


def main() -> None:
    """Time a few steps of each modality and task, and print the estimates."""
    for task in ("np_vs_p4", "multilevel"):
        shutil.rmtree(PLACE, ignore_errors=True)
        for modality in ("fusion", "heart_rate"):
            config = load([*SETTINGS, *given(), f"task={task}", f"model.modality={modality}", "loso.workers=1"])
            data = random_data(config)
            print(f"\n{task}, {modality}, {len(data.clips.names):,} clips, {config.train.epochs} epochs:", flush=True)
            every = biovid_folds("loso", data.clips.subject_names)
            found = estimate(config, data, every, config.folder("loso") / "folds")
            print_estimate(config, found)
    shutil.rmtree(PLACE)
