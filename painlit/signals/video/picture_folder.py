"""A clip as a folder of numbered pictures."""

import re
from collections.abc import Generator
from math import gcd
from pathlib import Path

import av

from painlit.errors import ClipError
from painlit.signals.video.shown_frames import Claims, ShownFrame

SUFFIXES = {".bmp", ".jfif", ".jp2", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"}


class PictureFolder:
    """The pictures of a folder as shown frames: same use as `Decoding`.

    The last number in a picture's name is its position, so one that is missing leaves a gap and all later ones stay at
    their time. Positions may start anywhere and have a common step. A picture that does not decode is missing too.

    Args:
        path: The folder. Hidden files and files of other kinds are skipped.
        fps: Pictures a second.

    Attributes:
        errors: Pictures that do not decode.
        claims: Rate, length and number of pictures.

    Raises:
        ClipError: No frame rate is given, there is no picture, or a number is missing or twice there.
    """

    out_of_order = 0
    assumed_fps = None

    def __init__(self, path: Path, fps: float | None):
        if fps is None:
            what = f"{path}: a folder of pictures does not say how many are shown a second"
            raise ClipError(what, "set clip.image_fps (to assess it, assess.image_fps), or give a video")
        self.path, self.fps = path, fps
        self.errors: dict[str, None] = {}
        self.pictures = _numbered(path)
        first = min(self.pictures)
        self._step = gcd(*(number - first for number in self.pictures)) or 1
        seconds = ((max(self.pictures) - first) // self._step + 1) / fps
        self.claims = Claims("pictures", fps=fps, seconds=seconds, frames=len(self.pictures))

    def frames(self, start: float = 0.0) -> Generator[ShownFrame]:
        """From the last picture at or before `start` (s) to the end of the folder.

        Raises:
            ClipError: No picture decodes.
        """
        numbers = sorted(self.pictures)
        times = [(number - numbers[0]) / self._step / self.fps for number in numbers]
        begin = max((k for k, time in enumerate(times) if time <= start), default=0)
        for number, time in list(zip(numbers, times, strict=True))[begin:]:
            try:
                # The options make a picture cut short an error, instead of one filled up with grey.
                with av.open(f"file:{self.pictures[number]}", options={"err_detect": "explode"}) as container:
                    container.streams.video[0].codec_context.options = {"err_detect": "explode"}
                    picture = next(container.decode(video=0))
            except (av.error.FFmpegError, IndexError, StopIteration) as error:
                self.errors[f"{self.pictures[number].name} does not decode ({error or 'no picture'})"] = None
                continue
            yield ShownFrame(time, picture, picture.is_corrupt)
        if len(self.errors) == len(numbers):
            raise ClipError(f"{self.path}: no picture decodes, such as {next(iter(self.errors))}", "copy them again")


def _numbered(path: Path) -> dict[int, Path]:
    try:
        files = sorted(file for file in path.iterdir() if file.suffix.lower() in SUFFIXES and file.name[0] != ".")
    except OSError as error:
        raise ClipError(f"{path}: {error.strerror}", "mend the folder's permissions") from error
    if not files:
        kinds = ", ".join(sorted(SUFFIXES))
        raise ClipError(f"{path}: a folder without pictures ({kinds})", "give a video, or a folder of its pictures")
    numbered: dict[int, Path] = {}
    for file in files:
        digits = re.findall(r"\d+", file.stem)
        if not digits:
            raise ClipError(f"{file}: no number in its name gives its place in the clip", "number the pictures")
        if (other := numbered.setdefault(int(digits[-1]), file)) != file:
            raise ClipError(f"{file}: has the same number as {other.name}", "keep one clip's pictures in a folder")
    return numbered
