"""Video clips, decoded as a stream: memory does not depend on how long a clip is."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import BinaryIO

# FFmpeg's own messages name no clip and come from its threads; every failure they tell of is a ClipError here.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")

import cv2
import numpy as np

from painlit.errors import ClipError

LEAST_SHARE = 0.9  # of the nominal frames that have to decode


@dataclass(frozen=True)
class VideoInfo:
    """What a clip's container says of it. The frame count may be wrong: the truth is what decodes."""

    width: int  # px
    height: int  # px
    fps: float
    frame_count: int

    @property
    def seconds(self) -> float:
        """Duration, 0 where it is not told."""
        return self.frame_count / self.fps if self.fps > 0 else 0.0


def probe(path: str | Path) -> VideoInfo:
    """Size, frame rate and frame count of a clip, without decoding it.

    Raises:
        ClipError: The file is missing, empty, truncated or no video.
    """
    capture = _open(Path(path))
    try:
        return VideoInfo(
            width=int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)),
            height=int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT)),
            fps=float(capture.get(cv2.CAP_PROP_FPS)),
            frame_count=int(capture.get(cv2.CAP_PROP_FRAME_COUNT)),
        )
    finally:
        capture.release()


def read_frames(path: str | Path, indices: Sequence[int]) -> Iterator[np.ndarray]:
    """The frames at the given positions, decoded one after the other.

    Args:
        path: Clip.
        indices: Positions from 0, strictly increasing.

    Yields:
        (H, W, 3) uint8 RGB.

    Raises:
        ClipError: The file cannot be read, or ends before the last position.
        ValueError: Positions do not increase.
    """
    wanted = _checked(indices)
    decoded = 0
    if not wanted:
        return
    for index, frame in _decode(Path(path), wanted.__contains__):
        decoded = index + 1
        if frame is not None:
            yield frame
        if index == indices[-1]:
            return
    raise ClipError(f"{path}: frame {indices[-1]} asked for, but only {decoded} frames decode", "give a longer clip")


class ClipReader:
    """The frames of a clip that should have a certain length; iterate over it for (H, W, 3) uint8 RGB.

    A clip a few frames short is padded with its last frame. One of which less than 90 % decodes raises a `ClipError`
    when the iteration gets there, even if all positions asked for lie before.

    Args:
        path: Clip.
        indices: Positions from 0, strictly increasing, below `nominal_frames`.
        nominal_frames: How many frames the clip should have.

    Attributes:
        padded: After iteration, how many of the frames handed out were repeats of the last one.

    Raises:
        ValueError: Positions do not increase or reach beyond `nominal_frames`, or that is under 1.
    """

    def __init__(self, path: str | Path, indices: Sequence[int], nominal_frames: int):
        self.path, self.indices, self.nominal_frames = Path(path), indices, nominal_frames
        self.wanted = _checked(indices)
        if nominal_frames < 1:
            raise ValueError(f"nominal_frames is {nominal_frames}, a clip has at least one")
        if self.wanted and indices[-1] >= nominal_frames:
            raise ValueError(f"position {indices[-1]} asked for in a clip of {nominal_frames} frames")
        self.padded = 0

    def __len__(self) -> int:
        return len(self.indices)

    def __iter__(self) -> Iterator[np.ndarray]:
        self.padded = 0
        least = ceil(LEAST_SHARE * self.nominal_frames)
        stop = max(least, self.indices[-1] + 1 if self.wanted else 0)
        decoded, last = 0, None
        # From the 90 % mark on, each frame may turn out to be the last one, so it is kept.
        for index, frame in _decode(self.path, lambda index: index in self.wanted or index >= least - 1):
            decoded = index + 1
            if frame is not None:
                last = frame
                if index in self.wanted:
                    yield frame
            if decoded == stop:
                break
        if decoded < least or last is None:
            raise ClipError(
                f"{self.path}: only {decoded} of {self.nominal_frames} frames decode, under {LEAST_SHARE:.0%}",
                "copy the clip again from its source, or leave it out",
            )
        for index in self.indices:
            if index >= decoded:
                self.padded += 1
                yield last.copy()


def read_clip(path: str | Path, indices: Sequence[int], nominal_frames: int) -> ClipReader:
    """Frames of a clip of nominal length, see `ClipReader`; its `padded` says how many were made up."""
    return ClipReader(path, indices, nominal_frames)


def _checked(indices: Sequence[int]) -> frozenset[int]:
    if any(b <= a for a, b in zip([-1, *indices], indices, strict=False)):
        raise ValueError("frame positions must be 0 or more and strictly increasing")
    return frozenset(int(index) for index in indices)


def _decode(path: Path, wanted: Callable[[int], bool]) -> Iterator[tuple[int, np.ndarray | None]]:
    """Position and, where wanted, picture of one frame after the other, to the end of the clip."""
    capture = _open(path)
    try:
        index = 0
        while capture.grab():
            frame = None
            if wanted(index):
                ok, bgr = capture.retrieve()
                if not ok:
                    return
                frame = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)
            yield index, frame
            index += 1
    finally:
        capture.release()


def _open(path: Path) -> cv2.VideoCapture:
    try:
        if not path.is_file():
            raise FileNotFoundError
        with path.open("rb") as file:
            if not file.read(1):
                raise ClipError(f"{path}: the file is empty (0 bytes)", "copy the clip again from its source")
            capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
            if capture.isOpened():
                return capture
            capture.release()
            lacks_index = _lacks_index(file)
    except FileNotFoundError as error:
        check = "check the data folder: `make check-data` lists what is missing"
        raise ClipError(f"{path}: no such file", check) from error
    except OSError as error:
        raise ClipError(f"{path}: {error.strerror}", "copy it again, or mend its permissions") from error
    if lacks_index:
        raise ClipError(f"{path}: truncated, its index (moov atom) is missing", "copy the clip again in full")
    raise ClipError(f"{path}: not a video that FFmpeg can open", "check the file, or convert it to MP4 (H.264)")


def _lacks_index(file: BinaryIO) -> bool:
    """Whether this is an MP4 file whose top-level boxes do not include `moov`."""
    names = []
    file.seek(0)
    while len(header := file.read(8)) == 8:
        size = int.from_bytes(header[:4], "big")
        names.append(header[4:])
        if size == 1:  # the true size follows in 64 bits
            size = int.from_bytes(file.read(8), "big") - 8
        if size < 8:  # 0: up to the end of the file
            break
        file.seek(size - 8, os.SEEK_CUR)
    return names[:1] == [b"ftyp"] and b"moov" not in names
