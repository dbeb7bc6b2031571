"""Devices: which this machine has, and whether the configured one is among them."""

from __future__ import annotations

import torch

from painlit.errors import PainlitError


def check_accelerator(key: str, accelerator: str) -> None:
    """Refuse an accelerator that this machine lacks; `auto` and `cpu` are always there.

    Raises:
        PainlitError: There is none.
    """
    if accelerator in ("auto", "cpu"):
        return
    found = torch.accelerator.current_accelerator(check_available=True)
    wanted = {"gpu": ("cuda", "mps")}.get(accelerator, (accelerator,))
    if found is None or found.type not in wanted:
        raise PainlitError(
            f"{key}={accelerator}, and this machine has {found or 'no accelerator'}",
            f"set {key}=auto, which takes what there is",
        )


def pick_device(name: str) -> torch.device:
    """`auto` is the accelerator torch finds, else the CPU; any other name is taken if the machine has it.

    Raises:
        PainlitError: There is no such device.
    """
    if name == "auto":
        accelerator = torch.accelerator.current_accelerator(check_available=True)
        return accelerator if accelerator is not None else torch.device("cpu")
    try:
        return torch.empty(0, device=name).device
    except (RuntimeError, AssertionError) as error:  # torch built without that device asserts
        raise PainlitError(
            f"device {name!r} is not available: {str(error).splitlines()[0]}", "use auto or cpu"
        ) from error


def pick_devices(names: str) -> list[torch.device]:
    """Several devices: `auto` is every accelerator of this machine, else the CPU; or names with commas between.

    Raises:
        PainlitError: There is no such device.

    >>> pick_devices("cpu,cpu")
    [device(type='cpu'), device(type='cpu')]
    """
    accelerator = torch.accelerator.current_accelerator(check_available=True)
    if names == "auto" and accelerator is not None:
        return [torch.device(accelerator.type, index) for index in range(torch.accelerator.device_count())]
    return [pick_device(name) for name in names.split(",")]
