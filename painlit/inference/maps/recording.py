"""Forward passes that are given what enters a stream, and that keep attention weights."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from itertools import chain
from typing import NamedTuple, TypeVar

import torch
from einops import rearrange
from torch import Tensor, nn

from painlit.models import SpatialModule
from painlit.models.attention import FoldedCrossAttention

Network = TypeVar("Network", bound=nn.Module)


class OuterAttention(NamedTuple):
    """Attention of a block of the outer stream; the class token is first."""

    weights: Tensor
    """(B, heads, 1 + p, 1 + p), each row summing to 1."""
    values: Tensor
    """(B, heads, 1 + p, features)."""


PATCH, SUB_PATCH = "patch", "sub_patch"
"""Where a stream is entered: the outer one by patches, the inner one by sub-patches."""


def entering(spatial: SpatialModule, images: Tensor, level: str) -> list[Tensor]:
    """All that images give to a stream.

    Args:
        spatial: The Spatial-Module.
        images: (B, 3, H, W), normalised.
        level: patch or sub_patch.

    Returns:
        patch: the first embedding of each patch and each block's update, (B, p, D) each; sub_patch: what enters the
        inner stream, (B·p, sub-patches, inner_dim).
    """
    pixels = spatial.pixels(spatial.patches(images))
    return [pixels] if level == SUB_PATCH else _by_image(spatial.inner_stream(pixels), len(images))


def grey_entering(spatial: SpatialModule, images: Tensor, level: str) -> list[Tensor]:
    """What a grey image, the normalised value 0, gives: one row of `entering`, since its patches are all the same."""
    return [part[:1] for part in entering(spatial, torch.zeros_like(images[:1]), level)]


def own_copy(network: Network) -> Network:
    """A copy in eval mode, on the same weights; what is changed in its passes, no other thread's use of them meets."""
    return deepcopy(network, {id(tensor): tensor for tensor in chain(network.parameters(), network.buffers())}).eval()


@contextmanager
def entered(spatial: SpatialModule, given: list[Tensor], level: str) -> Iterator[list[OuterAttention]]:
    """Within, a Spatial-Module reads what is given in place of what its images would give.

    Args:
        spatial: The Spatial-Module.
        given: As of `entering`.
        level: Likewise.

    Yields:
        A list that the attention of the outer stream is added to, a block each.
    """
    attentions: list[OuterAttention] = []

    def kernel(query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
        attentions.append(OuterAttention((query @ key.transpose(-1, -2) * scale).softmax(-1), value))
        return attentions[-1].weights @ value

    def forward(images: Tensor) -> Tensor:
        parts = _by_image(spatial.inner_stream(given[0]), len(images)) if level == SUB_PATCH else given
        return spatial.outer_stream(parts[0], parts[1:], kernel)

    spatial.forward = forward  # type: ignore[method-assign]
    try:
        yield attentions
    finally:
        del spatial.forward


def _by_image(parts: list[Tensor], images: int) -> list[Tensor]:
    return [rearrange(part, "(b p) d -> b p d", b=images) for part in parts]


class Reading(NamedTuple):
    """How latents read tokens."""

    weights: Tensor
    """(B, heads, M, n), each row summing to 1."""
    tokens: Tensor
    """(B, 1, n, features): normalised tokens, their values first and the features of their positions last."""
    gathered: Tensor
    """(B, heads, M, features): means of the tokens, by these weights."""


@contextmanager
def recorded_readings(attention: FoldedCrossAttention) -> Iterator[list[Reading]]:
    """Within, each call of a cross-attention keeps how it read; it returns the same."""
    readings: list[Reading] = []

    def gathered(latents: Tensor, tokens: Tensor) -> Tensor:
        normalised = attention.normalised(tokens)
        query = attention.folded_query(latents).expand(len(tokens), -1, -1, -1)
        weights = (query @ normalised.transpose(-1, -2)).softmax(-1)
        readings.append(Reading(weights, normalised, weights @ normalised))
        return rearrange(readings[-1].gathered, "b h m f -> b m (h f)")

    attention.gathered = gathered  # type: ignore[method-assign]
    try:
        yield readings
    finally:
        del attention.gathered
