"""Maps of the faces of a clip: whole crops and tiles, for the network of any stage."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch
from einops import rearrange
from torch import Tensor

from painlit.inference.maps.faithfulness import Faithfulness, spatial_faithfulness
from painlit.inference.maps.spatial import spatial_map
from painlit.models.frame_embedder import FrameEmbedder
from painlit.models.tiles import frame_images

if TYPE_CHECKING:  # it brings Lightning, for which an assessment would wait
    from painlit.inference.maps.pretrained_heads import PretrainedHead


@dataclass(frozen=True)
class FaceMaps:
    """A row of Figure 4A."""

    stage: str
    """The network that is mapped."""
    target: str
    """Whose score is mapped."""
    maps: dict[str, np.ndarray] = field(default_factory=dict)
    """Method -> (n, S, S) in 0..1, S as of the crops or half of it."""
    faithful: dict[str, Faithfulness] = field(default_factory=dict)
    """Method -> its faithfulness; none of tiles."""


def pretrained_maps(
    stage: str, crops: Tensor, shown: list[int], head: PretrainedHead, methods: list[str], target: int | None = None
) -> FaceMaps:
    """Maps of a clip for a head of stage 1 or 2.

    Args:
        stage: What to call it.
        crops: (F, 3, S, S) uint8, all frames of the clip, on the head's device.
        shown: Frames to map.
        head: The head whose score is mapped.
        methods: As of `spatial_map`.
        target: A class; None takes the one that is predicted over the whole clip, so that all maps are of one class.
    """
    images, scores = whole_crops(head.embedder, crops), head.scores().eval()
    if target is None:
        with torch.no_grad():
            target = int(torch.cat([scores(part) for part in images.split(16)]).softmax(-1).mean(0).argmax())
    found = FaceMaps(stage, f"{head.of}: {head.name(target)}")
    for method in methods:
        maps = spatial_map(scores, images[shown], target, method)
        found.maps[method] = maps.cpu().numpy()
        found.faithful[method] = spatial_faithfulness(scores, images[shown], maps, target)
    return found


def pain_maps(
    embedder: FrameEmbedder,
    crops: Tensor,
    shown: list[int],
    slopes: tuple[Tensor | None, Tensor | None],
    methods: list[str],
    target: str,
    *,
    faithful: bool = True,
) -> list[FaceMaps]:
    """Maps of a clip for a pain model: its score is followed back to each frame's embedding, and on to the face.

    Args:
        embedder: What embeds frames for the model.
        crops: (F, 3, S, S) uint8, all frames of the clip, on the embedder's device.
        shown: Frames to map.
        slopes: Of `frame_slopes` for this clip, (1, F, D) each.
        methods: As of `spatial_map`.
        target: The class, in words.
        faithful: Whether to measure the faithfulness of each map, which takes many passes.

    Returns:
        One of whole crops, if the model reads them, and one of tiles, likewise.
    """
    rows = []
    full, tiles = (None if slope is None else slope[0, shown].to(crops.device) for slope in slopes)
    if full is not None:
        images, along = whole_crops(embedder, crops[shown]), _Along(full)
        row = FaceMaps("pain", target)
        for method in methods:
            maps = spatial_map(embedder.spatial, images, along, method, batch=len(images))
            row.maps[method] = maps.cpu().numpy()
            if faithful:
                row.faithful[method] = spatial_faithfulness(embedder.spatial, images, maps, along)
        rows.append(row)
    if tiles is not None:
        images = embedder.normalise(frame_images(crops[shown])[:, 1:]).flatten(0, 1)  # (n·4, 3, S/2, S/2)
        row, along = FaceMaps("pain, tiles", target), _Along(tiles.repeat_interleave(4, 0))
        for method in methods:
            maps = spatial_map(embedder.spatial, images, along, method, batch=len(images))
            row.maps[method] = joined_tiles(maps).cpu().numpy()
        rows.append(row)
    return rows


def whole_crops(embedder: FrameEmbedder, crops: Tensor) -> Tensor:
    """Crops as the Spatial-Module sees the whole of them, normalised: (n, 3, S/2, S/2)."""
    return embedder.normalise(frame_images(crops)[:, 0])


def joined_tiles(maps: Tensor) -> Tensor:
    """Maps of four tiles a frame, (n·4, h, w), as one map of the crop, (n, 2·h, 2·w)."""
    return rearrange(maps, "(n row column) h w -> n (row h) (column w)", row=2, column=2)


class _Along:
    """A target: how far embeddings, (n, D), lie along slopes, (n, D)."""

    def __init__(self, slopes: Tensor):
        self.slopes = slopes

    def __call__(self, embeddings: Tensor) -> Tensor:
        return (embeddings * self.slopes).sum(-1)
