"""What native training steps have in common."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import reduce
from typing import TypeVar

import torch
from torch import Tensor

from painlit.errors import PainlitError
from painlit.system.threads import dealt_out

_PARTS = 2
"""Of a batch for each thread: one that gets less of its core leaves more to the others. Where there are many threads it
is one, since each part has gradients of all weights, 10 MB of a Spatial-Module of the paper's size."""
_MANY = 8
_TOLERANCE = 1e-4
"""Largest difference from torch, in units of the root mean square of what is compared."""
Made = TypeVar("Made")


def in_threads(work: Callable[[slice], Made], samples: int) -> list[Made]:
    """Results for parts of a batch, in order."""
    threads = torch.get_num_threads()
    parts = torch.arange(samples).tensor_split(min(samples, threads * (_PARTS if threads < _MANY else 1)))
    return list(dealt_out(work, (slice(int(part[0]), int(part[-1]) + 1) for part in parts)))


def on_cpu_in_float32(given: Tensor, key: str) -> None:
    """Refuse what C++ does not read.

    Args:
        given: What it would read.
        key: Full key of the setting that asked for C++.

    Raises:
        PainlitError: It is elsewhere or of another type, or autocast would make it so.
    """
    dtype = torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else given.dtype
    if given.device.type != "cpu" or dtype != torch.float32:
        what = f"{key}=native computes on the CPU in 32 bits, not on {given.device} in {dtype}"
        raise PainlitError(what, f"set {key}=torch, or accelerator=cpu and precision=32-true beside it")


def summed(of_parts: Sequence[Sequence[Tensor]]) -> list[Tensor]:
    """Sum over parts of each of their gradients, into those of the first."""
    return [reduce(Tensor.add_, gradients) for gradients in zip(*of_parts, strict=True)]


class Compared:
    """Compares the first sample that C++ computes with torch.

    Args:
        what: What is compared, for errors.
        key: Full key of the setting that asked for C++, for errors.
    """

    def __init__(self, what: str, key: str):
        self._what, self._key = what, key
        self._done = False

    def __call__(self, made: Tensor, by_torch: Callable[[], Tensor]) -> None:
        """Compare, unless that was done.

        Args:
            made: (B, …), by C++.
            by_torch: Gives the first of them, (1, …).

        Raises:
            PainlitError: They differ. Where torch's is no number training tells that itself, and the next is compared.
        """
        if self._done or not len(made):
            return
        with torch.no_grad():
            expected = by_torch()[0]
            difference = float((made[0] - expected).abs().max() / expected.square().mean().sqrt())
            same = torch.equal(made[0], expected)  # such as zeros
        if not expected.isfinite().all():
            return
        if not same and not difference <= _TOLERANCE:
            what = f"{self._key}=native: {self._what} differs from torch's by {difference:.2g} of its size"
            raise PainlitError(f"{what}, and {_TOLERANCE:g} is tolerated", f"set {self._key}=torch")
        self._done = True


@contextmanager
def asked_for_by(key: str) -> Iterator[None]:
    """Name the setting in what is raised where C++ cannot be compiled."""
    try:
        yield
    except PainlitError as error:
        raise PainlitError(f"{key}=native: {error.what}", f"{error.remedy}, or set {key}=torch") from error
