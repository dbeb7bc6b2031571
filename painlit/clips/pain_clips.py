"""The clips that one pain experiment uses: which, with what label, and where their inputs are."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from data_modules.recordings.biovid import CLASS_NAMES, read_samples
from data_modules.recordings.preparation import open_table
from painlit.clips.embedding import VideoClip, cache_settings
from painlit.clips.embedding_cache import EmbeddingCache, boxes_digest
from painlit.clips.table import PreparedClip
from painlit.config import Config
from painlit.errors import PainlitError
from painlit.system.files import read_json
from painlit.weights.pretrained import NAMED, weights_digest


@dataclass(frozen=True)
class PainClips:
    """Clips of the task's classes whose inputs are all there, in samples.csv's order."""

    names: list[str]
    subjects: np.ndarray
    """(n,) subject names."""
    labels: np.ndarray
    """(n,) int64 in the task's order."""
    bpm: np.ndarray
    """(n, S) float32; NaN rows where the modality does not need them."""
    rows: np.ndarray
    """(n,) int64 rows of the embedding cache; -1 where the modality does not need them."""
    videos: list[VideoClip]
    """Files and boxes, for joint training; empty where the modality does not need them."""
    excluded: dict[str, str] = field(default_factory=dict)
    """Clip name -> why it cannot be used."""

    def of_subjects(self, subjects: Sequence[str]) -> np.ndarray:
        """Positions of the clips of these subjects, (k,)."""
        return np.flatnonzero(np.isin(self.subjects, list(subjects)))

    @property
    def subject_names(self) -> list[str]:
        """Every subject with a usable clip, sorted."""
        return sorted(set(self.subjects.tolist()))

    def fingerprint(self) -> str:
        """SHA-256 over clips, labels and heart rates: what a trained fold depends on besides the embeddings."""
        sha = hashlib.sha256("\n".join(self.names).encode())
        for array in (self.labels, self.bpm.astype("<f4")):
            sha.update(array.tobytes())
        return sha.hexdigest()


def load_pain_clips(config: Config) -> PainClips:
    """What `make prepare` and `make embed` left, for the configured task and modality.

    Clips that lack an input of the modality are left out and listed with the reason; nothing is guessed.

    Raises:
        PainlitError: A step is missing or was made with other settings, or no clip is usable.
    """
    samples = read_samples(config.data.root, config.data.signals)
    prepared = open_table(config).clips()
    wanted = [clip for clip in samples if clip.label in config.classes]
    unprepared = [clip.name for clip in wanted if clip.name not in prepared]
    if unprepared:
        raise PainlitError(
            f"{len(unprepared)} clips are not prepared, the first is {unprepared[0]}", "run `make prepare` to the end"
        )
    excluded = {c.name: why for c in wanted if (why := _unusable(prepared[c.name], config))}
    if config.cached:
        excluded = {**read_embedding_problems(config), **excluded}
        excluded = {name: why for name, why in excluded.items() if name in {c.name for c in wanted}}
    used = [clip for clip in wanted if clip.name not in excluded]
    if not used:
        raise PainlitError("no clip is usable", f"see {config.folder('prepare') / 'problems.csv'}")
    absent = sorted(set(config.classes) - {clip.label for clip in used})
    if absent:
        raise PainlitError(
            f"task {config.task} tells {len(config.classes)} classes apart, and there is no usable clip of "
            f"{', '.join(CLASS_NAMES[label] for label in absent)}",
            "choose a task whose classes the data have",
        )
    rows = np.full(len(used), -1, np.int64)
    if config.cached:
        cache = open_embeddings(config)
        digests = {clip.name: boxes_digest(_boxes(prepared[clip.name])) for clip in used}
        finished = cache.finished(digests)
        behind = [name for name in digests if name not in finished]
        if behind:
            raise PainlitError(
                f"{len(behind)} clips are not embedded as they are prepared now, the first is {behind[0]}",
                "run `make embed` with the same configuration, to the end",
            )
        rows = cache.rows([clip.name for clip in used])
    silent = np.full(config.clip.heart_rates, np.nan)
    return PainClips(
        names=[clip.name for clip in used],
        subjects=np.array([clip.subject for clip in used]),
        labels=np.array([config.classes.index(clip.label) for clip in used], dtype=np.int64),
        bpm=np.array(
            [prepared[c.name].bpm if config.model.uses_heart_rate else silent for c in used], dtype=np.float32
        ),
        rows=rows,
        videos=[VideoClip(c.name, c.video, _boxes(prepared[c.name])) for c in used] if config.joint else [],
        excluded=excluded,
    )


