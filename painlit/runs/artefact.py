"""Artefacts: content, what it was made from, and a digest of both, written and opened here.

A JSON file carries its seal inside. Larger files (weights, predictions, arrays) lie beside one that holds their digest,
checkpoints carry theirs, and rows of the clip table and of the embedding cache have one each. Whatever is cut short,
edited, swapped or of another version is refused by name.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from painlit.config import values_before
from painlit.errors import PainlitError
from painlit.system.digests import digest
from painlit.system.files import read_json, write_json

SEAL = "seal"
"""Key of a JSON artefact and of a checkpoint that holds the two digests."""


class DamagedError(PainlitError):
    """An artefact is not what was written."""


class ChangedError(PainlitError):
    """Existing work was made with other settings, data, weights or code."""


def seal(content: Mapping[str, Any], made_from: Any = None) -> dict[str, Any]:
    """The content with its seal.

    Args:
        content: Plain values, and tensors in a checkpoint.
        made_from: What it depends on; a reader may require the same.
    """
    content = {key: value for key, value in content.items() if key != SEAL}
    return {**content, SEAL: {"content": digest(content), "made_from": digest(made_from)}}


def unseal(path: Path, sealed: Any, remedy: str, made_from: Any = None) -> dict[str, Any]:
    """The content without its seal, if it is what was sealed.

    Args:
        path: Where it was read, for the error.
        sealed: What `seal` gave, as it was read.
        remedy: What to do if it is something else.
        made_from: What it must have been made from; None takes any.

    Raises:
        DamagedError: It was cut short, edited or swapped, or an earlier version wrote it.
    """
    if not isinstance(sealed, Mapping) or not isinstance(digests := sealed.get(SEAL), Mapping):
        raise DamagedError(f"{path} has no seal: it was edited, or an earlier version wrote it", remedy)
    content = {key: value for key, value in sealed.items() if key != SEAL}
    if digests.get("content") != digest(content):
        raise DamagedError(f"{path} is not what was written: it was cut short or edited", remedy)
    if made_from is not None and digests.get("made_from") != digest(made_from):
        raise DamagedError(f"{path} was made from something else: it belongs to another run or fold", remedy)
    return content


def write_artefact(path: Path, content: Mapping[str, Any], made_from: Any = None) -> None:
    """Write a JSON artefact, whole or not at all; see `seal`."""
    write_json(path, seal(json.loads(json.dumps(content, allow_nan=False)), made_from))


def read_artefact(path: Path, remedy: str, made_from: Any = None) -> dict[str, Any]:
    """Read a JSON artefact; see `unseal`.

    Raises:
        DamagedError: It is not what was written, or not from `made_from`.
        PainlitError: It is no JSON.
    """
    return unseal(path, read_json(path), remedy, made_from)


def check_digest(path: Path, written: Any, found: Any, remedy: str) -> None:
    """Refuse a file whose digest is another than that of when it was written.

    Raises:
        DamagedError: They differ.
    """
    if written != found:
        raise DamagedError(f"{path} is not what was written: it was cut short, edited or swapped", remedy)


def refuse_changes(
    what: Path, before: Mapping[str, Any], now: Mapping[str, Any], remedy: str, accept: tuple[str, ...] = ()
) -> None:
    """Refuse work that was made differently.

    Args:
        what: The folder or file that holds it.
        before: What it was made with. A setting that it does not record counts as what older work was made with, where
            the schema has that (`painlit.config.affects.before`).
        now: What would be made now.
        remedy: What to do about it.
        accept: Keys that may differ.

    Raises:
        ChangedError: They differ; each key is named with both values.
    """
    before = values_before(now) | dict(before)
    changed = [
        f"{key} was {before.get(key)!r} and is now {now.get(key)!r}"
        for key in sorted({*before, *now} - {*accept})
        if before.get(key) != now.get(key)
    ]
    if changed:
        raise ChangedError(f"{what} was made differently: {'; '.join(changed)}", remedy)
