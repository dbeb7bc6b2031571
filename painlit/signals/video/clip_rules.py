"""When a clip is long and complete enough, and the notes on it: the rule for lengths, gaps and damage."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median

from painlit.config import ClipConfig
from painlit.errors import ClipError
from painlit.signals.video.opening import CONVERT
from painlit.signals.video.shown_frames import ShownFrame

LEAST_SHARE = 0.9  # of a clip's time, of its frames that have a picture near, and of those that are undamaged
_ROUNDING = 1e-6  # s; time stamps are rational numbers
_SPANS = 4  # named in a message


@dataclass
class Chosen:
    """What was read for a clip. Times are in s on the video's clock."""

    path: object
    clip: ClipConfig
    wanted: list[float]
    start: float
    times: list[float] = field(default_factory=list)
    """Of the frame chosen for each wanted time."""
    damaged: list[float] = field(default_factory=list)
    """Wanted times whose frame is damaged."""
    intervals: list[float] = field(default_factory=list)
    """Between the frames that were decoded."""
    last: float = 0.0
    """Time of the last frame decoded."""
    ended: bool = False
    """The video was over before all wanted times were decided."""
    errors: Sequence[str] = ()
    least_length: float = LEAST_SHARE
    """Share of the clip's time that must be available."""

    def take(self, frame: ShownFrame) -> ShownFrame:
        """Count the frame chosen for the next wanted time."""
        if frame.damaged:
            self.damaged.append(self.wanted[len(self.times)])
        self.times.append(frame.time)
        return frame

    @property
    def interval(self) -> float:
        """Usual time between two frames of the source."""
        return median(self.intervals) if self.intervals else 1 / self.clip.video_fps

    def judge(self) -> list[str]:
        """What was repaired and what is remarkable.

        Raises:
            ClipError: Less than 90 % of the clip is available: in length, without gaps, or undamaged.
        """
        total, interval, rate = len(self.wanted), self.interval, self.clip.video_fps
        if self.ended:
            self._check_length(interval)
        slack = max(interval, 1 / rate) / 2 + _ROUNDING
        padded = [t for t in self.wanted if t > self.last + slack] if self.ended else []
        pairs = list(zip(self.wanted, self.times, strict=True))[: total - len(padded)]
        limit = max(1.5 * interval, 1 / rate) + _ROUNDING
        missing = [t for t, time in pairs if abs(time - t) > limit]
        repeats = sum(a == b for (_, a), (_, b) in pairwise(pairs)) - len(missing)
        notes = []
        if padded:
            notes.append(f"{len(padded)} of {total} frames missing at the end, padded with the last one")
        if repeats > 0:
            slower = (
                f": the video has {1 / interval:.4g} a second, clip.video_fps={rate:g}"
                if interval * rate > 1.02
                else ""
            )
            notes.append(f"{repeats} of {total} frames repeat the one before{slower}")
        whys = "; ".join(self.errors)
        for times, what in ((missing, "have no picture near and take the nearest"), (self.damaged, "are damaged")):
            if times:
                note = f"{len(times)} of {total} frames {what}, at {spans(times)}" + (f" ({whys})" if whys else "")
                self._check_share(len(times) / total, note)
                notes.append(note)
        if whys and not (missing or self.damaged):
            notes.append(f"errors outside the frames used: {whys}")
        return notes

    def _check_length(self, interval: float) -> None:
        whole = self.clip.nominal_frames / self.clip.video_fps
        there = max(self.last + interval - self.start, 0) if self.times else 0
        if there + _ROUNDING < self.least_length * whole:
            of = f" from {self.start:g} s on" if self.start else ""
            raise ClipError(
                f"{self.path}: only {there:.2f} of {whole:.2f} s are there{of}, under {self.least_length:.0%}",
                "copy the clip again from its source, choose another start, or leave it out",
            )

    def _check_share(self, share: float, note: str) -> None:
        if share > 1 - LEAST_SHARE + _ROUNDING:
            remedy = f"copy the clip again from its source, or leave it out; if it plays well, {CONVERT}"
            raise ClipError(f"{self.path}: {note}; at most {1 - LEAST_SHARE:.0%} may be", remedy)


def spans(times: Sequence[float]) -> str:
    """Wanted times as spans: '0.40 to 0.56 s, 2.00 s'."""
    step = min((b - a for a, b in pairwise(times)), default=0.0) * 1.5
    groups = [[times[0], times[0]]]
    for time in times[1:]:
        if time - groups[-1][1] <= step:
            groups[-1][1] = time
        else:
            groups.append([time, time])
    texts = [f"{a:.2f} s" if a == b else f"{a:.2f} to {b:.2f} s" for a, b in groups]
    return ", ".join(texts[:_SPANS]) + (f" and {len(texts) - _SPANS} more places" if len(texts) > _SPANS else "")
