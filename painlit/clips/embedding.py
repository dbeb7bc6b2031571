"""Spatial-Module over the frames of clips: five images a frame, full frame and tiles kept apart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from painlit.clips.embedded_frames import EmbeddedFrames
from painlit.config import Config
from painlit.errors import ClipError
from painlit.models.frame_embedder import FrameEmbedder
from painlit.signals.video.clip_faces import clip_crops
from painlit.system.processes import loader_options
from painlit.system.threads import side_by_side
from painlit.weights.backends import on_backend


@dataclass(frozen=True)
class VideoClip:
    """What extraction needs of a clip."""

    name: str
    video: Path
    boxes: np.ndarray
    """(F, 4) face boxes in px."""
    source: int
    """`PreparedClip.video_source`."""
    start: float = 0.0
    """Where the clip begins in the video, in s."""
    end: float | None = None
    """Where it ends; None: where the video does."""


def embed_frames(
    clips: Sequence[VideoClip], embedder: FrameEmbedder, config: Config, device: torch.device
) -> Iterator[tuple[str, np.ndarray | ClipError]]:
    """Embed clips one after another, decoding in other processes.

    With `embed.every` above 1 only some frames go through the network, see `EmbeddedFrames`.

    Yields:
        Clip name and its row, (2, F, D) float32: d_full and the tiles' sum; or the error that this clip met.
    """
    size, chosen = embedder.spatial.embed_dim, _chosen(config)
    frames = len(chosen.positions)
    embedder = on_backend(embedder.to(device).eval(), config.embed.backend, config.embed.precision, device, "embed")
    chunks = _CropChunks(clips, config)
    workers = min(config.embed.workers, len(clips))
    chunk_bytes = config.embed.batch_frames * 3 * (2 * config.spatial.image_size) ** 2
    loader: Any = DataLoader(chunks, batch_size=None, **loader_options(workers, chunk_bytes))
    started: dict[int, np.ndarray] = {}
    for number, first, crops in loader:
        if isinstance(crops, ClipError):
            started.pop(number, None)
            yield clips[number].name, crops
            continue
        with torch.inference_mode():
            full, tiles = embedder(crops.to(device, non_blocking=True).permute(0, 3, 1, 2))
        row = started.setdefault(number, np.empty((2, frames, size), np.float32))
        row[0, first : first + len(crops)] = full.float().cpu().numpy()
        row[1, first : first + len(crops)] = tiles.float().cpu().numpy()
        if first + len(crops) == frames:
            yield clips[number].name, chosen.with_others(started.pop(number))


def embed_on_devices(
    clips: Sequence[VideoClip], embedder: FrameEmbedder, config: Config, devices: Sequence[torch.device]
) -> Iterator[tuple[str, np.ndarray | ClipError]]:
    """As `embed_frames`, with a share of the clips on each device at the same time, in the order they get ready."""
    if len(devices) == 1:
        yield from embed_frames(clips, embedder, config, devices[0])
        return
    count = len(devices)
    shares = [embed_frames(clips[k::count], deepcopy(embedder), config, devices[k]) for k in range(count)]
    yield from side_by_side(shares, waiting=2 * count)


def _chosen(config: Config) -> EmbeddedFrames:
    return EmbeddedFrames.of(config.clip.frame_indices, config.embed.every)


class _CropChunks(IterableDataset):
    """Streams (clip number, number of its crops before, crops (n, S, S, 3) uint8 or the clip's error).

    Each worker takes its share.
    """

    def __init__(self, clips: Sequence[VideoClip], config: Config):
        self.clips = clips
        self.config = config

    def __iter__(self) -> Iterator[tuple[int, int, Tensor | ClipError]]:
        worker = get_worker_info()
        mine = range(worker.id if worker else 0, len(self.clips), worker.num_workers if worker else 1)
        for number in mine:
            yield from self._chunks(number)

    def _chunks(self, number: int) -> Iterator[tuple[int, int, Tensor | ClipError]]:
        clip, config = self.clips[number], self.config
        size = 2 * config.spatial.image_size
        positions = {*_chosen(config).positions}
        crops = clip_crops(clip.video, clip.boxes, config.clip, config.face, size, clip.start, clip.end, positions)
        first = 0
        try:
            while chunk := list(islice(crops, config.embed.batch_frames)):
                yield number, first, torch.from_numpy(np.stack(chunk))
                first += len(chunk)
        except ClipError as error:
            yield number, first, error
