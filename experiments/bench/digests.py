"""`make bench ARGS=digests`: what identifying everything by digests costs, at the paper's scale.

8,700 clips (BioVid Part A) in a clip table and an embedding cache, and 3.31 million image files (VGGFace2) in 9,131
folders, all made for this and deleted again; ARGS="digests images=100000" makes fewer files.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from data_modules.photographs.image_lists import stamp_of
from data_modules.recordings.preparation import refuse_replaced
from experiments.bench.data import given
from experiments.bench.timing import seconds
from painlit.clips.clip import WHOLE, Clip
from painlit.clips.embedding_cache import EmbeddingCache
from painlit.clips.table import ClipTable, PreparedClip
from painlit.images.index import FIELDS, ImageIndex, write_index
from painlit.system.digests import FileState

CLIPS, IMAGES, IDENTITIES = 8_700, 3_310_000, 9_131


def main() -> None:
    """Print seconds of each check."""
    images = int(dict(a.split("=", 1) for a in given()).get("images", IMAGES))
    with tempfile.TemporaryDirectory() as folder:
        _clips(Path(folder))
        _images(Path(folder), images)


def _clips(folder: Path) -> None:
    generator = np.random.default_rng(0)
    boxes, bpm = generator.uniform(0, 600, (138, 4)).astype(np.float32), generator.uniform(60, 90, 5)
    clips, files = [], []
    for number in range(CLIPS):
        paths = [folder / f"{number}.{kind}" for kind in ("mp4", "csv")]
        for path in paths:
            path.write_bytes(bytes([number % 251]) * 1000)
        clips.append(Clip(f"clip-{number:05}", f"subject-{number // 100}", "NP", video=paths[0], ecg=paths[1]))
        files.append((FileState.of(paths[0]), FileState.of(paths[1])))
    table = ClipTable(folder / "clips.sqlite", {})
    prepared = {
        clip.name: PreparedClip(
            clip.name, WHOLE, video, boxes, np.ones(138, bool), signal_file=signal, bpm=bpm, ecg_quality=0.5
        )
        for clip, (video, signal) in zip(clips, files, strict=True)
    }
    for row in prepared.values():
        table.add(row)
    cache = EmbeddingCache(folder / "embed", {"frames": 138, "embed_dim": 100})
    cache.reserve(list(prepared))
    values = generator.normal(size=(2, 138, 100)).astype(np.float32)
    sources = {name: row.video_source for name, row in prepared.items()}

    def write() -> None:
        for name, source in sources.items():
            cache.write(name, values, source)

    written = seconds(write)
    print(f"{CLIPS:,} clips:\n  embeddings written and synced: {written:.1f} s, {1000 * written / CLIPS:.1f} ms each")
    print(f"  clip table read and compared: {seconds(table.clips):.2f} s")
    print(f"  recordings by size and time: {seconds(lambda: refuse_replaced(clips, prepared, True, True)):.2f} s")
    print(f"  what embeddings are made from: {seconds(lambda: [r.video_source for r in prepared.values()]):.2f} s")
    megabytes = CLIPS * values.size * 2 / 1e6
    print(f"  embeddings read and compared ({megabytes:.0f} MB): {seconds(lambda: cache.finished(sources)):.2f} s")


def _images(folder: Path, images: int) -> None:
    folders = [f"n{identity:06}" for identity in range(IDENTITIES)]
    for name in folders:
        (folder / "train" / name).mkdir(parents=True)
    for number in range(images):
        with open(folder / "train" / folders[number % IDENTITIES] / f"{number}.jpg", "wb"):
            pass
    print(f"{images:,} images in {IDENTITIES:,} folders:")
    print(f"  names, sizes and times of all: {seconds(lambda: stamp_of(folder / 'train', (), folders)):.1f} s")
    arrays = {name: np.zeros((images, 4) if name == "boxes" else images, dtype) for name, dtype in FIELDS.items()}
    arrays["paths"] = np.zeros(20 * images, np.uint8)
    write_index(folder / "index", {"name": "bench"}, arrays)
    print(f"  index opened and compared: {seconds(lambda: ImageIndex(folder / 'index')):.2f} s")
