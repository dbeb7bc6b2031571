"""Scores of windows: the part-model for the available signals, an ensemble's mean, calibrated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from painlit.inference.bundles.bundle import Bundle, LoadedModel
from painlit.inference.bundles.temperature import apply_temperature
from painlit.inference.face_windows import FaceWindow
from painlit.inference.heart_windows import HeartWindow
from painlit.inference.person import PersonBaseline

USED = {"fusion": "video+heart_rate", "video": "video", "heart_rate": "heart_rate"}
"""Part of a bundle -> what it reads."""


class Score(NamedTuple):
    """Of one window."""

    probabilities: np.ndarray
    """(C,) mean over the models; NaN without a score."""
    spread: float
    """Standard deviation of `expected_class` over the models; NaN of a single one."""
    used: str
    """A value of `USED`; empty without a score."""
    reason: str
    """Why not all that the recording has was used, or why there is no score."""


class Scorer:
    """The models of a bundle.

    Args:
        bundle: Their weights, and the temperature of each part.
        device: Where they run.
        calibrated: Divide logits by the bundle's temperature; false gives probabilities as they were trained.
    """

    def __init__(self, bundle: Bundle, device: torch.device, calibrated: bool = True):
        self.classes = len(bundle.classes)
        self.parts: dict[str, list[LoadedModel]] = {part: bundle.models(part) for part in bundle.parts}
        self.temperatures = {part: bundle.temperature(part) if calibrated else 1.0 for part in bundle.parts}
        self.device = device
        for models in self.parts.values():
            for model in models:
                model.network.to(device).eval()

    def embedders(self) -> dict[str, bool]:
        """Names of the embedders that models read, and whether any of them reads its tiles."""
        found: dict[str, bool] = {}
        for model in (model for models in self.parts.values() for model in models):
            if model.embedder is not None:
                tiles = model.network.frame_embedding != "full"
                found[model.embedder] = found.get(model.embedder, False) or tiles
        return found

    def score(self, face: FaceWindow | None, heart: HeartWindow | None, own: PersonBaseline | None = None) -> Score:
        """Score a window with the part that reads most of the available signals.

        Args:
            face: None where the recording has no video.
            heart: None where it has neither ECG nor heart rates.
            own: The person's baseline, for models that were trained with one.
        """
        signals = (("video", face), ("heart rate", heart))
        lacks = [f"{name}: {signal.problem}" for name, signal in signals if signal is not None and signal.problem]
        lacks += [face.note] if face is not None and face.note else []
        wanted = _readable(face, heart)
        part = self.part_for(face, heart)
        if part is None:
            if wanted:
                read, there = " or ".join(map(plain_part, self.parts)), plain_part(wanted[0])
                lacks.append(f"the bundle has a model of {read}, and there is only {there}")
            return self._without("; ".join(lacks))
        if part != wanted[0]:
            lacks.append(f"the bundle has no model of {plain_part(wanted[0])}")
        probabilities = self._probabilities(part, face, heart, own)
        levels = expected_class(probabilities)
        spread = float(levels.std()) if len(levels) > 1 else np.nan
        return Score(probabilities.mean(0), spread, USED[part], "; ".join(lacks))

    def none(self, face: FaceWindow, reason: str) -> Score:
        """A window without a score, for this reason and the problem of its face."""
        return self._without("; ".join([reason, *([f"video: {face.problem}"] if face.problem else [])]))

    def _without(self, reason: str) -> Score:
        return Score(np.full(self.classes, np.nan), np.nan, "", reason)

    def _probabilities(
        self, part: str, face: FaceWindow | None, heart: HeartWindow | None, own: PersonBaseline | None
    ) -> np.ndarray:
        """Of each model, (models, C)."""
        rows = []
        for model in self.parts[part]:
            inputs = self.inputs(model, part, face, heart, own)
            with torch.inference_mode():
                rows.append(model.network(**inputs).float().softmax(-1)[0].cpu().numpy().astype(np.float64))
        return apply_temperature(np.stack(rows), self.temperatures[part])

    def inputs(
        self,
        model: LoadedModel,
        part: str,
        face: FaceWindow | None,
        heart: HeartWindow | None,
        own: PersonBaseline | None,
    ) -> dict[str, Tensor]:
        """What a model of a part reads of a window."""
        inputs: dict[str, Tensor] = {}
        baseline = None if own is None else own.of(model.embedder)
        if model.embedder is not None and face is not None:
            both = face.embeddings(model.embedder)
            both = both if baseline is None else baseline.subtract_embeddings(both)
            full, tiles = torch.from_numpy(both).to(self.device)[:, None]
            inputs |= {"full": full, "tiles": tiles}
        if part != "video" and heart is not None and heart.bpm is not None:
            bpm = heart.bpm.astype(np.float32)
            bpm = bpm if baseline is None else baseline.subtract_bpm(bpm)
            inputs["bpm"] = torch.from_numpy(bpm).to(self.device)[None]
        return inputs

    def part_for(self, face: FaceWindow | None, heart: HeartWindow | None) -> str | None:
        """The part that reads most of the available signals, or None."""
        return next((part for part in _readable(face, heart) if part in self.parts), None)


def _readable(face: FaceWindow | None, heart: HeartWindow | None) -> list[str]:
    """Parts that could read a window, the one that reads most of it first."""
    has_face, has_heart = face is not None and not face.problem, heart is not None and not heart.problem
    possible = {"fusion": has_face and has_heart, "video": has_face, "heart_rate": has_heart}
    return [part for part, there in possible.items() if there]


def plain_part(part: str) -> str:
    """What a part of a bundle reads, as a message says it."""
    return USED[part].replace("_", " ").replace("+", " and ")


def expected_class(probabilities: np.ndarray) -> np.ndarray:
    """Expected number of the class over the highest, 0 to 1, of (..., C) probabilities; with two, the second's."""
    classes = probabilities.shape[-1]
    return probabilities @ np.arange(classes) / (classes - 1)


def entropy(probabilities: np.ndarray) -> float:
    """Entropy of (C,) probabilities over its greatest value, 0 to 1; NaN of NaN."""
    p = np.clip(probabilities, 1e-12, 1)
    return float(-(probabilities * np.log(p)).sum() / np.log(len(p)))


def row(start: float, end: float, classes: Mapping[int, str], score: Score) -> dict[str, object]:
    """The first cells of a window's row in `Assessment.table`."""
    p = score.probabilities
    return {
        "start": start,
        "end": end,
        **{f"p_{name}": float(p[k]) for k, name in classes.items()},
        "score": float(expected_class(p)),
        "prediction": classes[int(p.argmax())] if score.used else "",
        "uncertainty": entropy(p),
        "spread": score.spread,
        "used": score.used,
        "reason": score.reason,
    }
