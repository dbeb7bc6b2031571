"""Video clips by presentation time, decoded as a stream: memory does not depend on how long a recording is."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from math import inf
from pathlib import Path
from typing import TypeVar

import numpy as np
from av.video.frame import VideoFrame

from painlit.config import ClipConfig
from painlit.errors import ClipError
from painlit.signals.video.clip_rules import Chosen
from painlit.signals.video.picture_folder import PictureFolder
from painlit.signals.video.pixels import Pixels, UprightRgb
from painlit.signals.video.shown_frames import Decoding, ShownFrame, notes_of_times
from painlit.signals.video.turns import rotation

LONGER = 1.1  # times a clip's length: from here on a note says that a part is not used
TIE = 1e-9  # s; of two frames equally near, the earlier is taken
Footage = Decoding | PictureFolder
Read = TypeVar("Read")


@dataclass(frozen=True)
class VideoInfo:
    """What a container states of its video; only its first picture is decoded. Lengths and counts may be estimates."""

    width: int
    """px as displayed: upright, with square pixels."""
    height: int
    """px as displayed."""
    fps: float
    """Average frame rate in Hz; 0 if unknown."""
    seconds: float
    """Length in s; 0 if unknown."""
    frame_count: int
    """0 if unknown."""
    codec: str
    """FFmpeg's name, such as h264; `pictures` for a folder."""
    rotation: int
    """Degrees counterclockwise by which stored pictures are turned for display."""


def probe(path: str | Path, image_fps: float | None = None) -> VideoInfo:
    """Size, frame rate, length and codec of a clip.

    Args:
        path: A video, or a folder of pictures.
        image_fps: Pictures a second of a folder, `clip.image_fps`.

    Raises:
        ClipError: As `read_clip` does for what is no video.
    """
    footage, convert = open_footage(Path(path), image_fps), UprightRgb(path)
    with closing(footage.frames()) as frames:
        picture = next(frames).picture
    claims = footage.claims
    height, width = convert(picture, claims.aspect).shape[:2]
    return VideoInfo(width, height, claims.fps, claims.seconds, claims.frames, claims.codec, rotation(picture))


class ClipReader:
    """The frames of a clip, chosen by presentation time; iterate over it for (H, W, 3) uint8 RGB.

    For each of `clip.frame_times`, counted from `start`, the frame that is shown nearest to it is handed out, the
    earlier of two that are equally near. So a source of another or a variable frame rate gives frames at the same
    times. The rule for what is not as it should be:

    - A recording longer than the clip is read from `start` for `clip.seconds`, and not beyond `end`.
    - One that is shorter is padded with its last frame if at least 90 % of the clip's time are there.
    - A time without a frame nearer than 1.5 intervals of the source (and than 1 / `clip.video_fps`) takes the nearest
      all the same and counts as missing; at most 10 % may be. All later frames stay at their time.
    - Damaged frames (see `Decoding`) are used and counted; at most 10 % may be.

    The last frame is handed out only after all this is settled, so no caller gets all frames of a clip that is refused.

    Args:
        path: A video, or a folder of pictures with numbers in their names.
        clip: Which times are wanted, and `image_fps` for folders.
        start: Where the clip begins, in s on the video's clock, whose 0 is its first shown frame.
        end: Where it ends; frames from there on are not used. None: where the video does.

    Attributes:
        times: After iteration, the presentation time of each frame handed out, in s on the video's clock.
        notes: After iteration, what was repaired and what is remarkable.

    Raises:
        ClipError: `start` and `end` are no part of a recording. While iterating: the file cannot be read (see
            `open_video`, `PictureFolder`), or less than 90 % of the clip is available.
    """

    def __init__(self, path: str | Path, clip: ClipConfig, start: float = 0.0, end: float | None = None):
        if not 0 <= start < inf or not start < (inf if end is None else end):
            what = f"{path}: a clip cannot reach from {start} to {end} s"
            raise ClipError(what, "start is 0 or more, and end is after it")
        self.path, self.clip, self.start, self.end = Path(path), clip, start, end
        self.times: list[float] = []
        self.notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return self.clip.used_frames

    def __iter__(self) -> Iterator[np.ndarray]:
        convert = UprightRgb(self.path)
        return self._frames(convert, convert)

    def kept(self) -> Iterator[Pixels]:
        """The same frames as `UprightRgb.kept` gives them, which is faster if few of their pixels are read."""
        convert = UprightRgb(self.path)
        return self._frames(convert, convert.kept)

    def _frames(self, convert: UprightRgb, keep: Callable[[VideoFrame, Fraction | None], Read]) -> Iterator[Read]:
        footage = open_footage(self.path, self.clip.image_fps)
        chosen = Chosen(self.path, self.clip, [self.start + time for time in self.clip.frame_times], self.start)
        held: Read | None = None
        for frame in self._nearest(footage, chosen):
            if held is not None:
                yield held
            held = keep(frame.picture, footage.claims.aspect)
        chosen.errors = tuple(footage.errors)
        self.times, self.notes = chosen.times, (*chosen.judge(), *self._remarks(footage), *convert.notes)
        assert held is not None
        yield held

    def _nearest(self, footage: Footage, chosen: Chosen) -> Iterator[ShownFrame]:
        """The frame of each wanted time; fewer if there is none at all."""
        wanted, at = chosen.wanted, 0
        before: ShownFrame | None = None
        with closing(footage.frames(self.start)) as frames:
            for frame in frames:
                if self.end is not None and frame.time > self.end - TIE:
                    break
                if before is not None:
                    chosen.intervals.append(frame.time - before.time)
                chosen.last = frame.time
                while at < len(wanted) and wanted[at] <= frame.time:
                    time = wanted[at]
                    nearer = before and time - before.time <= frame.time - time + TIE
                    yield chosen.take(before if before and nearer else frame)
                    at += 1
                if at == len(wanted):
                    return
                before = frame
        chosen.ended = True
        if before:
            for _ in wanted[at:]:
                yield chosen.take(before)

    def _remarks(self, footage: Footage) -> Iterator[str]:
        yield from notes_of_times(footage.assumed_fps, footage.out_of_order)
        whole = self.clip.nominal_frames / self.clip.video_fps
        end = min(footage.claims.seconds or inf, inf if self.end is None else self.end)
        if whole * LONGER < end - self.start < inf:
            used = f"{self.start:g} to {self.start + whole:.2f} s"
            yield f"longer than a clip ({end - self.start:.1f} s): used from {used}"


def read_clip(path: str | Path, clip: ClipConfig, start: float = 0.0, end: float | None = None) -> ClipReader:
    """The used frames of a clip by presentation time, see `ClipReader`."""
    return ClipReader(path, clip, start, end)


def open_footage(path: Path, image_fps: float | None) -> Footage:
    """The frames of a video file, or of a folder of pictures, which are `image_fps` a second."""
    return PictureFolder(path, image_fps) if path.is_dir() else Decoding(path)
