"""Windows of a clip's length sliding over a video of any length, by presentation time, in one pass."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from statistics import median
from typing import NamedTuple

from painlit.config import ClipConfig
from painlit.errors import ClipError
from painlit.inference.live import Camera, Live
from painlit.signals.video.clip_rules import LEAST_SHARE, Chosen
from painlit.signals.video.decoding import TIE, Footage
from painlit.signals.video.pixels import Pixels, UprightRgb
from painlit.signals.video.shown_frames import ShownFrame, notes_of_times

_ROUNDING = 1e-6  # s; time stamps are rational numbers
_REMEMBERED = 1000  # intervals between frames, whose median is the usual one


class Frame(NamedTuple):
    """A frame that windows look at."""

    at: int
    """Its place on the recording's grid: it was wanted at `start` + index / `clip.video_fps`."""
    time: float
    """When it is shown, in s on the video's clock."""
    pixels: Pixels
    """What reads like (H, W, 3) uint8 RGB."""
    damaged: bool


@dataclass(frozen=True)
class VideoWindow:
    """What a window sees of the video."""

    number: int
    start: float
    """s on the video's clock."""
    frames: list[Frame]
    """One for each of `clip.frame_times`."""
    problem: str
    """Why they cannot be used; empty if they can."""
    received: float
    """`time.monotonic` when its last frame was there."""
    note: str = ""
    """What was padded."""


class VideoWindows:
    """The windows of a video; iterate over it once.

    Windows begin at `start` and every step from there, as long as the video holds a whole one. All times that windows
    look at lie on one grid, so what two windows share is decoded once. Each window follows the rule of `ClipReader` for
    gaps and damage. A video that is shorter than a window has one all the same, whose end holds the last frame, if at
    least `least_length` of it is there. Memory holds the frames of one window, as decoded if that can be read by parts.

    Args:
        footage: Frames with their times.
        name: Of the recording, for errors.
        clip: Length and rate of the windows.
        step: s from one window to the next; rounded to the grid, at least one frame.
        start: s on the video's clock, where the first window begins.
        end: No frame from there on is used; None: to the end.
        least_length: Share of a window that a video must last.

    Attributes:
        seconds: So far, how long the video is from `start`.
        looked_at: So far, how many frames were handed out.
        notes: After iteration, what is remarkable about the pictures.
    """

    def __init__(
        self,
        footage: Footage | Live,
        name: object,
        clip: ClipConfig,
        step: float,
        start: float = 0.0,
        end: float | None = None,
        least_length: float = LEAST_SHARE,
    ):
        self.footage, self.name, self.clip = footage, name, clip
        self.start, self.end, self.least_length = start, end, least_length
        self.hop = max(1, round(step * clip.video_fps))
        self.seconds = 0.0
        self.looked_at = 0
        self.notes: tuple[str, ...] = ()
        self._indices = clip.frame_indices
        self._first: dict[int, int] = {}  # remainder of an index by the hop -> the first such index of a window
        for index in self._indices:
            self._first.setdefault(index % self.hop, index)

    def __iter__(self) -> Iterator[VideoWindow]:
        convert = UprightRgb(self.name)
        held: dict[int, Frame] = {}
        intervals: deque[float] = deque(maxlen=_REMEMBERED)
        number, index = 0, self._next(-1)
        before: ShownFrame | None = None

        def take(frame: ShownFrame) -> None:
            pixels = convert.kept(frame.picture, self.footage.claims.aspect)
            held[index] = Frame(index, frame.time, pixels, frame.damaged)
            self.looked_at += 1

        with closing(self.footage.frames(self.start)) as frames:
            for frame in frames:
                if self.end is not None and frame.time > self.end - TIE:
                    break
                if before is not None:
                    intervals.append(frame.time - before.time)
                self.seconds = max(0.0, frame.time - self.start)
                while (wanted := self._time(index)) <= frame.time:
                    nearer = before and wanted - before.time <= frame.time - wanted + TIE
                    take(before if before and nearer else frame)
                    index = self._next(index)
                    if self._last(number) in held:
                        yield self._window(number, held, intervals, frame.time, ended=False)
                        number += 1
                        self._forget(number, held)
                before = frame
        if before is not None:
            self.seconds += median(intervals) if intervals else 1 / self.clip.video_fps
            whole = self.clip.nominal_frames / self.clip.video_fps
            while number == 0 or number * self.hop / self.clip.video_fps + whole <= self.seconds + _ROUNDING:
                while self._last(number) not in held:
                    take(before)
                    index = self._next(index)
                yield self._window(number, held, intervals, before.time, ended=True)
                number += 1
                self._forget(number, held)
        errors = [f"errors in the video: {'; '.join(self.footage.errors)}"] if self.footage.errors else []
        self.notes = (*convert.notes, *notes_of_times(self.footage.assumed_fps, self.footage.out_of_order), *errors)

    def _time(self, index: int) -> float:
        return self.start + index / self.clip.video_fps

    def _next(self, index: int) -> int:
        """The next index that any window looks at."""
        index += 1
        while self._first.get(index % self.hop, index + 1) > index:
            index += 1
        return index

    def _last(self, number: int) -> int:
        return number * self.hop + self._indices[-1]

    def _forget(self, number: int, held: dict[int, Frame]) -> None:
        for index in [index for index in held if index < number * self.hop + self._indices[0]]:
            del held[index]

    def _window(
        self, number: int, held: dict[int, Frame], intervals: Iterable[float], last: float, ended: bool
    ) -> VideoWindow:
        start, received = self._time(number * self.hop), time.monotonic()
        if isinstance(self.footage, Camera) and self.footage.origin is not None:  # taken, and waiting for its turn
            received = self.footage.origin + last
        frames = [held[number * self.hop + index] for index in self._indices]
        wanted = [self._time(frame.at) for frame in frames]
        chosen = Chosen(
            self.name,
            self.clip,
            wanted,
            start,
            times=[frame.time for frame in frames],
            damaged=[t for frame, t in zip(frames, wanted, strict=True) if frame.damaged],
            intervals=list(intervals),
            last=last,
            ended=ended,
            least_length=self.least_length,
        )
        try:
            notes = chosen.judge()
        except ClipError as error:
            return VideoWindow(number, start, frames, error.what, received)
        padded = [note for note in notes if "padded" in note]
        return VideoWindow(number, start, frames, "", received, *padded)
