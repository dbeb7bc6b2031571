"""The embedding cache: per clip and frame, d_full and the sum of the four tile embeddings, memory-mapped float16.

    cache.json        settings that made it, and the names of the clips in row order
    embeddings.f16    (clips, 2, frames, D) little-endian float16: [:, 0] is d_full, [:, 1] the tiles' sum
    rows.u64          (clips, 2) digests of what each finished row was made from (video, face boxes) and of its values

A row is finished when its digests are written, after its values are on the disk, and only while they hold: a stopped
run goes on where it was, and a row damaged by a power cut or a bad disk is computed again. The settings hold a digest
of the weights and everything else the numbers depend on: another Spatial-Module, crop rule or image size is refused.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from painlit.config import Config, values_affecting
from painlit.errors import PainlitError
from painlit.runs.artefact import read_artefact, refuse_changes, write_artefact
from painlit.system.digests import digest
from painlit.system.files import named_disk_errors


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
        self._about, self._values = self.folder / "cache.json", self.folder / "embeddings.f16"
        self._digests = self.folder / "rows.u64"
        if self._about.is_file():
            about = read_artefact(self._about, f"delete {self.folder} and run `make embed` again")
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
        self._bytes = 2 * int(np.prod(self.shape))  # of a row
        self._row = {name: row for row, name in enumerate(self.names)}

    def reserve(self, clips: Sequence[str]) -> None:
        """Make room for clips that have no row yet. Existing rows stay where they are."""
        if not self._complete():  # rows of unknown origin, or missing ones
            self._digests.unlink(missing_ok=True)
        self.names += [name for name in clips if name not in self._row]
        self._row = {name: row for row, name in enumerate(self.names)}
        self.folder.mkdir(parents=True, exist_ok=True)
        for path, width in ((self._values, self._bytes), (self._digests, 16)):
            with named_disk_errors(path), open(path, "ab") as handle:
                handle.truncate(len(self.names) * width)
        write_artefact(self._about, {"settings": self.settings, "clips": self.names})

    def finished(self, sources: Mapping[str, int]) -> set[str]:
        """The clips whose row exists, was made from this, and has the values that were written.

        Args:
            sources: Clip name -> its `PreparedClip.video_source` now.
        """
        if not self._complete():
            return set()
        digests, values = self._row_digests(), self.values()
        held = {name: self._row[name] for name in sources if self._row.get(name, len(digests)) < len(digests)}
        return {
            name
            for name, row in held.items()
            if digests[row, 0] == sources[name] and digests[row, 1] == _values_digest(values[row])
        }

    def _complete(self) -> bool:
        """Whether all three files exist, and the values are as long as the list of clips."""
        if not (self._about.is_file() and self._digests.is_file() and self._values.is_file()):
            return False
        return self._values.stat().st_size >= len(self.names) * self._bytes

    def write(self, name: str, embeddings: np.ndarray, source: int) -> None:
        """Write a clip's row, (2, frames, D), and when it is on the disk mark it finished.

        Args:
            name: Of the clip.
            embeddings: d_full and the tiles' sum of each frame.
            source: `PreparedClip.video_source` of the clip.

        Raises:
            PainlitError: A value is not finite in float16.
        """
        if embeddings.shape != self.shape:
            raise ValueError(f"row of {name} must be {self.shape}, got {embeddings.shape}")
        with np.errstate(over="ignore"):
            values = embeddings.astype("<f2")
        if not np.isfinite(values).all():
            raise PainlitError(
                f"clip {name}: its embeddings are not finite, so the Spatial-Module has diverged",
                "train it again with a lower learning rate, or name other embed.weights",
            )
        row = self._row[name]
        for path, width, data in (
            (self._values, self._bytes, values),
            (self._digests, 16, np.array([source, _values_digest(values)], "<u8")),
        ):
            with named_disk_errors(path), open(path, "r+b") as handle:
                handle.seek(row * width)
                handle.write(data.tobytes())
                handle.flush()
                os.fsync(handle.fileno())

    def values(self) -> np.ndarray:
        """All rows, (clips, 2, frames, D) float16, mapped from disk."""
        return np.memmap(self._values, "<f2", mode="r", shape=(len(self.names), *self.shape))

    def rows(self, names: Sequence[str]) -> np.ndarray:
        """Row numbers of clips, (n,)."""
        return np.array([self._row[name] for name in names], dtype=np.int64)

    def fingerprint(self, names: Sequence[str]) -> str:
        """SHA-256 over the settings and these clips' rows, what they were made from and their values."""
        return digest([self.settings, self._row_digests()[self.rows(names)]])

    def _row_digests(self) -> np.ndarray:
        digests = np.fromfile(self._digests, "<u8")
        rows = min(len(digests) // 2, len(self.names))
        return digests[: 2 * rows].reshape(-1, 2)


def _values_digest(values: np.ndarray) -> int:
    return int(digest(values)[:16], 16)
