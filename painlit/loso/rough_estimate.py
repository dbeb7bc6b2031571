"""Hours of runs for which nothing is prepared yet: steps are timed on random inputs of the right sizes."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from statistics import median

import torch
from torch.nn import functional

from painlit.config import Config
from painlit.loso.engines.local import fold_slots, gpu_count
from painlit.system.processes import cores
from painlit.weights.networks import build_pain_model

WARM_UP, STEPS = 1, 2
"""Steps that are not counted, and steps that are."""
CLIPS_ON_CPU = 4
"""Clips of a timed step without a GPU, where a step takes as much longer as it has more of them."""


@dataclass(frozen=True)
class Timed:
    """A training step of a run, timed."""

    seconds: float
    """Median of a step."""
    device: str
    """What it was timed on."""


def timed(config: Config) -> Timed:
    """Time steps of a run's model, on this machine's share of cores for a fold or on its GPU.

    `painlit.loso.dry_run` times a fold itself, and needs its prepared data.
    """
    gpus = gpu_count(config)
    threads = config.loso.threads or max(1, cores() // fold_slots(config, gpus, _folds(config, 2)))
    device = torch.device("cuda") if gpus else torch.device("cpu")
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        seconds = _steps(config, device)
    finally:
        torch.set_num_threads(before)
    return Timed(seconds, torch.cuda.get_device_name() if gpus else f"{threads} CPU threads a fold")


def hours_of_run(config: Config, step: Timed, subjects: int, clips: int) -> float:
    """Wall time in h of a run's folds, as many at once as configured, without starting and testing them.

    Args:
        config: The run's configuration.
        step: What `timed` found.
        subjects: Who are in the data.
        clips: Of all of them, of the task's classes.
    """
    folds = _folds(config, subjects)
    held_out = clips / max(folds, 2)
    steps = config.train.epochs * math.ceil((clips - held_out) / config.train.batch_size)
    rounds = math.ceil(folds / fold_slots(config, gpu_count(config), folds))
    return rounds * steps * step.seconds / 3600


def _folds(config: Config, subjects: int) -> int:
    protocol = config.loso.protocol
    return {"kfold": config.loso.folds, "split": 1, "holdout": 1}.get(protocol, subjects)


def _steps(config: Config, device: torch.device) -> float:
    clip, batch = config.clip, config.train.batch_size
    size = min(batch, CLIPS_ON_CPU) if device.type == "cpu" else batch
    model = build_pain_model(
        config.model, len(config.classes), clip.used_frames, config.spatial.embed_dim, clip.heart_rates
    )
    model = model.to(device).train()
    frames = torch.randn(2, size, clip.used_frames, config.spatial.embed_dim, device=device)
    inputs = {"full": frames[0], "tiles": frames[1]} if config.model.uses_video else {}
    if config.model.uses_heart_rate:
        inputs["bpm"] = 75 + 10 * torch.randn(size, clip.heart_rates, device=device)
    labels = torch.zeros(size, dtype=torch.long, device=device)
    optimiser = torch.optim.AdamW(model.parameters(), lr=config.train.lr)
    taken = []
    for _ in range(WARM_UP + STEPS):
        began = time.perf_counter()
        optimiser.zero_grad()
        functional.cross_entropy(model(**inputs), labels).backward()
        optimiser.step()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        taken.append(time.perf_counter() - began)
    return median(taken[WARM_UP:]) * batch / size
