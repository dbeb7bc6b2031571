"""Bundles whose scores depend on their inputs, so that a fault in an export shows; and what models make of them."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from inference_runs import trained_run

from data_modules.demo.portrait import faces
from painlit.inference.bundles.bundle import Bundle
from painlit.inference.bundles.temperature import apply_temperature
from painlit.inference.bundles.trained_run import TrainedModel, TrainedRun

SIDE, FRAMES, RATES = 64, 4, 3  # of `inference_runs.TINY`
CROPS = faces(2, SIDE)


def sharp_run(part: str, *more: str, joint: bool = False) -> TrainedRun:
    """As `trained_run`, with large logits about 0, and embeddings standardised by statistics that are not 0 and 1."""
    run = trained_run(part, *more, joint=joint)
    generator = torch.Generator().manual_seed(0)
    rows, bpm = torch.randn(2, 20, FRAMES, 8, generator=generator), 50 + 60 * torch.rand(20, RATES, generator=generator)

    def models() -> Iterator[TrainedModel]:
        for model in run.models():
            network: Any = model.network
            head = network.temporal.head
            if part != "heart_rate":
                network.set_embedding_statistics(torch.linspace(-0.5, 0.5, 8), torch.linspace(0.5, 2, 8))
            with torch.no_grad():
                logits = network(*rows, bpm) - head.bias
                factor = 2 / logits.std(0).mean()
                head.weight *= factor
                head.bias[:] = -factor * logits.mean(0)
            yield model

    return replace(run, models=models)


def windows(count: int, seed: int = 0) -> dict[str, np.ndarray]:
    """Faces and heart rates of some windows, and a person's own means, as a graph takes them."""
    generator = np.random.default_rng(seed)
    crops = faces(count * FRAMES, SIDE, seed).transpose(0, 3, 1, 2)
    return {
        "crops": np.ascontiguousarray(crops).reshape(count, FRAMES, 3, SIDE, SIDE),
        "bpm": generator.uniform(50, 110, (count, RATES)).astype(np.float32),
        "own_bpm": generator.uniform(60, 90, count).astype(np.float32),
    }


def chosen(given: dict[str, np.ndarray], *names: str) -> dict[str, np.ndarray]:
    """Those inputs alone."""
    return {name: given[name] for name in names}


def by_torch(bundle: Bundle, part: str, given: dict[str, np.ndarray]) -> np.ndarray:
    """Mean over the models of the calibrated probabilities, by the bundle's networks alone."""
    rows = []
    for model in bundle.models(part):
        inputs = {}
        if model.embedder:
            with torch.inference_mode():
                crops = torch.from_numpy(given["crops"]).flatten(0, 1)
                full, tiles = (
                    x.half().float().unflatten(0, (-1, FRAMES)) for x in bundle.embedder(model.embedder)(crops)
                )
            if (own := given.get(f"own {model.embedder}")) is not None:
                full, tiles = full - torch.from_numpy(own[:, None, :8]), tiles - torch.from_numpy(own[:, None, 8:])
            inputs = {"full": full, "tiles": tiles}
        if part != "video":
            bpm = given["bpm"]
            if bundle.config.data.baseline != "none":
                bpm = bpm - given["own_bpm"][:, None] + 75
            inputs["bpm"] = torch.from_numpy(bpm)
        with torch.inference_mode():
            rows.append(model.network(**inputs).softmax(-1).double().numpy())
    return apply_temperature(np.stack(rows), bundle.temperature(part)).mean(0)
