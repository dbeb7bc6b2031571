"""Packages that exports need and assessments do not."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from painlit.errors import PainlitError

EXTRA = "pip install 'painlit[export]'"


def needed(package: str, purpose: str) -> Any:
    """A package, imported.

    Raises:
        PainlitError: It is not installed; the command that does is named.
    """
    try:
        return import_module(package)
    except ImportError as error:
        raise PainlitError(
            f"{purpose} needs the package {package}, which cannot be imported: {error}", EXTRA
        ) from error
