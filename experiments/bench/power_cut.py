"""`make bench ARGS=power_cut`: does anything count as finished that a power cut would have lost? Needs Linux and root.

A process writes embeddings to an ext4 file system in a file. Copies of that file, taken meanwhile, are disks as power
cuts would leave them: they are repaired, mounted, and searched for finished clips.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from painlit.clips.embedding_cache import EmbeddingCache
from painlit.errors import PainlitError

SNAPSHOTS, CLIPS = 60, 3000
SETTINGS = {"frames": 138, "embed_dim": 20}
NAMES = [f"clip-{number}" for number in range(CLIPS)]


def row(number: int) -> np.ndarray:
    """The embeddings of a clip."""
    return np.random.default_rng(number).normal(size=(2, 138, 20)).astype(np.float16)


def write(folder: Path) -> None:
    """Write all clips, with a pause between them as a network would need."""
    cache = EmbeddingCache(folder, SETTINGS)
    cache.reserve(NAMES)
    for number, name in enumerate(NAMES):
        cache.write(name, row(number), source=number + 1)
        time.sleep(0.02)


def look(folder: Path) -> tuple[int, int, int]:
    """Clips that are finished, those of them with other values, and rows that are marked and have other values."""
    if not (folder / "cache.json").is_file():
        return 0, 0, 0
    try:
        cache = EmbeddingCache(folder, SETTINGS)
    except PainlitError:  # refused by name
        return 0, 0, 0
    finished = cache.finished({name: number + 1 for number, name in enumerate(NAMES)})
    values = np.fromfile(folder / "embeddings.f16", "<f2")[: CLIPS * row(0).size].reshape(-1, 2, 138, 20)
    marks = np.fromfile(folder / "rows.u64", "<u8")[: 2 * CLIPS].reshape(-1, 2)[:, 0]
    right = {NAMES[k] for k in range(min(len(values), len(marks))) if np.array_equal(values[k], row(k))}
    marked = {NAMES[k] for k in np.flatnonzero(marks)}
    return len(finished), len(finished - right), len(marked - right)


@contextmanager
def mounted(image: Path, place: Path) -> Iterator[Path]:
    """A file with a file system, mounted."""
    place.mkdir(exist_ok=True)
    subprocess.run(["mount", "-o", "loop", str(image), str(place)], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


def main() -> None:
    """With values synced before their row is marked, and as a control with values never synced."""
    for mode in ("synced", "unsynced"):
        take(mode)


def take(mode: str) -> None:
    """Take the snapshots and count."""
    generator = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as temporary:
        image, snapshots = Path(temporary) / "disk.img", list[Path]()
        subprocess.run(["truncate", "-s", "96M", str(image)], check=True)
        subprocess.run(["mkfs.ext4", "-q", str(image)], check=True)
        with mounted(image, Path(temporary) / "disk") as disk:
            command = [sys.executable, "-m", "experiments.bench.power_cut", mode, str(disk / "cache")]
            writer = subprocess.Popen(command)
            while writer.poll() is None and len(snapshots) < SNAPSHOTS:
                time.sleep(generator.uniform(0.1, 0.5))
                snapshots.append(Path(temporary) / f"{len(snapshots)}.img")
                subprocess.run(["cp", "--sparse=always", str(image), str(snapshots[-1])], check=True)
            writer.kill()
            writer.wait()
        found = []
        for snapshot in snapshots:
            subprocess.run(["e2fsck", "-fy", str(snapshot)], check=False, capture_output=True)
            with mounted(snapshot, Path(temporary) / "snapshot") as disk:
                found.append(look(disk / "cache"))
    finished, wrong, marked = np.array(found).T
    print(f"{mode}: {len(found)} snapshots, {finished.min()} to {finished.max()} of {CLIPS} clips finished")
    print(f"  finished with other values than were written: {wrong.sum()} in {(wrong > 0).sum()} snapshots")
    print(f"  marked, and recognised by their digest as unfinished: {marked.sum()} in {(marked > 0).sum()} snapshots")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        main()
    else:
        if sys.argv[1] == "unsynced":
            sync = os.fsync
            os.fsync = lambda fd: None if "embeddings.f16" in os.readlink(f"/proc/self/fd/{fd}") else sync(fd)
        write(Path(sys.argv[2]))
