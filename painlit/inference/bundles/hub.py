"""Bundles on the Hugging Face Hub, by the hub's own library."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import NamedTuple

from painlit.errors import PainlitError
from painlit.inference.bundles.files import SUFFIXES

SCHEME = "hf://"
_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*(@[\w./-]+)?")


class HubName(NamedTuple):
    """A model on the Hub."""

    repository: str
    """owner/name."""
    revision: str | None
    """Branch, tag or commit; None: the newest."""


def find_bundle(path: str | PathLike[str]) -> Path:
    """Where a bundle is on this machine; one on the Hub is downloaded into the hub's own cache.

    Args:
        path: A folder or a zip; or hf://owner/name, also with @revision; or owner/name alone, if neither it nor a
            folder `owner` is here.

    Raises:
        PainlitError: The Hub cannot be reached, or has no such model.
    """
    name = hub_name(os.fspath(path))
    if name is None:
        return Path(path)
    from huggingface_hub import snapshot_download

    kinds = [f"*{suffix}" for suffix in SUFFIXES]  # nothing else is ever fetched
    with named_hub_errors(name.repository, f"there is no folder or zip {os.fspath(path)} here, and "):
        return Path(snapshot_download(name.repository, revision=name.revision, allow_patterns=kinds))


def hub_name(path: str) -> HubName | None:
    """What a path names on the Hub; None: a file or folder.

    Raises:
        PainlitError: It begins with hf:// and names nothing.

    >>> hub_name("hf://lab/pain@v1"), hub_name("/runs/pain"), hub_name("study.zip")
    (HubName(repository='lab/pain', revision='v1'), None, None)
    """
    name = path.removeprefix(SCHEME)
    named = _NAME.fullmatch(name)
    if path.startswith(SCHEME):
        if not named:
            raise PainlitError(
                f"{path!r} names no model on the Hub", "write hf://owner/name, or hf://owner/name@revision"
            )
    elif not named or path.lower().endswith(".zip") or Path(path).exists() or Path(path).parent.exists():
        return None
    repository, _, revision = name.partition("@")
    return HubName(repository, revision or None)


@contextmanager
def named_hub_errors(repository: str, before: str = "") -> Iterator[None]:
    """Turns what the hub's library raises into an error that names the model and what to do."""
    from huggingface_hub import errors

    try:
        yield
    except (
        OSError,
        ValueError,
        errors.HTTPError,
    ) as error:  # refused names are ValueErrors
        lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
        raise PainlitError(
            f"{before}{repository} on the Hugging Face Hub cannot be reached: {lines[0]}",
            "check the name owner/name and the network; `hf auth login` lets you into private models",
        ) from error
