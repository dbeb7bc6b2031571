"""Faithfulness of a map: how the score changes when the places it marks are deleted, or inserted, first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from painlit.inference.maps.scores import Target, fixed_target, score
from painlit.models import PainModel

STEPS = 10
_NOTHING = 1e-5
"""A change of a score that is rounding: its curves would be of noise, and are NaN."""


@dataclass(frozen=True)
class Faithfulness:
    """Curves over the share of places that is taken away or given back (Petsiuk et al. 2018).

    The mean score of all items, 0 where everything is blank and 1 where it is whole.
    """

    shares: np.ndarray
    """(STEPS + 1,) from 0 to 1."""
    deletion: np.ndarray
    """Places taken away, the highest of the map first: the faster it falls, the better."""
    insertion: np.ndarray
    """Places given back, the highest first: the faster it rises, the better."""
    random: np.ndarray
    """Places given back in random order: what a map must beat."""

    def areas(self) -> dict[str, float]:
        """Under each curve."""
        return {
            name: float(np.trapezoid(getattr(self, name), self.shares)) for name in ("deletion", "insertion", "random")
        }


def mean_faithfulness(parts: Sequence[tuple[Faithfulness, int]]) -> Faithfulness:
    """Of several, each with its number of items."""
    counts = np.array([count for _, count in parts], float)
    means = {
        name: np.average([getattr(part, name) for part, _ in parts], axis=0, weights=counts)
        for name in ("shares", "deletion", "insertion", "random")
    }
    return Faithfulness(**means)


def spatial_faithfulness(model: nn.Module, images: Tensor, maps: Tensor, target: Target = None) -> Faithfulness:
    """Of maps of images: pixels are taken away by making them grey, the normalised value 0.

    Args:
        model: As of `spatial_map`.
        images: (B, 3, H, W).
        maps: (B, H, W), of `spatial_map`.
        target: As of `spatial_map`.
    """
    with torch.no_grad():
        target = fixed_target(target, model.eval()(images))

    def scores(masks: Tensor) -> Tensor:  # (B, H·W)
        return score(target, model(images * masks.view(len(images), 1, *images.shape[2:])))

    return _curves(scores, maps.flatten(1))


def temporal_faithfulness(
    model: PainModel, inputs: Mapping[str, Tensor], maps: Tensor, target: Target = None
) -> Faithfulness:
    """Of maps of clips: a value is taken away by giving it its mean over time.

    Args:
        model: As of `temporal_map`.
        inputs: As of `temporal_map`.
        maps: (B, F, D), of `temporal_map`.
        target: As of `temporal_map`.
    """
    with torch.no_grad():
        vector = model.eval().vector(**inputs)
        still = vector.view(maps.shape).mean(1, keepdim=True).expand_as(maps).flatten(1)
        target = fixed_target(target, model.temporal(vector))

    def scores(masks: Tensor) -> Tensor:  # (B, F·D)
        return score(target, model.temporal(torch.where(masks > 0, vector, still)))

    return _curves(scores, maps.flatten(1))


@torch.no_grad()
def _curves(scores: Callable[[Tensor], Tensor], maps: Tensor) -> Faithfulness:
    shares = torch.linspace(0, 1, STEPS + 1, device=maps.device)
    given_back = _ranks(maps)
    order = torch.rand(maps.shape, generator=torch.Generator().manual_seed(0)).to(maps.device)
    kept = {
        "deletion": [given_back >= share for share in shares],
        "insertion": [given_back < share for share in shares],
        "random": [_ranks(order) < share for share in shares],
    }
    means = {  # in float64, which not every accelerator knows
        name: [scores(mask.float()).cpu().double().mean().item() for mask in masks] for name, masks in kept.items()
    }
    blank, whole = means["insertion"][0], means["insertion"][-1]
    span = whole - blank if abs(whole - blank) > _NOTHING else np.nan
    scaled = {name: (np.array(values) - blank) / span for name, values in means.items()}
    return Faithfulness(shares.cpu().double().numpy(), **scaled)


def _ranks(maps: Tensor) -> Tensor:
    """The share of places that come before each, 0 for the highest, (B, places)."""
    order = maps.argsort(dim=1, descending=True, stable=True)
    places = torch.arange(maps.shape[1], device=maps.device) / maps.shape[1]
    return torch.empty_like(maps).scatter_(1, order, places.to(maps.dtype).expand_as(maps))
