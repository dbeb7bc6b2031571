"""One person's face between two photographs, neutral and smiling: both are moved along the optical flow and blended."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from painlit.errors import PainlitError
from painlit.images.reading import UnreadableImageError, read_image

_SIDE = 512  # px that larger photographs are reduced to
_STEPS = 40  # in which an expression grows
_FLOW_BLUR = 4  # px
_TRIES, _CLOSE = 100, 1e-4  # when the search for the best position ends


class Face:
    """A person's expression in any strength.

    Args:
        neutral: A square photograph.
        smiling: Another of the same person.

    Raises:
        PainlitError: A photograph cannot be read or is not square, or the two differ in size.
    """

    def __init__(self, neutral: Path, smiling: Path):
        self.neutral, other = _read(neutral), _read(smiling)
        if self.neutral.shape != other.shape:
            raise PainlitError(f"{neutral} and {smiling.name} differ in size", "fetch both again")
        self._smiling = _aligned(self.neutral, other)
        self._forward = _optical_flow(self.neutral, self._smiling)
        self._backward = _optical_flow(self._smiling, self.neutral)
        self._drawn: dict[int, np.ndarray] = {}

    def at(self, intensity: float) -> np.ndarray:
        """The face, (side, side, 3) uint8 BGR, from 0, neutral, to 1, smiling, in steps of 1/40."""
        step = round(float(np.clip(intensity, 0, 1)) * _STEPS)
        if step not in self._drawn:
            share = step / _STEPS
            neutral = _moved(self.neutral, share * self._forward)
            smiling = _moved(self._smiling, (1 - share) * self._backward)
            self._drawn[step] = cv2.addWeighted(neutral, 1 - share, smiling, share, 0)
        return self._drawn[step]


def _read(path: Path) -> np.ndarray:
    """A photograph, (side, side, 3) uint8 BGR."""
    try:
        image = read_image(path)[..., ::-1]
    except UnreadableImageError as error:
        raise PainlitError(str(error), "fetch it again") from error
    height, width = image.shape[:2]
    if height != width:
        raise PainlitError(f"{path} is {width} x {height} px, and not square", "fetch it again")
    if height > _SIDE:
        return cv2.resize(image, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(image)


def _aligned(reference: np.ndarray, image: np.ndarray) -> np.ndarray:
    """An image turned and shifted so that it lies best over the reference; as it is where none is found."""
    grey = [cv2.cvtColor(each, cv2.COLOR_BGR2GRAY).astype(np.float32) / 255 for each in (reference, image)]
    matrix = np.eye(2, 3, dtype=np.float32)
    end = cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, _TRIES, _CLOSE
    try:
        _, matrix = cv2.findTransformECC(grey[0], grey[1], matrix, cv2.MOTION_EUCLIDEAN, end, None, 7)  # type: ignore[call-overload]
    except cv2.error:  # it does not converge
        return image
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(image, matrix, image.shape[1::-1], flags=flags, borderMode=cv2.BORDER_REPLICATE)


def _optical_flow(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Where each pixel goes, (H, W, 2) in px, smoothed."""
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    search.setFinestScale(1)
    search.setVariationalRefinementAlpha(60)
    grey = [cv2.cvtColor(each, cv2.COLOR_BGR2GRAY) for each in (start, end)]
    return cv2.GaussianBlur(search.calc(*grey, None), (0, 0), _FLOW_BLUR)  # type: ignore[call-overload]


def _moved(image: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """An image with every pixel moved along the flow."""
    y, x = np.indices(image.shape[:2], np.float32)
    return cv2.remap(image, x - flow[..., 0], y - flow[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
