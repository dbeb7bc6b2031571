"""Maps of the faces that an assessment shows."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch

from painlit.inference.assessing import Assessing
from painlit.inference.assessment import FacePicture
from painlit.inference.face_windows import FaceWindow
from painlit.inference.heart_windows import HeartWindow
from painlit.inference.maps.face_maps import pain_maps
from painlit.inference.maps.temporal import frame_slopes
from painlit.inference.person import PersonBaseline
from painlit.inference.scoring import Scorer
from painlit.models.frame_embedder import FrameEmbedder
from painlit.weights.landmarks import LandmarkDistances

MOST_MAPS = 12
"""Faces that get a map."""
Embedders = Mapping[str, tuple[FrameEmbedder, bool]]
"""As of `FaceWindows`."""


def explained(work: Assessing, scorer: Scorer, embedders: Embedders, method: str) -> tuple[FacePicture, ...]:
    """The faces that an assessment shows, those of peaks (or all, if there is none) with a map.

    Args:
        work: The assessment, finished.
        scorer: The models.
        embedders: What embeds faces.
        method: As of `spatial_map`; none leaves maps out.
    """
    kept = work.pictures.with_windows()
    if method == "none" or not kept:
        return work.pictures.chosen()
    peaks = any(picture.peak for picture, _ in kept)
    shown = [(picture, window) for picture, window in kept if picture.peak or not peaks][:MOST_MAPS]
    with work.watch.step("maps"):
        maps = {
            picture.time: window_map(scorer, embedders, face, heart, work.own, method)
            for picture, (face, heart) in shown
        }
    return tuple(picture._replace(map=maps.get(picture.time)) for picture, _ in kept)


def window_map(
    scorer: Scorer,
    embedders: Embedders,
    face: FaceWindow,
    heart: HeartWindow | None,
    own: PersonBaseline | None,
    method: str,
) -> np.ndarray | None:
    """A map of the evidence for the last class, of the face in the middle of a window.

    Of an ensemble the slopes of all its models are averaged, since its score is their mean; of those with an embedder
    of their own (joint training) the first is shown.

    Args:
        scorer: The models.
        embedders: What embeds faces.
        face: The window.
        heart: Its heart rates, if there are any.
        own: The person's baseline, if there is one.
        method: As of `spatial_map`.

    Returns:
        (S, S) in 0..1; None if the window has no score from video, or its model reads no pixels of whole faces.
    """
    part = scorer.part_for(face, heart)
    if part is None or part == "heart_rate" or face.crop is None:
        return None
    models = scorer.parts[part]
    models = [model for model in models if model.embedder == models[0].embedder]
    slopes = [frame_slopes(m.network, scorer.inputs(m, part, face, heart, own), scorer.classes - 1)[0] for m in models]
    name = models[0].embedder
    if name is None or slopes[0] is None or isinstance(embedders[name][0].spatial, LandmarkDistances):
        return None
    middle = slopes[0].shape[1] // 2
    slope = torch.stack([found[:, middle] for found in slopes if found is not None]).mean(0)
    crop = torch.from_numpy(face.crop).to(scorer.device).permute(2, 0, 1)[None]
    (row,) = pain_maps(embedders[name][0], crop, [0], (slope[:, None], None), [method], "", faithful=False)
    return row.maps[method][0]
