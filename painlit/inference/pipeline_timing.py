"""How long the five pipelines of the paper's Figure 3 take for one clip on this machine (section 4.5)."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import torch

from painlit.config import Config
from painlit.errors import PainlitError
from painlit.inference.face_windows import FaceWindows
from painlit.inference.video_windows import VideoWindows
from painlit.runs.provenance import versions
from painlit.signals.video.decoding import open_footage
from painlit.system.stopwatch import Stopwatch
from painlit.weights.backends import on_backend
from painlit.weights.networks import build_frame_embedder, build_pain_model

HEART_RATE = 75.0
"""bpm; what it is does not change how long it takes."""


@dataclass(frozen=True)
class Pipeline:
    """One of the paper's five."""

    name: str
    modality: str
    tiles: bool
    encoder: bool

    def applied(self, config: Config) -> Config:
        """The configuration with this pipeline's model."""
        encoder = replace(config.model.heart_rate_encoder, enabled=self.encoder)
        frames = "both" if self.tiles else "full"
        model = replace(config.model, modality=self.modality, augmnet=False, frame_embedding=frames)
        return replace(config, model=replace(model, heart_rate_encoder=encoder))


PIPELINES = (
    Pipeline("video", "video", tiles=False, encoder=False),
    Pipeline("video with tiles", "video", tiles=True, encoder=False),
    Pipeline("heart rate", "heart_rate", tiles=False, encoder=False),
    Pipeline("heart rate with encoder", "heart_rate", tiles=False, encoder=True),
    Pipeline("fusion", "fusion", tiles=True, encoder=True),
)
"""In the paper's order. AugmNet is not used in inference."""


def time_pipelines(config: Config, video: Path, rounds: int, device: torch.device) -> dict[str, dict[str, float]]:
    """Seconds of each pipeline for a clip, in all and by step: the medians of rounds in which pipelines take turns.

    As in the paper, this begins with the video file and the heart rates of a clip and ends with its score: faces are
    detected in every frame that the model reads, and heart rates are not extracted from an ECG. Networks have the
    configuration's sizes and random weights, which take as long as trained ones.

    Args:
        config: Sizes, clips, faces.
        video: Of a clip in which a face can be followed.
        rounds: After one that is not counted.
        device: Of the detector and the networks.

    Returns:
        Pipeline -> `all`, and decode, detect, crop, embed, score as far as it has them.

    Raises:
        PainlitError: No face can be followed in the video.
    """
    turns: dict[str, list[Mapping[str, float]]] = {pipeline.name: [] for pipeline in PIPELINES}
    works = [_Work(pipeline, config, video, device) for pipeline in PIPELINES]
    for number in range(rounds + 1):
        for work in works:
            seconds = work.once()
            if number:
                turns[work.name].append(seconds)
    return {name: _medians(taken) for name, taken in turns.items()}


def machine(device: torch.device) -> dict[str, Any]:
    """What a timing depends on: processor, threads, accelerator, versions."""
    gpu = torch.cuda.get_device_name(device) if device.type == "cuda" else None
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "threads": torch.get_num_threads(),
        "device": gpu or str(device),
        "system": platform.system(),
        "python": platform.python_version(),
        "versions": versions(),
    }


class _Work:
    """A pipeline with its networks."""

    def __init__(self, pipeline: Pipeline, config: Config, video: Path, device: torch.device):
        self.name, self.video, self.device = pipeline.name, video, device
        self.config = config = pipeline.applied(config)
        clip, spatial = config.clip, config.spatial
        embedder = build_frame_embedder(spatial).to(device).eval()
        embedder = on_backend(embedder, config.embed.backend, config.embed.precision, device, "embed")
        self.embedders = {"spatial": (embedder, pipeline.tiles)}
        model = build_pain_model(config.model, 2, clip.used_frames, spatial.embed_dim, clip.heart_rates)
        self.model = model.to(device).eval()

    def once(self) -> dict[str, float]:
        """Seconds of each step, and of all."""
        watch, inputs = Stopwatch(), dict[str, torch.Tensor]()
        with torch.inference_mode():
            if self.config.model.uses_video:
                inputs = self._frames(watch)
            with watch.step("score"):
                if self.config.model.uses_heart_rate:
                    inputs["bpm"] = torch.full((1, self.config.clip.heart_rates), HEART_RATE, device=self.device)
                self.model(**inputs).cpu()
        return {**watch.seconds, "all": sum(watch.seconds.values())}

    def _frames(self, watch: Stopwatch) -> dict[str, torch.Tensor]:
        with watch.step("decode"):
            footage = open_footage(self.video, self.config.clip.image_fps)
            window = next(iter(VideoWindows(footage, self.video, self.config.clip, self.config.clip.seconds)))
        face = FaceWindows(self.config, self.embedders, self.device, watch).window(window)
        if face.problem:
            raise PainlitError(f"{self.video}: {face.problem}", "Figure 3 needs a clip with a face in it")
        both = torch.from_numpy(face.embeddings("spatial")).float().to(self.device)  # (2, F, D)
        return {"full": both[:1], "tiles": both[1:]}


def _medians(turns: list[Mapping[str, float]]) -> dict[str, float]:
    return {step: round(median(turn[step] for turn in turns), 4) for step in turns[0]}


def _processor() -> str:
    """The processor's name from Linux, or else from Python."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines() if cpuinfo.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
