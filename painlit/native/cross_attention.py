"""Training of a cross-attention to tokens of few features by C++ of our own, forward and backward."""

from __future__ import annotations

from ctypes import Array, c_int
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from painlit.models.attention import narrow_attention
from painlit.native.library import compiled
from painlit.native.network import address
from painlit.native.parts import Compared, asked_for_by, in_threads, on_cpu_in_float32, summed


class NativeGather:
    """What gathers tokens in the place of torch, as a `FoldedCrossAttention`'s `gather`.

    Samples are dealt out to threads. No weights of all tokens are in memory: the backward pass forms them again. The
    first sample is computed by torch too and compared.

    Args:
        key: Full key of the setting that asked for it, for errors.
    """

    def __init__(self, key: str):
        self._key = key
        self._compared = Compared("a cross-attention", key)

    def __call__(self, query: Tensor, tokens: Tensor) -> Tensor:
        """Mean of the tokens, weighted by softmax(query tokenᵀ).

        Args:
            query: (1, heads, M, features), the same for all samples; float32 on the CPU.
            tokens: (B, 1, n, features).

        Returns:
            (B, heads, M, features), with gradients.

        Raises:
            PainlitError: It runs on the CPU and in float32 alone; it cannot be compiled, or differs from torch.
        """
        on_cpu_in_float32(tokens, self._key)
        with asked_for_by(self._key):
            made: Tensor = _Gathered.apply(query[0].flatten(0, 1).contiguous(), tokens[:, 0].contiguous())
        made = made.unflatten(1, query.shape[1:3])
        first = tokens[:1].expand(-1, query.shape[1], -1, -1)
        self._compared(made, lambda: narrow_attention(query, first, first, scale=1.0))
        return made


class _Gathered(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, query: Tensor, tokens: Tensor) -> Tensor:
        library, sizes = _library(), _sizes(query, tokens)
        made, levels = tokens.new_empty(len(tokens), *query.shape), tokens.new_empty(len(tokens), len(query))

        def attend(part: slice) -> None:
            of_part = [address(values[part]) for values in (tokens, made, levels)]
            library.attend(sizes, len(tokens[part]), address(query), *of_part)

        in_threads(attend, len(tokens))
        ctx.save_for_backward(query, tokens, made, levels)
        return made

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, back: Tensor) -> tuple[Tensor, Tensor | None]:
        query, tokens, made, levels = ctx.saved_tensors
        library, sizes, back = _library(), _sizes(query, tokens), back.contiguous()
        wanted = ctx.needs_input_grad[1]
        back_tokens = torch.zeros_like(tokens.mT, memory_format=torch.contiguous_format) if wanted else None

        def differentiate(part: slice) -> list[Tensor]:
            back_query = torch.zeros_like(query)
            of_part = [address(values[part]) for values in (tokens, made, levels, back)]
            to = [address(back_query), None if back_tokens is None else address(back_tokens[part])]
            library.attend_back(sizes, len(tokens[part]), address(query), *of_part, *to)
            return [back_query]

        (back_query,) = summed(in_threads(differentiate, len(tokens)))
        return back_query, None if back_tokens is None else back_tokens.mT


def _library() -> Any:
    return compiled(Path(__file__).with_name("cross_attention.cpp"))


def _sizes(query: Tensor, tokens: Tensor) -> Array[c_int]:
    return (c_int * 3)(*query.shape, tokens.shape[1])
