"""Beats of a collection, cut once: one file a record, under runs/heartbeats/<collection>/."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_modules.heartbeats.source import HeartbeatSource, RecordBeats
from painlit.errors import PainlitError, some
from painlit.images.build_index import UNREADABLE_ALLOWED
from painlit.system.csv_files import write_csv
from painlit.system.digests import digest
from painlit.system.files import atomic_path, waiting_lock
from painlit.system.progress import progress_bar

VERSION = 2  # 1: PTB's R peaks were found by other decisions
"""Of how beats are cut; another number makes all caches stale."""


@dataclass(frozen=True)
class Collection:
    """All beats of a collection.

    Attributes:
        name: Such as mitbih.
        classes: In label order.
        records: Names.
        beats: (n, 187) float32 in 0..1.
        labels: (n,) class of each beat.
        record: (n,) position in `records` of each.
        skipped: Why beats were left out -> how many.
        content: Digest of beats, labels and records.
    """

    name: str
    classes: tuple[str, ...]
    records: list[str]
    beats: NDArray[np.float32]
    labels: NDArray[np.int64]
    record: NDArray[np.int64]
    skipped: dict[str, int]
    content: str


def open_collection(source: HeartbeatSource, folder: Path) -> Collection:
    """Read a collection, cutting the records that have no fresh file in the cache.

    A stopped call goes on where it was. Writes `problems.csv` with every beat and record left out.

    Args:
        source: The collection.
        folder: runs/heartbeats.

    Raises:
        PainlitError: More than 1 % of the records cannot be read or used; all good ones are kept in the cache.
    """
    names = source.records()
    cache = folder / source.name
    parts: list[RecordBeats] = []
    failures: dict[str, PainlitError] = {}
    with waiting_lock(cache):
        fresh = [_cached(cache, source, name) for name in names]
        missing = sum(part is None for part in fresh)
        if missing:
            with progress_bar(f"cut {source.name}", total=len(names), done=len(names) - missing) as advance:
                for k, name in enumerate(names):
                    if fresh[k] is None:
                        try:
                            fresh[k] = _cut(cache, source, name)
                        except PainlitError as error:
                            failures[name] = error
                        advance()
        if failures:
            examples = some([f"{error.what} ({error.remedy})" for error in failures.values()], 3, "; ")
            what = f"{len(failures)} of {len(names)} records of {source.name} cannot be used: {examples}"
            if len(failures) > UNREADABLE_ALLOWED * len(names):
                rule = "the others are cut and kept, and up to 1 % would be skipped"
                raise PainlitError(what, f"mend them, or leave them out: ecg.leave_out=[…]; {rule}")
            print(f"{what}\n  -> left out of this run; mend them to have them again")
        names = [name for name in names if name not in failures]
        parts = [part for part in fresh if part is not None]
        if missing:
            _write_problems(cache / "problems.csv", names, parts, failures)
    return _joined(source, names, parts)


def _joined(source: HeartbeatSource, names: list[str], parts: list[RecordBeats]) -> Collection:
    beats = np.concatenate([part.beats for part in parts])
    labels = np.concatenate([part.labels for part in parts])
    record = np.repeat(np.arange(len(parts)), [len(part.labels) for part in parts])
    skipped: dict[str, int] = {}
    for part in parts:
        for why, where in part.skipped.items():
            skipped[why] = skipped.get(why, 0) + len(where)
    content = digest([source.name, names, beats, labels, record])[:16]
    return Collection(source.name, source.classes, names, beats, labels, record, skipped, content)


def _stamp(source: HeartbeatSource, name: str) -> str:
    """Changes with the record's files and with how they are cut."""
    files = [[f.name, f.stat().st_size, f.stat().st_mtime_ns] for f in source.files(name) if f.is_file()]
    return json.dumps([VERSION, str(source.root.resolve()), source.settings, files])


def _path(cache: Path, name: str) -> Path:
    return cache / f"{name.replace('/', '_')}.npz"


def _cached(cache: Path, source: HeartbeatSource, name: str) -> RecordBeats | None:
    path = _path(cache, name)
    if not path.is_file():
        return None
    try:
        with np.load(path, allow_pickle=False) as held:
            about: dict[str, Any] = json.loads(str(held["about"]))
            if about["stamp"] != _stamp(source, name):
                return None
            part = RecordBeats(held["beats"], held["labels"].astype(np.int64), about["skipped"])
            return part if about["content"] == _content(part) else None
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile):  # damaged: cut again
        return None


def _cut(cache: Path, source: HeartbeatSource, name: str) -> RecordBeats:
    stamp = _stamp(source, name)
    part = source.read(name)
    about = json.dumps({"stamp": stamp, "skipped": part.skipped, "content": _content(part)})
    content = io.BytesIO()
    np.savez(content, beats=part.beats, labels=part.labels, about=np.array(about))
    with atomic_path(_path(cache, name)) as temporary:
        temporary.write_bytes(content.getbuffer())
    return part


def _content(part: RecordBeats) -> str:
    return digest([part.beats, part.labels.astype(np.int64), part.skipped])


def _write_problems(
    path: Path, names: list[str], parts: list[RecordBeats], failures: Mapping[str, PainlitError]
) -> None:
    records = ((name, "all of it", error.what) for name, error in failures.items())
    left_out = (
        (name, where, why)
        for name, part in zip(names, parts, strict=True)
        for why, places in part.skipped.items()
        for where in places
    )
    write_csv(path, [("record", "where", "why it was left out"), *records, *left_out])
