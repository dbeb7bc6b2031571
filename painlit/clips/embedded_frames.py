"""Which frames of a clip are embedded, and the embeddings of those between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import make_interp_spline


@dataclass(frozen=True)
class EmbeddedFrames:
    """The frames of a clip that go through the Spatial-Module.

    What it sees from one frame to the next differs less by expression than by the jitter of face boxes, and the models
    read all frames of a clip together. So most of the time can be saved: docs/speed.md has what that does to scores.
    """

    places: tuple[int, ...]
    """Of all frames that a model reads, ascending: on the grid of `clip.video_fps`, as `ClipConfig.frame_indices`."""
    positions: tuple[int, ...]
    """Numbers of those that are embedded, ascending, the first and the last among them."""

    @classmethod
    def of(cls, places: Sequence[int], every: int) -> EmbeddedFrames:
        """The first in each stretch of `every` places of the grid, and the clip's first and last.

        Stretches are counted from the recording's first frame, so windows that overlap mostly embed the same frames.
        Frames that are as far apart as a stretch, as with a low `clip.frames`, are all embedded.

        >>> EmbeddedFrames.of(range(1, 12), 4).positions
        (0, 3, 7, 10)
        """
        stretches = np.asarray(places) // every
        first = np.flatnonzero(np.diff(stretches, prepend=stretches[0] - 1))
        return cls(tuple(places), tuple(np.union1d(first, len(places) - 1).tolist()))

    def with_others(self, rows: np.ndarray) -> np.ndarray:
        """Embeddings of all frames: of those between two embedded frames, on the line between these.

        Args:
            rows: (2, n, D), of the embedded frames.

        Returns:
            (2, F, D) of the same type; `rows` itself if all frames are embedded.
        """
        if len(self.positions) == len(self.places):
            return rows
        known = np.take(self.places, self.positions)
        between = make_interp_spline(known, rows.astype(np.float32), k=1, axis=1)(self.places)
        return between.astype(rows.dtype)
