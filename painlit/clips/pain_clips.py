"""The clips that one pain experiment uses: which, with what label, and where their inputs are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from painlit.clips.baseline import Baseline, baseline_clips, baseline_recordings, measure_baselines
from painlit.clips.clip import Clip, Person
from painlit.clips.embedding import VideoClip
from painlit.clips.sources import Sources
from painlit.clips.table import PreparedClip
from painlit.config import Config
from painlit.errors import PainlitError
from painlit.system.digests import digest


@dataclass(frozen=True)
class PainClips:
    """Clips of the task's classes whose inputs are all there, in the order in which the data set lists them."""

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
    people: dict[str, Person] = field(default_factory=dict)
    """Each subject that the data set lists with these classes -> what is known of them."""
    splits: dict[str, str] = field(default_factory=dict)
    """Subject -> train, validation or test, where the data set has a split."""
    excluded: dict[str, str] = field(default_factory=dict)
    """Clip name -> why it cannot be used."""
    embeddings: str | None = None
    """Digest of the settings and boxes behind the embedding rows."""
    baselines: dict[str, Baseline] = field(default_factory=dict)
    """Subject -> what is subtracted from their inputs; empty with `data.baseline=none`."""
    baselines_from: str | None = None
    """Digest of the heart rates and embeddings that these are means of."""

    def of_subjects(self, subjects: Sequence[str]) -> np.ndarray:
        """Positions of the clips of these subjects, (k,)."""
        return np.flatnonzero(np.isin(self.subjects, list(subjects)))

    @property
    def subject_names(self) -> list[str]:
        """Every subject with a usable clip, sorted."""
        return sorted(set(self.subjects.tolist()))

    def fingerprints(self) -> dict[str, str]:
        """Digests of what a trained model depends on: clips, labels and rates, and embeddings or face boxes."""
        fingerprints = {"clips": digest([self.names, self.subjects.tolist(), self.labels, self.bpm.astype("<f4")])}
        if self.embeddings:
            fingerprints["embeddings"] = self.embeddings
        if self.videos:
            fingerprints["videos"] = digest([video.source for video in self.videos])
        if self.baselines_from:
            fingerprints["baselines"] = self.baselines_from
        return fingerprints


def load_pain_clips(
    config: Config, listed: Sequence[Clip], prepared: Mapping[str, PreparedClip], sources: Sources
) -> PainClips:
    """What `make prepare` and `make embed` left, for the configured task and modality.

    Clips that lack an input of the modality are left out and listed with the reason; nothing is guessed. So are those
    of a person whose recordings at rest cannot be used, where `data.baseline=rest` needs them.

    Args:
        config: Task, modality, and how clips were prepared.
        listed: The data set's clips.
        prepared: What the clip table holds, by clip name.
        sources: What was settled of the embeddings.

    Raises:
        PainlitError: A step is missing or was made with other settings, no clip is usable, or a subject has no
            recording at rest where that is needed.
    """
    classes = config.classes
    wanted = [clip for clip in listed if not clip.rest and clip.label in classes]
    own = baseline_recordings(config, listed, {clip.subject for clip in wanted})
    unprepared = [name for name in dict.fromkeys(clip.name for clip in (*wanted, *own)) if name not in prepared]
    if unprepared:
        raise PainlitError(
            f"{len(unprepared)} clips are not prepared, the first is {unprepared[0]}", "run `make prepare` to the end"
        )
    failed = sources.embeddings.failed if sources.embeddings else {}
    baseline = baseline_clips(config, own, prepared, failed)
    problems = {
        c.name: _unusable(prepared[c.name], config) or failed.get(c.name, "") or baseline.lacking.get(c.subject, "")
        for c in wanted
    }
    excluded = {name: why for name, why in problems.items() if why}
    used = [clip for clip in wanted if clip.name not in excluded]
    if not used:
        name, why = next(iter(excluded.items()), ("all", "of other classes than the task's"))
        raise PainlitError(
            f"no clip is usable; {name}: {why}".partition("\n")[0],
            f"see {config.folder('prepare') / 'problems.csv'}, or set model.modality to what the data have",
        )
    absent = [name for name in classes if name not in {clip.label for clip in used}]
    if absent:
        raise PainlitError(
            f"task {config.task} has {len(classes)} classes, and there is no usable clip of {', '.join(absent)}",
            "choose a task whose classes the data have",
        )
    people = {clip.subject for clip in used}
    rows, embeddings, cache = np.full(len(used), -1, np.int64), None, None
    if sources.embeddings:
        names, cache = [clip.name for clip in used], sources.embeddings.open()
        read = dict.fromkeys([*names, *(name for person in people for name in baseline.video.get(person, ()))])
        finished = cache.finished({name: prepared[name].video_source for name in read})
        behind = [name for name in read if name not in finished]
        if behind:
            raise PainlitError(
                f"{len(behind)} clips are not embedded as they are prepared now, or their embeddings are damaged; the "
                f"first is {behind[0]}",
                "run `make embed` with the same configuration, to the end",
            )
        rows, embeddings = cache.rows(names), cache.fingerprint(names)
    baselines, baselines_from = measure_baselines(baseline, people, prepared, cache) if own else ({}, None)
    silent = np.full(config.clip.heart_rates, np.nan)
    return PainClips(
        names=[clip.name for clip in used],
        subjects=np.array([clip.subject for clip in used]),
        labels=np.array([classes.index(clip.label) for clip in used], dtype=np.int64),
        bpm=np.array(
            [prepared[c.name].bpm if config.model.uses_heart_rate else silent for c in used], dtype=np.float32
        ),
        rows=rows,
        videos=[video_clip(clip, prepared[clip.name]) for clip in used] if config.joint else [],
        people={clip.subject: clip.person for clip in wanted},
        splits={clip.subject: clip.split for clip in used if clip.split},
        excluded=excluded,
        embeddings=embeddings,
        baselines=baselines,
        baselines_from=baselines_from,
    )


def video_clip(clip: Clip, row: PreparedClip) -> VideoClip:
    """What is needed to cut the faces out of a prepared clip."""
    assert clip.video is not None, f"{row.name} should have been excluded"
    assert row.boxes is not None, f"{row.name} should have been excluded"
    return VideoClip(clip.name, clip.video, row.boxes, row.video_source, *clip.stretch[:2])


def _unusable(row: PreparedClip, config: Config) -> str:
    problems = []
    if config.model.uses_video:
        problems.append(row.video_refusal(config.face.least_found))
    if config.model.uses_heart_rate:
        problems.append(row.signal_refusal(config.prepare.least_ecg_quality))
    return "; ".join(p for p in problems if p)
