"""A person's own baseline: their mean heart rate and mean embeddings, which are subtracted from all of their inputs.

People differ in resting heart rate and in appearance more than pain changes either. No labels are used. The same
is done in training, in testing and in `painlit.inference`, by this file alone. Ours: the paper has none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from painlit.clips.clip import Clip
from painlit.clips.embedding_cache import EmbeddingCache
from painlit.clips.table import PreparedClip
from painlit.config import Config
from painlit.errors import PainlitError
from painlit.models.pain import BPM_MEAN
from painlit.system.digests import digest


@dataclass(frozen=True)
class Baseline:
    """The means of one person."""

    bpm: float | None = None
    """Mean heart rate in bpm; None where no heart rates are used."""
    embeddings: np.ndarray | None = None
    """(2, D) float32: means of d_full and of the tiles' sum; None where no video is used."""

    @classmethod
    def of(cls, bpm: Iterable[np.ndarray] = (), embeddings: Iterable[np.ndarray] = ()) -> Baseline:
        """The means over clips or windows, in which each counts alike; they are taken one at a time.

        Args:
            bpm: (S,) heart rates of each.
            embeddings: (2, F, D) of each.
        """
        means = BaselineMeans()
        for rates in bpm:
            means.add_bpm(rates)
        for rows in embeddings:
            means.add_embeddings(rows)
        return means.baseline()

    def subtract_bpm(self, bpm: np.ndarray) -> np.ndarray:
        """Heart rates (..., S) as float32, shifted so that the person's mean is at the model's fixed centre."""
        assert self.bpm is not None, "a baseline of heart rates is needed"
        return (bpm.astype(np.float64) - self.bpm + BPM_MEAN).astype(np.float32)

    def subtract_embeddings(self, rows: np.ndarray) -> np.ndarray:
        """Embeddings (..., 2, F, D) of any type as float32, less the person's means."""
        assert self.embeddings is not None, "a baseline of embeddings is needed"
        return rows.astype(np.float32) - self.embeddings[:, None]

    def plain(self) -> dict[str, Any]:
        """As plain values, for `from_plain`."""
        return {"bpm": self.bpm, "embeddings": None if self.embeddings is None else self.embeddings.tolist()}

    @classmethod
    def from_plain(cls, values: Mapping[str, Any]) -> Baseline:
        """What `plain` gave."""
        embeddings = values["embeddings"]
        return cls(values["bpm"], None if embeddings is None else np.array(embeddings, np.float32))


class BaselineMeans:
    """The means while clips or windows go by; memory does not grow with their number."""

    def __init__(self) -> None:
        self.windows_bpm = self.windows_embeddings = 0
        self._bpm = 0.0
        self._embeddings: np.ndarray | None = None

    def add_bpm(self, bpm: np.ndarray) -> None:
        """Take in (S,) heart rates of one."""
        self.windows_bpm += 1
        self._bpm += float(np.mean(bpm, dtype=np.float64))

    def add_embeddings(self, rows: np.ndarray) -> None:
        """Take in (2, F, D) embeddings of one."""
        self.windows_embeddings += 1
        mean = rows.mean(axis=1, dtype=np.float64)  # (2, D)
        self._embeddings = mean if self._embeddings is None else self._embeddings + mean

    def baseline(self) -> Baseline:
        """The means so far."""
        return Baseline(
            bpm=self._bpm / self.windows_bpm if self.windows_bpm else None,
            embeddings=(
                None if self._embeddings is None else (self._embeddings / self.windows_embeddings).astype(np.float32)
            ),
        )


class BaselineClips(NamedTuple):
    """The clips that means are taken over, by subject: names of those that can be used."""

    video: dict[str, list[str]]
    signal: dict[str, list[str]]
    lacking: dict[str, str]
    """Subject -> why there is no baseline."""


def baseline_recordings(config: Config, listed: Sequence[Clip], subjects: Iterable[str]) -> list[Clip]:
    """The clips of these subjects that `data.baseline` takes means over: all but those at rest, these, or none.

    Labels play no part.

    Raises:
        PainlitError: No recording at rest is listed of some subjects; all of them are named.
    """
    kind, subjects = config.data.baseline, set(subjects)
    if kind == "none":
        return []
    chosen = [clip for clip in listed if clip.subject in subjects and clip.rest == (kind == "rest")]
    if without := sorted(subjects - {clip.subject for clip in chosen}):
        raise PainlitError(
            f"data.baseline=rest, and the table lists no recording at rest of {len(without)} subjects: "
            f"{', '.join(without)}",
            "mark a recording of each with yes in the column rest, or set data.baseline=session",
        )
    return chosen


def baseline_clips(
    config: Config, clips: Sequence[Clip], prepared: Mapping[str, PreparedClip], failed: Mapping[str, str]
) -> BaselineClips:
    """Which of these clips can be used, of each modality by itself: one without a face may have heart rates.

    Args:
        config: Modality, and what is refused.
        clips: As `baseline_recordings` chose them.
        prepared: The clip table.
        failed: Clips that could not be embedded, with the reason.
    """
    found = BaselineClips({}, {}, {})
    parts: list[tuple[dict[str, list[str]], Callable[[PreparedClip], str]]] = []
    if config.model.uses_video:
        parts.append((found.video, lambda row: row.video_refusal(config.face.least_found) or failed.get(row.name, "")))
    if config.model.uses_heart_rate:
        parts.append((found.signal, lambda row: row.signal_refusal(config.prepare.least_ecg_quality)))
    for usable, refusal in parts:
        why: dict[str, str] = {}
        for clip in clips:
            names = usable.setdefault(clip.subject, [])
            if problem := refusal(prepared[clip.name]):
                why.setdefault(clip.subject, f"{clip.name}: {problem}")
            else:
                names.append(clip.name)
        found.lacking.update(
            {
                subject: f"the person has no usable recording for a baseline; {why[subject]}"
                for subject, names in usable.items()
                if not names
            }
        )
    return found


def measure_baselines(
    clips: BaselineClips, subjects: Iterable[str], prepared: Mapping[str, PreparedClip], cache: EmbeddingCache | None
) -> tuple[dict[str, Baseline], str]:
    """The baseline of each subject, and a digest of all that they were made from.

    Args:
        clips: That `baseline_clips` found.
        subjects: Whose.
        prepared: The clip table.
        cache: The embeddings, in which all of the clips' rows are finished; None without video.
    """
    subjects = sorted(set(subjects))
    baselines = {
        subject: Baseline.of(
            [_rates(prepared[name]) for name in clips.signal.get(subject, ())],
            _rows(cache, clips.video.get(subject, ())),
        )
        for subject in subjects
    }
    videos = {subject: clips.video.get(subject, []) for subject in subjects}
    rates = {s: [[name, _rates(prepared[name])] for name in clips.signal.get(s, ())] for s in subjects}
    rows = None if cache is None else cache.fingerprint([name for names in videos.values() for name in names])
    return baselines, digest([rates, videos, rows])


def _rates(row: PreparedClip) -> np.ndarray:
    assert row.bpm is not None, f"{row.name} should have been left out"
    return row.bpm.astype(np.float64)


def _rows(cache: EmbeddingCache | None, names: Sequence[str]) -> Iterator[np.ndarray]:
    if cache is not None and names:
        values = cache.values()
        for row in cache.rows(names):
            yield values[row]
