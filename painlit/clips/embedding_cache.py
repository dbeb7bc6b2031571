"""The embedding cache: per clip and frame, d_full and the sum of the four tile embeddings, memory-mapped float16.

    cache.json        settings that made it, and the names of the clips in row order
    embeddings.f16    (clips, 2, frames, D) little-endian float16: [:, 0] is d_full, [:, 1] the tiles' sum
    rows.u64          (clips,) a digest of each finished clip's face boxes; 0 while it is not finished

A row counts as finished when its digest is written, after the row itself, so a stopped run goes on where it was. The
settings hold a digest of the weights and everything else the numbers depend on: another Spatial-Module, crop rule or
image size is refused. A clip whose boxes changed is simply computed again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from painlit.config import Config, values_affecting
from painlit.errors import PainlitError
from painlit.runs.guard import refuse_changes
from painlit.system.files import named_disk_errors, read_json, write_json


def cache_settings(config: Config, weights: str, normalisation: Mapping[str, Any]) -> dict[str, Any]:
    """Everything besides the boxes that embeddings depend on.

    Args:
        config: Clips, crops and sizes.
        weights: Digest of the Spatial-Module's.
        normalisation: Its mean and std.
    """
    settings = values_affecting(config, "embed") | {f"spatial.{key}": normalisation[key] for key in ("mean", "std")}
    del settings["clip.frames"]  # null and 138 are the same
    sizes = {"frames": config.clip.used_frames, "embed_dim": config.spatial.embed_dim}
    return {"weights": weights, **sizes, **settings}


def boxes_digest(boxes: np.ndarray) -> int:
    """64 bits over the face boxes of a clip, never 0."""
    return int.from_bytes(hashlib.sha256(boxes.astype("<f4").tobytes()).digest()[:8], "little") | 1


class EmbeddingCache:
    """Embeddings of a data set.

    Args:
        folder: runs/embed/<name>.
        settings: What the numbers depend on, plain values. None reads the cache whatever made it.

    Raises:
        ChangedError: The cache there was made with other settings; each difference is named.
        PainlitError: With `settings=None`, there is no cache.
    """

    def __init__(self, folder: Path, settings: Mapping[str, Any] | None = None):
        self.folder = Path(folder)
        self._about = self.folder / "cache.json"
        if self._about.is_file():
            about = read_json(self._about)
            self.settings: dict[str, Any] = about["settings"]
            self.names: list[str] = about["clips"]
        elif settings is None:
            raise PainlitError(f"{self._about} does not exist", "run `make embed` with the same configuration first")
        else:
            self.settings, self.names = dict(settings), []
        if settings is not None:
            remedy = f"set them back, choose another embed.name, or delete {self.folder} to embed again"
            refuse_changes(self.folder, self.settings, settings, remedy)
        self.shape = (2, int(self.settings["frames"]), int(self.settings["embed_dim"]))
        self._row = {name: row for row, name in enumerate(self.names)}

    def reserve(self, clips: Sequence[str]) -> None:
        """Make room for clips that have no row yet. Existing rows stay where they are."""
        if not self._whole():  # rows of which nobody knows what they are, or that are gone
            self._digests.unlink(missing_ok=True)
        self.names += [name for name in clips if name not in self._row]
        self._row = {name: row for row, name in enumerate(self.names)}
        self.folder.mkdir(parents=True, exist_ok=True)
        for path, width in ((self._values, self._bytes), (self._digests, 8)):
            with named_disk_errors(path), open(path, "ab") as handle:
                handle.truncate(len(self.names) * width)
        write_json(self._about, {"settings": self.settings, "clips": self.names})

    def finished(self, digests: Mapping[str, int]) -> set[str]:
        """The clips whose row is there and was made with these boxes.

        Args:
            digests: Clip name -> `boxes_digest` of its boxes now.
        """
        if not self._whole():
            return set()
        rows = np.fromfile(self._digests, "<u8")
        return {
            n for n, d in digests.items() if n in self._row and self._row[n] < len(rows) and rows[self._row[n]] == d
        }

    def _whole(self) -> bool:
        """Whether all three files are there, and the values as long as the list of clips says."""
        if not (self._about.is_file() and self._digests.is_file() and self._values.is_file()):
            return False
        return self._values.stat().st_size >= len(read_json(self._about)["clips"]) * self._bytes

    def write(self, name: str, embeddings: np.ndarray, digest: int) -> None:
        """Write a clip's row, (2, frames, D), and then mark it finished."""
        if embeddings.shape != self.shape:
            raise ValueError(f"row of {name} must be {self.shape}, got {embeddings.shape}")
        row = self._row[name]
        for path, width, data in (
            (self._digests, 8, np.zeros(1, "<u8")),
            (self._values, self._bytes, embeddings.astype("<f2")),
            (self._digests, 8, np.array([digest], "<u8")),
        ):
            with named_disk_errors(path), open(path, "r+b") as handle:
                handle.seek(row * width)
                handle.write(data.tobytes())

    def values(self) -> np.ndarray:
        """All rows, (clips, 2, frames, D) float16, mapped from disk."""
        return np.memmap(self._values, "<f2", mode="r", shape=(len(self.names), *self.shape))

    def rows(self, names: Sequence[str]) -> np.ndarray:
        """Row numbers of clips, (n,)."""
        return np.array([self._row[name] for name in names], dtype=np.int64)

    def fingerprint(self, names: Sequence[str]) -> str:
        """SHA-256 over the settings and the boxes behind these clips' rows."""
        rows = np.fromfile(self._digests, "<u8")[self.rows(names)]
        return hashlib.sha256(json.dumps(self.settings, sort_keys=True).encode() + rows.tobytes()).hexdigest()

    @property
    def _values(self) -> Path:
        return self.folder / "embeddings.f16"

    @property
    def _digests(self) -> Path:
        return self.folder / "rows.u64"

    @property
    def _bytes(self) -> int:
        return 2 * int(np.prod(self.shape))
