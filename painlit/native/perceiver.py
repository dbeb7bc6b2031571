"""Training of what a Perceiver's latents exchange after they have read, by C++ of our own, forward and backward."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ctypes import Array, c_int, c_long
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from painlit.models.attention import FeedForward, SelfAttention
from painlit.models.perceiver import Perceiver
from painlit.native.library import compiled
from painlit.native.network import address, addresses, aligned
from painlit.native.parts import Compared, asked_for_by, in_threads, on_cpu_in_float32, summed

_WIDTH = 16
"""What C++ reads rows in multiples of (features.h)."""


class NativeExchange:
    """What latents that have read go through in the place of torch, as a `Perceiver`'s `exchange`.

    Samples are dealt out to threads. The same number of threads gives the same bits. The first sample is computed by
    torch too and compared.

    Args:
        perceiver: To be trained; with self-attention.
        key: Full key of the setting that asked for it, for errors.
    """

    def __init__(self, perceiver: Perceiver, key: str):
        self._perceiver, self._key = perceiver, key
        self._compared = Compared("a Perceiver's output", key)

    def __call__(self, latents: Tensor) -> Tensor:
        """Mean of the latents after all blocks.

        Args:
            latents: (B, M, latent_dim), float32 on the CPU.

        Returns:
            (B, latent_dim), with gradients.

        Raises:
            PainlitError: It runs on the CPU and in float32 alone; it cannot be compiled, or differs from torch.
        """
        on_cpu_in_float32(latents, self._key)
        weights = [aligned(weight) for weight in _weights_of(self._perceiver)]
        with asked_for_by(self._key):
            made: Tensor = _Exchanged.apply(_wide(latents, -1), _sizes_of(self._perceiver), *weights)
        made = made[:, : latents.shape[-1]]
        self._compared(made, lambda: self._perceiver.exchanged_by_torch(latents[:1]))
        return made


class _Exchanged(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, latents: Tensor, sizes: Array[c_int], *weights: Tensor) -> Tensor:
        library, latents = _library(), aligned(latents)
        tapes = latents.new_empty(len(latents), library.tape(sizes))
        made = latents.new_empty(len(latents), latents.shape[-1])
        transposed = _transposed(weights)  # lives as long as C++ reads it
        of_weights = addresses(weights), addresses(transposed)

        def exchange(part: slice) -> None:
            library.exchange(sizes, len(made[part]), *of_weights, *(address(x[part]) for x in (latents, tapes, made)))

        in_threads(exchange, len(latents))
        ctx.sizes, ctx.shape = sizes, latents.shape
        ctx.save_for_backward(tapes, *weights)
        return made

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, back: Tensor) -> tuple[Tensor | None, ...]:
        tapes, *weights = map(aligned, ctx.saved_tensors)
        library, sizes, back = _library(), ctx.sizes, aligned(back)
        given = back.new_empty(ctx.shape)
        transposed = _transposed(weights)  # lives as long as C++ reads it
        of_weights = addresses(weights), addresses(transposed)

        def differentiate(part: slice) -> list[Tensor]:
            made = [torch.zeros_like(weight) for weight in weights]
            of_part = [address(values[part]) for values in (tapes, back, given)]
            library.exchange_back(sizes, len(back[part]), *of_weights, *of_part, addresses(made))
            return made

        gradients = summed(in_threads(differentiate, len(back)))
        return given, None, *gradients


def _library() -> Any:
    library = compiled(Path(__file__).with_name("perceiver.cpp"))
    library.tape.restype = c_long
    return library


def _transposed(weights: Sequence[Tensor]) -> list[Tensor]:
    return [weight.mT.contiguous() if weight.ndim == 2 else weight for weight in weights]


def _sizes_of(perceiver: Perceiver) -> Array[c_int]:
    """As `Sizes` in perceiver.cpp."""
    attention = cast(SelfAttention, perceiver.self_attentions[0])
    hidden = cast(FeedForward, perceiver.feed_forwards[0]).to_output.in_features
    blocks = len(perceiver.self_attentions)
    return (c_int * 6)(*perceiver.latents.shape, attention.heads, attention.head_dim, hidden, blocks)


def _weights_of(perceiver: Perceiver) -> Iterator[Tensor]:
    """All behind the cross-attention, in the order in which C++ reads them, widened; with gradients."""
    for feed_forward, attention in zip(perceiver.feed_forwards, [*perceiver.self_attentions, None], strict=True):
        yield from _of_feed_forward(cast(FeedForward, feed_forward))
        if attention is not None:
            yield from _of_attention(cast(SelfAttention, attention))


def _of_feed_forward(layer: FeedForward) -> Iterator[Tensor]:
    for norm in (layer.norm.weight, layer.norm.bias):
        yield _wide(norm, 0)
    for up in (layer.to_hidden.weight, layer.to_hidden.bias):  # hidden values, then gates
        halves = _wide(up.unflatten(0, (2, -1)), 1).flatten(0, 1)
        yield _wide(halves, 1) if up.ndim == 2 else halves
    yield _wide(_wide(layer.to_output.weight, 0), 1)
    yield _wide(layer.to_output.bias, 0)


def _of_attention(layer: SelfAttention) -> Iterator[Tensor]:
    for norm in (layer.norm.weight, layer.norm.bias):
        yield _wide(norm, 0)
    into = torch.cat([layer.to_query.weight, layer.to_key_value.weight])
    yield _wide(_wide(into.unflatten(0, (-1, layer.head_dim)), 1).flatten(0, 1), 1)
    out = layer.to_output.weight.unflatten(1, (-1, layer.head_dim))
    yield _wide(_wide(out, 2).flatten(1), 0)
    yield _wide(layer.to_output.bias, 0)


def _wide(numbers: Tensor, dim: int) -> Tensor:
    """With zeros up to the width that C++ reads."""
    missing = -numbers.shape[dim] % _WIDTH
    if not missing:
        return numbers
    shape = list(numbers.shape)
    shape[dim] = missing
    return torch.cat([numbers, numbers.new_zeros(shape)], dim)