def data_fingerprints(config: Config, clips: PainClips) -> dict[str, str]:
    """Digests of the data a trained model depends on: clips, labels, rates, and embeddings or face boxes."""
    fingerprints = {"clips": clips.fingerprint()}
    if config.cached:
        fingerprints["embeddings"] = open_embeddings(config).fingerprint(clips.names)
    if config.joint:
        boxes = [boxes_digest(video.boxes) for video in clips.videos]
        fingerprints["boxes"] = hashlib.sha256(repr(boxes).encode()).hexdigest()
    return fingerprints


def open_embeddings(config: Config) -> EmbeddingCache:
    """The cache `make embed` left; refused if its settings are not this configuration's."""
    cache = EmbeddingCache(config.folder("embed"))
    normalisation = {key: getattr(config.spatial, key) or cache.settings[f"spatial.{key}"] for key in ("mean", "std")}
    settings = cache_settings(config, cache.settings["weights"], normalisation)
    _refuse_other_weights(config, cache.settings["weights"])
    return EmbeddingCache(config.folder("embed"), settings)


def _refuse_other_weights(config: Config, digest: str) -> None:
    """Refuse embeddings of another Spatial-Module than `embed.weights` names; `auto` takes what is there."""
    wanted, about = config.embed.weights, _about_embeddings(config)
    made, stage = about.get("weights", "unknown"), about.get("stage", "unknown")
    if wanted in (*NAMED, "untrained"):
        differ = bool(about) and stage != NAMED.get(wanted, (wanted,))[0]
    else:
        differ = wanted != "auto" and Path(wanted).is_file() and weights_digest(Path(wanted)) != digest
    if differ:
        raise PainlitError(
            f"the embeddings in {config.folder('embed')} were made with {made}, and embed.weights={wanted}",
            "run `make embed` with another embed.name, or name those weights",
        )


def read_embedding_problems(config: Config) -> dict[str, str]:
    """Clips that could not be embedded, with the reason.

    Raises:
        PainlitError: `make embed` has not finished.
    """
    path = config.folder("embed") / "metrics.json"
    if not path.is_file():
        raise PainlitError(f"{path} does not exist", "run `make embed` with the same configuration, to the end")
    return read_json(path)["failed"]


def with_told_embeddings(config: Config) -> Config:
    """The configuration with `embed.weights=auto` replaced by the stage that the cache's Spatial-Module came from."""
    told = {**{stages[0]: name for name, stages in NAMED.items()}, "untrained": "untrained"}
    stage = told.get(_about_embeddings(config).get("stage", "unknown"), "auto") if config.cached else "auto"
    if config.embed.weights != "auto" or stage == "auto":
        return config
    name = config.folder("embed").name  # which would follow from the stage otherwise
    return dataclasses.replace(config, embed=dataclasses.replace(config.embed, weights=stage, name=name))


def learnt_subjects(config: Config) -> set[str]:
    """Subjects from whose pain labels the Spatial-Module learnt, before any training here.

    `make finetune` with train.joint leaves such modules, and says so in their JSON.
    """
    if config.cached:
        return set(_about_embeddings(config).get("learnt_from", []))
    about = Path(config.embed.weights).with_suffix(".json")
    return set(read_json(about).get("subjects", [])) if config.joint and about.is_file() else set()


def refuse_tested_teachers(config: Config, tested: Iterable[str]) -> None:
    """Refuse a Spatial-Module that learnt from the pain labels of a subject who is tested.

    Raises:
        PainlitError: It did.
    """
    both = sorted(learnt_subjects(config) & set(tested))
    if both:
        raise PainlitError(
            f"the Spatial-Module learnt from the pain labels of {len(both)} subjects who are tested here, the first is "
            f"{both[0]}",
            "set embed.weights to one of stages 1 or 2, or to one that was finetuned without them (finetune.held_out)",
        )


def _about_embeddings(config: Config) -> dict[str, Any]:
    """What `make embed` said of its cache; empty while it has not finished."""
    path = config.folder("embed") / "metrics.json"
    return read_json(path) if path.is_file() else {}


def _unusable(row: PreparedClip, config: Config) -> str:
    problems = []
    if config.model.uses_video:
        problems.append(row.video_problem)
    if config.model.uses_heart_rate:
        problems.append(row.ecg_refusal(config.prepare.least_ecg_quality))
    return "; ".join(p for p in problems if p)


def _boxes(row: PreparedClip) -> np.ndarray:
    assert row.boxes is not None, f"{row.name} has no boxes, and should have been excluded"
    return row.boxes
