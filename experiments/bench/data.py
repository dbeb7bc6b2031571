"""What the benchmarks share: the real data beside the project, where their runs lie, and their arguments."""

import sys
from pathlib import Path
from typing import TypeVar

from painlit.errors import PainlitError

DATA = Path(__file__).parents[2] / "../shared/data"
"""Beside the project."""
RUNS = Path("runs/bench")
Size = TypeVar("Size")


def real_data(name: str = ".") -> Path:
    """A folder of the real data.

    Raises:
        PainlitError: It is not there.
    """
    folder = DATA / name
    if not folder.is_dir():
        raise PainlitError(f"{folder}: no such folder", "this benchmark needs the real data beside the project")
    return folder


def given() -> list[str]:
    """The `key=value` arguments of the command, which reach the configuration."""
    return [argument for argument in sys.argv[1:] if "=" in argument and argument[0] != "-"]


def is_quick() -> bool:
    """Whether the command has --quick."""
    return "--quick" in sys.argv


def sized(usual: Size, quick: Size) -> Size:
    """A number of rounds or a size, with --quick another."""
    return quick if is_quick() else usual
