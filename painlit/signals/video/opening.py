"""Opening a video file, with an error for each way in which it is not one."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import av
import av.logging
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from painlit.errors import ClipError

CONVERT = "convert it, for example with `ffmpeg -i FILE -c:v libx264 -crf 15 NEW.mp4`"
_NO_FOOTAGE = Disposition.attached_pic | Disposition.still_image | Disposition.timed_thumbnails


@contextmanager
def open_video(path: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    """The container of a video file and the stream that is its footage, ready to decode on several threads.

    Cover pictures and thumbnails are no footage. Of several streams FFmpeg's choice is taken, as a player does.

    Raises:
        ClipError: The file is missing, unreadable, empty, truncated, no video, a single picture, sound only, or of a
            codec without a decoder.
    """
    _check_readable(path)
    try:
        # "file:" keeps names with a colon from being taken for addresses.
        container = av.open(f"file:{path}", metadata_errors="replace")
    except av.error.FFmpegError as error:
        if _lacks_index(path):
            what = f"{path}: truncated, its index (moov atom) is missing"
            raise ClipError(what, "copy the clip again in full") from error
        what = f"{path}: not a video that FFmpeg can open ({error.strerror})"
        raise ClipError(what, "check the file, or convert it to MP4 (H.264)") from error
    with container:
        yield container, _footage(path, container)


def _check_readable(path: Path) -> None:
    try:
        with path.open("rb") as file:
            if not file.read(1):
                raise ClipError(f"{path}: the file is empty (0 bytes)", "copy the clip again from its source")
    except FileNotFoundError as error:
        raise ClipError(f"{path}: no such file", "copy it from where it was recorded, or mend its path") from error
    except OSError as error:
        raise ClipError(f"{path}: {error.strerror}", "copy it again, or mend its permissions") from error


def _footage(path: Path, container: InputContainer) -> VideoStream:
    if container.format.name.endswith("_pipe") or container.format.name == "image2":
        what = f"{path}: a single picture ({container.format.long_name}), not a video"
        raise ClipError(what, "give a video, or a folder with the pictures of a clip and clip.image_fps")
    streams = [stream for stream in container.streams.video if not stream.disposition & _NO_FOOTAGE]
    if not streams:
        held = ", ".join(sorted({stream.type for stream in container.streams})) or "nothing"
        raise ClipError(f"{path}: there is no video in it, only {held}", "give the file with the video")
    best = container.streams.best("video")
    stream = best if best in streams else streams[0]
    assert isinstance(stream, VideoStream)
    if stream.codec_context is None:
        raise ClipError(f"{path}: its codec{_codec(container, stream)} has no decoder here", CONVERT)
    stream.thread_type = "AUTO"
    if stream.codec.canonical_name in ("hevc", "mjpeg"):
        # These two hand out damaged pictures as if they were whole unless set to fail.
        stream.codec_context.options = {"err_detect": "explode"}
    return stream


def _codec(container: InputContainer, stream: VideoStream) -> str:
    """The name of a codec without a decoder after a space, or else its four letters; PyAV has both in a text alone."""
    before = av.logging.get_level()
    av.logging.set_level(av.logging.INFO)
    try:
        text = container.dumps_format()  # type: ignore[attr-defined]  # its stub lacks this
    except UnicodeDecodeError:  # four bytes that are no letters
        return ""
    finally:
        av.logging.set_level(before)
    found = re.search(rf"Stream #0:{stream.index}(?!\d)[^\n]*?: Video: (\S+?)(?: \((.{{4,}}?) / 0x|[ ,])", text)
    if found is None:
        return ""
    names = [found[1], found[2] or "none"]
    return next((f" {name}" for name in names if name != "none"), "")


def _lacks_index(path: Path) -> bool:
    """Whether this is an MP4 file whose top-level boxes do not include `moov`."""
    with path.open("rb") as file:
        names = list(_box_names(file))
    return names[:1] == [b"ftyp"] and b"moov" not in names


def _box_names(file: BinaryIO) -> Iterator[bytes]:
    while len(header := file.read(8)) == 8:
        size = int.from_bytes(header[:4], "big")
        yield header[4:]
        if size == 1:  # the true size follows in 64 bits
            size = int.from_bytes(file.read(8), "big") - 8
        if size < 8:  # 0: up to the end of the file
            return
        file.seek(size - 8, os.SEEK_CUR)
