"""What native training steps have in common."""

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor

from painlit.errors import PainlitError
from painlit.system.threads import dealt_out

_PARTS = 2
"""Of a batch for each thread: one that gets less of its core leaves more to the others. Where there are many threads it
is one, since each part has gradients of all weights, 10 MB of a Spatial-Module of the paper's size."""
_MANY = 8
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
