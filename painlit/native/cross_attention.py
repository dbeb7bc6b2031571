"""Training of a cross-attention to tokens of few features by C++ of our own, forward and backward."""

from __future__ import annotations

from ctypes import Array, c_int
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from painlit.models.attention import narrow_attention
from painlit.native.library import compiled
from painlit.native.network import address
from painlit.native.parts import Compared, asked_for_by, in_threads, on_cpu_in_float32, summed


class NativeGather:
    """What gathers tokens in the place of torch, as a `Perceiver`'s `gather`.

    Samples are dealt out to threads. No weights of all tokens are in memory: the backward pass forms them again. The
    first sample is computed by torch too and compared.

    Args:
        key: Full key of the setting that asked for it, for errors.
    """

    def __init__(self, key: str):
        self._key = key
        self._compared = Compared("a cross-attention", key)

    def __call__(self, query: Tensor, tokens: Tensor, places: Tensor) -> Tensor:
        """Mean of the normalised tokens n, weighted by softmax(query nᵀ).

        Args:
            query: (1, heads, M, size + p), the same for all samples; float32 on the CPU.
            tokens: (B, n, size).
            places: (n, p), features of the tokens' positions, which follow their values; it gets no gradient.

        Returns:
            (B, heads, M, size + p), with gradients.

        Raises:
            PainlitError: It runs on the CPU and in float32 alone; it cannot be compiled, or differs from torch.
        """
        on_cpu_in_float32(tokens, self._key)
        with asked_for_by(self._key):
            centred = _centred(query[0].flatten(0, 1)).contiguous()
            made: Tensor = _Gathered.apply(centred, tokens.contiguous(), places.contiguous())
        made = _centred(made).unflatten(1, query.shape[1:3])
        self._compared(made, lambda: _by_torch(query, tokens[:1], places))
        return made


def _centred(x: Tensor) -> Tensor:
    return x - x.mean(-1, keepdim=True)


def _by_torch(query: Tensor, tokens: Tensor, places: Tensor) -> Tensor:
    positioned = torch.cat([tokens, places.expand(len(tokens), -1, -1)], dim=-1)
    normalised = F.layer_norm(positioned, positioned.shape[-1:])[:, None].expand(-1, query.shape[1], -1, -1)
    return narrow_attention(query, normalised, normalised, scale=1.0)


class _Gathered(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, query: Tensor, tokens: Tensor, places: Tensor) -> Tensor:
        library, sizes = _library(), _sizes(query, tokens, places)
        made, levels = tokens.new_empty(len(tokens), *query.shape), tokens.new_empty(len(tokens), len(query))

        def attend(part: slice) -> None:
            given = address(query), address(tokens[part]), address(places)
            library.attend(sizes, len(tokens[part]), *given, address(made[part]), address(levels[part]))

        in_threads(attend, len(tokens))
        ctx.save_for_backward(query, tokens, places, made, levels)
        return made

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, back: Tensor) -> tuple[Tensor | None, ...]:
        query, tokens, places, made, levels = ctx.saved_tensors
        library, sizes, back = _library(), _sizes(query, tokens, places), back.contiguous()
        wanted = ctx.needs_input_grad[1]
        back_tokens = torch.zeros_like(tokens.mT, memory_format=torch.contiguous_format) if wanted else None

        def differentiate(part: slice) -> list[Tensor]:
            back_query = torch.zeros_like(query)
            given = address(query), address(tokens[part]), address(places)
            of_part = [address(values[part]) for values in (made, levels, back)]
            to = [address(back_query), None if back_tokens is None else address(back_tokens[part])]
            library.attend_back(sizes, len(tokens[part]), *given, *of_part, *to)
            return [back_query]

        (back_query,) = summed(in_threads(differentiate, len(tokens)))
        return back_query, None if back_tokens is None else back_tokens.mT, None


def _library() -> Any:
    return compiled(Path(__file__).with_name("cross_attention.cpp"))


def _sizes(query: Tensor, tokens: Tensor, places: Tensor) -> Array[c_int]:
    """As `Sizes` in cross_attention.cpp."""
    return (c_int * 4)(len(query), tokens.shape[2], places.shape[1], tokens.shape[1])
