"""The frames of a video with their presentation times, in order, from a place within it."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from math import inf
from pathlib import Path
from typing import NamedTuple

import av
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from painlit.errors import ClipError
from painlit.signals.video.opening import CONVERT, open_video

_LEADS = (2.0, 10.0, 60.0)  # s before the wanted place that are tried, since few containers seek exactly


@dataclass(frozen=True)
class ShownFrame:
    """A decoded picture, and when it is shown."""

    time: float
    """s since the video's first shown frame."""
    picture: VideoFrame
    damaged: bool
    """An error was reported in it, or in one that it may be predicted from; see `Decoding`."""


class _Loss(NamedTuple):
    """A picture may be lost or damaged. In units of the stream's time, or in s where pictures have none."""

    since: float
    """Pictures shown before this are not concerned."""
    until: float
    """A key frame shown after this is whole."""

    def with_earlier(self, other: "_Loss | None") -> "_Loss":
        return _Loss(min(self.since, other.since), max(self.until, other.until)) if other else self


@dataclass(frozen=True)
class Claims:
    """What a file states about its video."""

    codec: str
    aspect: Fraction | None = None
    """Width of a pixel over its height; None if the file does not say."""
    fps: float = 0.0
    """On average, in Hz; 0 if unknown."""
    seconds: float = 0.0
    """0 if unknown."""
    frames: int = 0
    """0 if unknown."""


