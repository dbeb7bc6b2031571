"""Requests to a model: whether they are valid, and which signals of a recording are read."""

from __future__ import annotations

from collections.abc import Collection
from numbers import Real
from typing import Any

import numpy as np

from painlit.errors import ArgumentError, PainlitError
from painlit.inference.scoring import plain_part


def check_request(video: Any, ecg: Any, heart_rate: Any, times: dict[str, Any]) -> None:
    """Refuse an impossible request.

    Args:
        video: File of the video, or None.
        ecg: Of the ECG, or None.
        heart_rate: Of heart rates, or None.
        times: start, end, offset and step, in s, as of `Model.assess`.

    Raises:
        ArgumentError: Nothing is given, or ECG and heart rates at once, or a time is impossible.
    """
    if video is None and ecg is None and heart_rate is None:
        raise ArgumentError("nothing is given", "give a video, an ECG or heart rates")
    if ecg is not None and heart_rate is not None:
        raise ArgumentError("an ECG and heart rates are given", "give an ECG or heart rates, not both")
    for name, time in times.items():
        if time is not None and not isinstance(time, Real):
            raise ArgumentError(f"{name} is {time!r}, no number", "give s as a number, such as 0.8")
    start, end, step = times["start"], times["end"], times["step"]
    if not 0 <= start < np.inf or (end is not None and not start < end):
        raise ArgumentError(f"start is {start} and end {end}", "start is 0 s or later, and end after it")
    if not np.isfinite(times["offset"]):
        raise ArgumentError(f"offset is {times['offset']}", "it must be finite")
    if not 0 < step < np.inf:
        raise ArgumentError(f"step is {step}", "it must be positive")


def what_is_read(parts: Collection[str], video: bool, signal: bool) -> tuple[bool, bool]:
    """Whether any part of a bundle reads the video, and the heart rates, that a recording has.

    Args:
        parts: Those of the bundle: fusion, video, heart_rate.
        video: Whether the recording has a video.
        signal: Whether it has an ECG or heart rates.

    Raises:
        PainlitError: No part can give a score of these alone.
    """
    possible = {"fusion": video and signal, "video": video, "heart_rate": signal}
    if not any(possible[part] for part in parts):
        read, there = " or ".join(map(plain_part, parts)), "video" if video else "heart rate"
        needed = "a signal (--ecg or --heart-rate)" if video else "a video"
        raise PainlitError(
            f"there can be no score: the bundle has a model of {read}, and there is only {there}",
            f"give {needed} too, or bundle a run with model.modality={'video' if video else 'heart_rate'} beside",
        )
    return video and bool({*parts} & {"fusion", "video"}), signal and bool({*parts} & {"fusion", "heart_rate"})
