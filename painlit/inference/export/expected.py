"""Reference outputs of an export: the same inputs, assessed by the code of assessments."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from painlit.inference.bundles.bundle import Bundle
from painlit.inference.export.part_networks import Part
from painlit.inference.face_windows import FaceWindow, frame_rows
from painlit.inference.heart_windows import HeartWindow
from painlit.inference.person import PersonBaseline
from painlit.inference.scoring import Scorer


@dataclass(frozen=True)
class Windows:
    """Made-up windows of real crops, and painlit's outputs for them."""

    crops: np.ndarray
    """(n, 3, S, S) uint8 RGB, which all windows draw from; (0,) without video."""
    frames: np.ndarray
    """(B, F) numbers of the crops that each window shows."""
    bpm: np.ndarray
    """(B, H) float32."""
    own_rows: np.ndarray
    """(B, K) float32 means of the person's rows."""
    own_bpm: np.ndarray
    """(B,) float32."""
    rows: np.ndarray
    """(n, K) float16: embeddings of the crops."""
    probabilities: np.ndarray
    """(B, C)."""


def expected_of(bundle: Bundle, part: Part, crops: np.ndarray, windows: int, seed: int = 0) -> Windows:
    """Draw windows from crops, and assess them as `Model.assess` does once faces and R peaks are found.

    Args:
        bundle: Whose models assess.
        part: What is to be exported.
        crops: (n, S, S, 3) uint8 RGB, as `crop_face` gives them; as many of noise are added.
        windows: How many.
        seed: Of windows, heart rates and noise.
    """
    generator = np.random.default_rng(seed)
    video, scorer = bool(part.embedders), Scorer(bundle, torch.device("cpu"))
    of_crops: dict[str, np.ndarray] = {}
    if video:
        crops = np.concatenate([crops, generator.integers(0, 256, crops.shape, np.uint8)])
        for name, tiles in scorer.embedders().items():
            if name in part.embedders:
                images = torch.from_numpy(crops).permute(0, 3, 1, 2)
                of_crops[name] = frame_rows(bundle.embedder(name), tiles, images)  # (n, 2, D)
    frames = generator.integers(0, max(1, len(crops)), (windows, part.frames))
    bpm = generator.uniform(50, 110, (windows, part.heart_rates)).astype(np.float32)
    own_bpm = generator.uniform(60, 90, windows).astype(np.float32)
    own = {name: rows[generator.integers(0, len(rows), windows)].astype(np.float32) for name, rows in of_crops.items()}
    probabilities = []
    for window in range(windows):
        face, heart, person = None, None, None
        if video:
            rows = {name: list(of[frames[window]]) for name, of in of_crops.items()}
            face = FaceWindow(rows, 1.0, 1, None, [], "")
        if part.heart_rates:
            heart = HeartWindow(bpm[window])
        if part.baseline:
            person = PersonBaseline(float(own_bpm[window]), {name: rows[window] for name, rows in own.items()})
        probabilities.append(scorer.score(face, heart, person).probabilities)
    return Windows(
        np.ascontiguousarray(crops.transpose(0, 3, 1, 2)) if video else np.zeros(0, np.uint8), frames, bpm,
        _joined(part, own, windows).astype(np.float32), own_bpm, _joined(part, of_crops, len(crops)),
        np.stack(probabilities),
    )  # fmt: skip


def _joined(part: Part, rows: dict[str, np.ndarray], count: int) -> np.ndarray:
    """Rows (n, 2, D) of each embedder as (n, K), without the tiles' where no model reads them."""
    kept = [rows[name][:, : 1 + part.embedders[name].tiles].reshape(count, -1) for name in part.embedders]
    return np.concatenate(kept, axis=1) if kept else np.zeros((count, 0), np.float16)
