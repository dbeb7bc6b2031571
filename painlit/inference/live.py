"""Live video: a camera, a file that is still being written, or a pipe."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path
from threading import Condition, Thread
from typing import Any, BinaryIO

import av
from av.container import InputContainer

from painlit.errors import ClipError
from painlit.signals.video.shown_frames import Claims, Decoding, ShownFrame

_LOOK = 0.02  # s between two looks at whether a file has grown
_PROBED = {
    "probesize": "500000",
    "analyzeduration": "500000",
}  # bytes and µs that FFmpeg looks at before the first frame
_WAITING = 64  # frames of a camera that wait while others are assessed; beyond, the oldest is lost
STREAMABLE = "Matroska, WebM, MPEG-TS and fragmented MP4 (-movflags frag_keyframe+empty_moov) can be read as they come"


class LiveDecoding(Decoding):
    """The shown frames of a file that grows, or of a pipe; used as `Decoding`, from its beginning.

    Ends when the pipe is closed, or when nothing was added to the file for `idle` s.

    Args:
        source: The file, or an open pipe.
        idle: In s.
        name: Of a pipe, for errors.
    """

    def __init__(self, source: Path | BinaryIO, idle: float = 10.0, name: str = "the pipe"):
        super().__init__(source if isinstance(source, Path) else Path(name))
        self.source, self.idle = source, idle

    def frames(self, start: float = 0.0) -> Generator[ShownFrame]:
        """From the first frame on; those before `start` are skipped."""
        reader = _Growing(self.source, self.idle) if isinstance(self.source, Path) else _Pipe(self.source)
        try:
            # The most that is waited for at once is a packet's worth, not FFmpeg's usual 32 KiB.
            container = av.open(reader, buffer_size=4096, options=_PROBED, metadata_errors="replace")
        except av.error.FFmpegError as error:
            what = f"{self.path}: no video that can be read as it comes ({error.strerror})"
            raise ClipError(what, STREAMABLE) from error
        assert isinstance(container, InputContainer)
        with container:
            if not container.streams.video:
                raise ClipError(f"{self.path}: there is no video in it", "give the stream with the video")
            stream = container.streams.video[0]
            stream.thread_type = "SLICE"  # threads over whole frames would hold some back
            self.claims = Claims(stream.codec.canonical_name, stream.sample_aspect_ratio)
            seen = False
            for frame in self._in_order(self._timed(container, stream)):
                seen = True
                yield frame
            if not seen:
                self._refuse(stream)


class Camera:
    """Frames of a camera, at the times they were taken; used as `Decoding`.

    A thread takes them, so that the camera never waits; if they are taken faster than they are assessed, the oldest are
    lost, and windows that lack too many say so.

    Args:
        number: Of the camera, 0 is the first.

    Raises:
        ClipError: While iterating: there is no such camera, or it gives no picture.
    """

    out_of_order = 0
    assumed_fps = None
    claims = Claims("camera")

    def __init__(self, number: int):
        self.number = number
        self.errors: dict[str, None] = {}
        self.origin: float | None = None
        """`time.monotonic` of the first frame."""

    def frames(self, start: float = 0.0) -> Generator[ShownFrame]:
        """Read frames until the camera ends or iteration stops."""
        import cv2

        capture = cv2.VideoCapture(self.number)
        if not capture.isOpened():
            check = "check that it is connected and that no other program uses it; the first is 0"
            raise ClipError(f"camera {self.number} cannot be opened", check)
        waiting: deque[tuple[float, Any] | None] = deque(maxlen=_WAITING)
        ready = Condition()
        stopped = False

        def take() -> None:
            while not stopped:
                there, picture = capture.read()
                with ready:
                    if len(waiting) == _WAITING:
                        self.errors["frames of the camera were lost: assessing takes longer than recording"] = None
                    waiting.append((time.monotonic(), picture) if there else None)
                    ready.notify()
                if not there:
                    return

        thread = Thread(target=take, daemon=True)
        thread.start()
        try:
            while True:
                with ready:
                    ready.wait_for(lambda: waiting)
                    taken = waiting.popleft()
                if taken is None:
                    if self.origin is None:
                        raise ClipError(f"camera {self.number} gives no picture", "check it with another program")
                    return
                self.origin = taken[0] if self.origin is None else self.origin
                picture = av.VideoFrame.from_ndarray(taken[1], format="bgr24")
                yield ShownFrame(taken[0] - self.origin, picture, damaged=False)
        finally:
            stopped = True
            thread.join(timeout=5)
            capture.release()


class _Growing:
    """A file that is read to its end, and then on as it grows; without `seek`, so that FFmpeg takes it for a pipe."""

    def __init__(self, path: Path, idle: float):
        self.path, self.idle = path, idle
        self._file: BinaryIO | None = None

    def read(self, size: int) -> bytes:
        grown = time.monotonic()
        while time.monotonic() - grown < self.idle:
            if self._file is None:
                with suppress(FileNotFoundError):
                    self._file = open(self.path, "rb")  # noqa: SIM115 - as long as FFmpeg reads
            if self._file is not None and (data := self._file.read(size)):
                return data
            time.sleep(_LOOK)
        return b""


class _Pipe:
    """Reads a pipe without waiting for full buffers."""

    def __init__(self, pipe: BinaryIO):
        self._pipe = pipe

    def read(self, size: int) -> bytes:
        read1 = getattr(self._pipe, "read1", self._pipe.read)
        return read1(size)


Live = LiveDecoding | Camera