class Decoding:
    """The shown frames of a video file, decoded one after the other; use it once.

    The clock's 0 is the presentation time of the first frame that is shown, whatever the container calls it. A frame
    whose time is not after that of the one before is left out.

    *Damage.* A frame is damaged if its decoder reports an error or concealment in it, or the container that a part of
    it or of one before it is lost (as MPEG-TS counts its packets), and so are all after it up to the next key frame,
    since they may be predicted from it. A picture that does not decode at all is missing. Not all is noticed: codecs
    with arithmetic coding and no checksums (VP8, VP9, mostly HEVC, some of H.264) turn bit errors into wrong pixels,
    and of what is lost in the first picture or just after it, FFmpeg hands on no word.

    Args:
        path: A video file.

    Attributes:
        claims: Once a frame was decoded, what the file states about its video.
        errors: What the decoder or the container reported, without repetitions.
        out_of_order: Frames left out since time stood still or went back.
        assumed_fps: The frame rate by which frames without any time were placed; None if they have times.

    Raises:
        ClipError: While iterating: from `open_video`, or not one picture decodes.
    """

    claims: Claims

    def __init__(self, path: Path):
        self.path = path
        self.errors: dict[str, None] = {}
        self.out_of_order = 0
        self.assumed_fps: float | None = None
        self._zero: int | None = None

    def frames(self, start: float = 0.0) -> Generator[ShownFrame]:
        """From the last key frame at or before `start` (s) or from an earlier one, to the end of the file."""
        self._zero = None
        for lead in (*(lead for lead in _LEADS if lead < start), None):
            with open_video(self.path) as (container, stream):
                frames = self._timed(container, stream)
                first = next(frames, None)
                if first is None:
                    self._refuse(stream)
                assert first is not None
                self.claims = _claims(container, stream)
                if lead is not None:
                    frames = self._from(start - lead, container, stream)
                    first = next((frame for frame in frames if frame.picture.key_frame), None)
                    if first is None or first.time > start:
                        continue
                yield from self._in_order(chain([first], frames))
                return

    def _from(self, time: float, container: InputContainer, stream: VideoStream) -> Iterator[ShownFrame]:
        """From near `time`; none where the container cannot be searched by time."""
        if self._zero is None or not stream.time_base:
            return
        try:
            container.seek(self._zero + int(time / stream.time_base), stream=stream)
        except av.error.FFmpegError:
            return
        yield from self._timed(container, stream)

    def _timed(self, container: InputContainer, stream: VideoStream) -> Iterator[ShownFrame]:
        unit, time = float(stream.time_base or 0), None
        loss: _Loss | None = None
        # AVI stores no presentation times, and those that FFmpeg makes up for H.264 are wrong with B-frames.
        by_decoding = container.format.name == "avi"
        for picture in self._decoded(container, stream):
            if isinstance(picture, _Loss):
                loss = picture.with_earlier(loss)
                continue
            stamp = picture.dts if by_decoding else picture.pts
            if stamp is None:
                rate = float(stream.average_rate or stream.guessed_rate or 25)
                self.assumed_fps = self.assumed_fps if by_decoding else rate
                time = 0.0 if time is None else time + 1 / rate
            else:
                self._zero = stamp if self._zero is None else self._zero
                time = (stamp - self._zero) * unit
            place = time if stamp is None else stamp
            if picture.is_corrupt:
                loss = _Loss(place, place).with_earlier(loss)
            elif loss and picture.key_frame and place > loss.until:
                loss = None
            yield ShownFrame(time, picture, damaged=loss is not None and place >= loss.since)

    def _decoded(self, container: InputContainer, stream: VideoStream) -> Iterator[VideoFrame | _Loss]:
        """Pictures and losses in between.

        With several threads a decoder's error comes out some packets after the one that it is in. A container's word of
        a loss in a packet comes with the packet before, if it had to be parsed into pictures (as MPEG-TS has).
        """
        read, lost = 0, False
        packets = container.demux(stream)
        while True:
            try:
                packet = next(packets, None)
            except av.error.InvalidDataError as error:
                self.errors[f"the file is damaged ({error.strerror})"] = None
                packet = None
            except IndexError:  # PyAV's at the end, if a stream such as sound has begun on the way
                packet = None
            except OSError as error:
                raise ClipError(f"{self.path}: {error.strerror}", "copy the clip again from its source") from error
            if packet is None:
                return
            read = max(read, packet.pts or packet.dts or 0)
            if packet.is_corrupt or lost:
                self.errors["the file is damaged (a part of it is lost)"] = None
                yield _Loss(read if packet.dts is None else packet.dts, read)
            lost = packet.is_corrupt
            try:
                pictures = packet.decode()
            except av.error.FFmpegError as error:
                self.errors[str(error.strerror)] = None
                yield _Loss(-inf, read)
                continue
            yield from pictures

    def _in_order(self, frames: Iterator[ShownFrame]) -> Iterator[ShownFrame]:
        last = -1.0
        for frame in frames:
            if frame.time > last:
                last = frame.time
                yield frame
            else:
                self.out_of_order += 1

    def _refuse(self, stream: VideoStream) -> None:
        codec, why = stream.codec.canonical_name, "; ".join(self.errors) or "no picture"
        raise ClipError(f"{self.path}: nothing in it decodes (codec {codec}: {why})", CONVERT)


def notes_of_times(assumed_fps: float | None, out_of_order: int) -> Iterator[str]:
    """What is remarkable about the times of frames: see `Decoding`."""
    if assumed_fps:
        yield f"the file has no frame times; its frames are taken to be {assumed_fps:.4g} a second"
    if out_of_order:
        yield f"{out_of_order} frames left out, whose time is not after that of the frame before"


def _claims(container: InputContainer, stream: VideoStream) -> Claims:
    fps = float(stream.average_rate or stream.guessed_rate or 0)
    if stream.duration and stream.time_base:
        seconds = float(stream.duration * stream.time_base)
    else:
        seconds = (container.duration or 0) / av.time_base
        if seconds and "matroska" in container.format.name and stream.start_time and stream.time_base:
            seconds -= float(stream.start_time * stream.time_base)  # its length is the time of its end
    frames = stream.frames or round(seconds * fps)
    return Claims(stream.codec.canonical_name, stream.sample_aspect_ratio, fps, seconds, frames)
