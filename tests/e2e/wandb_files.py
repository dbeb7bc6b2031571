"""What Weights & Biases would send of an offline run, read from its .wandb file."""

import json
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from wandb.proto import wandb_internal_pb2

BLOCK, HEADER, WHOLE, LAST = 32768, 7, 1, 4


def records(path: Path) -> Iterator[Any]:
    """Its records: LevelDB's log format, a header of 7 bytes first (wandb 0.31 has no reader in Python)."""
    data, at, parts = path.read_bytes(), HEADER, b""
    while at + HEADER <= len(data):
        if BLOCK - at % BLOCK < HEADER:
            at += BLOCK - at % BLOCK
            continue
        _, size, kind = struct.unpack("<IHB", data[at : at + HEADER])
        if at + HEADER + size > len(data):  # still being written
            return
        parts += data[at + HEADER : at + HEADER + size]
        at += HEADER + size
        if kind in (WHOLE, LAST):
            yield wandb_internal_pb2.Record.FromString(parts)
            parts = b""


def offline_file(folder: Path) -> Path:
    """The one file of a run's folder, when it is whole: another process writes it, and may end after ours has."""
    (path,) = folder.glob("wandb/offline-run-*/*.wandb")
    end = time.monotonic() + 60
    while not any(record.HasField("exit") for record in records(path)):
        assert time.monotonic() < end, f"{path} has no end"
        time.sleep(0.1)
    return path


def history(folder: Path) -> list[dict[str, Any]]:
    """What was logged, in its order, with `_step`."""
    rows = [r.history for r in records(offline_file(folder)) if r.HasField("history")]
    return [{"/".join(i.nested_key) or i.key: json.loads(i.value_json) for i in row.item} for row in rows]


def config(folder: Path) -> dict[str, Any]:
    """The configuration, and how often each key of it was sent."""
    sent: dict[str, Any] = {}
    for record in records(offline_file(folder)):
        for update in (record.run.config if record.HasField("run") else record.config).update:
            key = update.key or "/".join(update.nested_key)
            assert key == "_wandb" or key not in sent, f"{key} is logged twice"
            sent[key] = json.loads(update.value_json)
    del sent["_wandb"]
    return sent


def summary(folder: Path) -> dict[str, Any]:
    """The last value of each summary number."""
    items = (u for r in records(offline_file(folder)) if r.HasField("summary") for u in r.summary.update)
    return {item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in items}


def artifacts(folder: Path) -> dict[str, list[str]]:
    """Type -> names of its files."""
    found = (r.request.log_artifact.artifact for r in records(offline_file(folder)) if r.HasField("request"))
    logged = [r.artifact for r in records(offline_file(folder)) if r.HasField("artifact")] + [
        a for a in found if a.type
    ]
    return {artifact.type: sorted(entry.path for entry in artifact.manifest.contents) for artifact in logged}
