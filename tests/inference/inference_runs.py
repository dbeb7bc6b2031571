"""Bundles of tiny networks with random weights: what a bundle does follows from no training."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from painlit.clips.clip import Person
from painlit.config import Config, load
from painlit.inference.bundles.temperature import fit_temperature
from painlit.inference.bundles.trained_run import TrainedEmbedder, TrainedModel, TrainedRun
from painlit.loso.results import Predictions, evaluate
from painlit.models.normalisation import MEAN, STD
from painlit.weights.networks import build_frame_embedder, build_pain_model

TINY = (
    "clip.seconds=3 clip.frames=4 spatial.image_size=32 spatial.inner_dim=8 spatial.embed_dim=8 spatial.depth=1 "
    "spatial.inner_heads=2 spatial.outer_heads=2 data.name=tiny "
    "model.heart_rate_encoder.latents=4 model.heart_rate_encoder.latent_dim=8 model.heart_rate_encoder.output_dim=16 "
    "model.temporal.latents=4 model.temporal.latent_dim=8 model.temporal.self_attention_blocks=1 "
    "embed.weights=/maker/secret/spatial.safetensors runs=/maker/secret/runs data.root=/maker/secret/PartA"
).split()
PEOPLE = ("ann", "bob", "cid")


def tiny_config(part: str = "fusion", *more: str) -> Config:
    return load([*TINY, f"model.modality={part}", *more])


def predictions(seed: int = 0, clips: int = 40, sharpness: float = 3.0) -> Predictions:
    """Of subjects that were held out: right more often than not, and too sure of it."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 2, len(PEOPLE) * clips)
    scores = sharpness * (generator.normal(0, 1, (len(labels), 2)) + 0.8 * np.eye(2)[labels])
    probabilities = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    names = np.repeat(PEOPLE, clips)
    return Predictions([f"{name}-{k}" for k, name in enumerate(names)], names, labels, probabilities.round(8))


def figures(of: Predictions, config: Config) -> dict[str, Any]:
    results = evaluate(of, {"ann": Person("women", 30), "bob": Person("men", 40), "cid": Person("men", 60)})
    kept = {key: results[key] for key in ("subjects", "pooled", "interval_95", "over_subjects", "subgroups")}
    return {
        "run": "tiny", "protocol": "loso", "selection": "last", "folds": 3, "remarks": [], "weights_differ": [], **kept,
        "ece": {"before": 0.2, "after": 0.1},
    }  # fmt: skip


def trained_run(
    part: str = "fusion", *more: str, folds: tuple[str | None, ...] = PEOPLE, joint: bool = False, known: bool = True
) -> TrainedRun:
    """A run of random networks, one for each fold, which differ by their seeds."""
    config = tiny_config(part, *more)
    subjects = {
        fold: {"train": [p for p in PEOPLE if p != fold], "validation": [], "test": [fold] if fold else []}
        for fold in folds
    }

    def embedder(name: str, seed: int) -> TrainedEmbedder:
        torch.manual_seed(seed)
        settings = {**config.to_dict()["spatial"], "mean": list(MEAN), "std": list(STD)}
        network = build_frame_embedder(config.spatial, MEAN, STD)
        return TrainedEmbedder(name, network, settings, "pretrain-stage2", {"name": "faces"}, (), ("a difference",))

    def models() -> Iterator[TrainedModel]:
        for number, fold in enumerate(folds):
            torch.manual_seed(100 + number)
            network = build_pain_model(config.model, 2, config.clip.used_frames, 8, config.clip.heart_rates)
            network.eval()
            name, seed = (f"{part}-{number + 1:03}", number) if joint else ("spatial", 0)
            mine = embedder(name, seed) if config.model.uses_video else None
            yield TrainedModel(fold, network, mine, tuple(subjects[fold]["train"]), (), (fold,) if fold else (), 4)

    held_out = predictions()
    return TrainedRun(
        folder=Path("/maker/secret/runs/loso") / f"tiny-{part}",
        stage="finetune" if folds == (None,) else "loso",
        config=config,
        folds=subjects,
        embeddings={"weights": "abc"} if config.model.uses_video else None,
        models=models,
        started_from={"temporal": "untrained"},
        made_by={"commit": "c0ffee", "versions": {"painlit": "0.1.0", "torch": "2"}},
        figures=figures(held_out, config) if known else None,
        temperature=fit_temperature(held_out.labels, held_out.probabilities) if known else None,
    )
