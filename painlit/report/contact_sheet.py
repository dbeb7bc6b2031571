"""The contact sheet of a preparation: crops of each subject's most doubtful clip, as they may be shown."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np

from painlit.clips.clip import Clip
from painlit.clips.table import PreparedClip
from painlit.config import Config
from painlit.errors import ClipError
from painlit.signals.video.clip_faces import clip_crops
from painlit.system.processes import cores

SIDE = 128
"""Of a thumbnail, in px: some 4 KB, so all of them stay at about 3 MB at most."""
BLURRED_SIDE = 8
"""Of a blurred one: they show where the head is, and the rest is not in the file."""
MOST_SUBJECTS, MOST_MORE = 100, 20
"""Subjects that are shown, one clip each, and more clips whose boxes are doubtful."""
DOUBTFUL = 0.1
"""`box_doubts` of those: a face moves by a few percent of its size from frame to frame."""


@dataclass(frozen=True)
class Thumbnail:
    """One crop."""

    role: str
    """first, middle, last, worst; several in a short clip."""
    frame: int
    """From 1."""
    found: bool
    image: str
    """Data URI."""


@dataclass(frozen=True)
class Strip:
    """The crops of one clip."""

    row: PreparedClip
    thumbnails: list[Thumbnail]
    """Empty if faces are not shown, or not available."""
    problem: str = ""
    """Why there are no crops."""

    @property
    def frames(self) -> int:
        """Frames used of the clip."""
        return len(_boxes(self.row))

    @property
    def missed(self) -> int:
        """Frames in which no face was found."""
        return 0 if self.row.found is None else int((~self.row.found).sum())

    @property
    def jump(self) -> float:
        """The largest jump of a found face between its neighbours, in sides of its box."""
        doubts = box_doubts(_boxes(self.row), self.row.found)
        return float(doubts[doubts <= 1].max(initial=0))


def contact_sheet(
    config: Config, clips: Mapping[str, Clip], rows: Sequence[PreparedClip], advance: Callable[[], None] = lambda: None
) -> dict[str, list[Strip]]:
    """Strips by subject, in the order of the rows.

    A clip whose video cannot be read any more has a strip that says why. Clips are decoded side by side in threads.

    Args:
        config: Clip and face settings, and `report.faces`.
        clips: Where the videos are, by clip name.
        rows: Which clips, as `clips_to_look_at` chooses them.
        advance: Called after each clip.
    """
    strips: dict[str, list[Strip]] = {}
    with ThreadPoolExecutor(config.prepare.workers or cores()) as pool:
        for strip in pool.map(lambda row: _strip(clips[row.name], row, config), rows):
            strips.setdefault(clips[strip.row.name].subject, []).append(strip)
            advance()
    return strips


def clips_to_look_at(rows: Sequence[PreparedClip], clips: Mapping[str, Clip]) -> list[PreparedClip]:
    """Of each subject the clip with the most doubtful box, and the worst of the others that are `DOUBTFUL`.

    At most `MOST_SUBJECTS` + `MOST_MORE` clips, the most doubtful first.
    """
    doubts = {row.name: box_doubts(row.boxes, row.found).max() for row in rows if row.boxes is not None}
    doubtful = sorted((row for row in rows if row.name in doubts), key=lambda row: (-doubts[row.name], row.name))
    of_subject: dict[str, PreparedClip] = {}
    others = [
        row
        for row in doubtful
        if of_subject.setdefault(clips[row.name].subject, row) is not row and doubts[row.name] > DOUBTFUL
    ]
    chosen = [*list(of_subject.values())[:MOST_SUBJECTS], *others[:MOST_MORE]]
    return sorted(chosen, key=lambda row: (-doubts[row.name], row.name))


def box_doubts(boxes: np.ndarray, found: np.ndarray | None = None) -> np.ndarray:
    """How doubtful the box of each frame is.

    Args:
        boxes: (F, 4) x1, y1, x2, y2 in px.
        found: (F,) bool; None if the face was found in each frame.

    Returns:
        (F,) For a found face, how far the box is from the middle between its two neighbours: the largest distance of
        an edge, in sides of the box, which tracking keeps below 1. For an interpolated one, 1 and the frames to the
        nearest found one. Of the first and the last frame, 0 if found.

    >>> box_doubts(np.array([[0, 0, 10, 10], [3, 0, 13, 10], [0, 0, 10, 10]]))
    array([0. , 0.3, 0. ])
    """
    boxes = np.asarray(boxes, np.float64)
    doubts = np.zeros(len(boxes))
    side = np.maximum((boxes[:, 2:] - boxes[:, :2]).max(axis=1), 1)
    off = np.abs(boxes[1:-1] - (boxes[:-2] + boxes[2:]) / 2).max(axis=1, initial=0)
    doubts[1:-1] = np.minimum(off / side[1:-1], 1)
    if found is not None and found.any() and not found.all():
        frames = np.arange(len(boxes))
        away = np.abs(frames[:, None] - frames[found]).min(axis=1)
        doubts[~found] = 1 + away[~found]
    return doubts


def data_uri(crop: np.ndarray, faces: str) -> str:
    """A crop as an image within a page.

    Args:
        crop: (H, W, 3) uint8 RGB.
        faces: `report.faces`: show, or blur, which leaves `BLURRED_SIDE` px of it, whatever size they are shown at.
    """
    bgr = cv2.cvtColor(crop, cv2.COLOR_RGB2BGR)
    if faces == "blur":
        bgr, kind, options = cv2.resize(bgr, (BLURRED_SIDE, BLURRED_SIDE), interpolation=cv2.INTER_AREA), "png", []
    else:
        kind, options = "jpeg", [cv2.IMWRITE_JPEG_QUALITY, 80]
    _, encoded = cv2.imencode(f".{kind}", bgr, options)
    return f"data:image/{kind};base64,{base64.b64encode(encoded.tobytes()).decode()}"


def _strip(clip: Clip, row: PreparedClip, config: Config) -> Strip:
    faces, boxes = config.report.faces, _boxes(row)
    if faces == "none":
        return Strip(row, [])
    assert clip.video is not None, f"{clip.name} has boxes and no video"
    roles = _roles(box_doubts(boxes, row.found))
    try:
        crops = enumerate(clip_crops(clip.video, boxes, config.clip, config.face, SIDE, *clip.stretch[:2]))
        images = {k: data_uri(crop, faces) for k, crop in crops if k in roles}
    except ClipError as error:
        return Strip(row, [], str(error))
    found = np.ones(len(boxes), bool) if row.found is None else row.found
    return Strip(row, [Thumbnail(roles[k], k + 1, bool(found[k]), images[k]) for k in roles])


def _roles(doubts: np.ndarray) -> dict[int, str]:
    """Frame -> why it is shown; a short clip has one frame for several reasons."""
    roles: dict[int, str] = {}
    frames = [("first", 0), ("middle", len(doubts) // 2), ("last", len(doubts) - 1)]
    if doubts.any():
        frames.append(("worst", int(doubts.argmax())))
    for role, frame in frames:
        roles[frame] = f"{roles[frame]}, {role}" if frame in roles else role
    return roles


def _boxes(row: PreparedClip) -> np.ndarray:
    assert row.boxes is not None, f"{row.name} has no boxes"
    return row.boxes
