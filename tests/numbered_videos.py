"""Small videos whose frames carry their number, of many codecs, rates and containers, written by PyAV."""

import os
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

STRIPE, BITS = 8, 8
WIDTH, HEIGHT = STRIPE * BITS, 48
UNIT = Fraction(1, 90_000)


def numbered(number: int, shape: tuple[int, int] = (HEIGHT, WIDTH)) -> np.ndarray:
    """(H, W, 3) RGB: a stripe a bit of the number in the upper half, lowest left; below it red left, blue right."""
    frame = np.zeros((*shape, 3), np.uint8)
    for bit in range(BITS):
        frame[: HEIGHT // 2, bit * STRIPE : (bit + 1) * STRIPE] = 255 * (number >> bit & 1)
    frame[HEIGHT // 2 :, : WIDTH // 2, 0] = 200
    frame[HEIGHT // 2 :, WIDTH // 2 :, 2] = 200
    return frame


def write(
    path: Path,
    frames: int | Iterable[np.ndarray] = 30,
    fps: Fraction | float = 25,
    codec: str = "libx264",
    pix_fmt: str = "",
    times: Sequence[float] | None = None,
    prepare: Callable[[Any], None] = lambda stream: None,
    **options: str,
) -> Path:
    """Write numbered frames, or those given, at a rate or at times in s; on one thread, for the same bytes again."""
    if isinstance(frames, int):
        frames = [numbered(k % 2**BITS) for k in range(frames)]
    default = {"mjpeg": "yuvj420p", "prores_ks": "yuv422p10le", "gif": "rgb8", "libx264rgb": "rgb24"}
    if codec == "libsvtav1":
        options = {"svtav1-params": "lp=1", "preset": "12", **options}
    if codec == "libx265":
        options = {"x265-params": "log-level=none:pools=1", **options}
    options = {"threads": "1", **options}
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=Fraction(fps).limit_denominator(100_000), options=options)
        stream.pix_fmt = pix_fmt or default.get(codec, "yuv420p")
        if times is not None:
            stream.codec_context.time_base = UNIT
        prepare(stream)
        for k, rgb in enumerate(frames):
            if k == 0:
                stream.height, stream.width = rgb.shape[:2]
            picture = av.VideoFrame.from_ndarray(rgb, format="rgb24")
            if times is not None:
                picture.time_base, picture.pts = UNIT, round(times[k] / UNIT)
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    if codec == "libsvtav1" and hasattr(os, "sched_setscheduler"):
        # As root it makes the calling thread a real-time one, beside which nothing else on that core runs.
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    return path


def read(frames: Iterable[np.ndarray]) -> list[int]:
    """The number that each frame carries, whatever its size."""
    found = []
    for frame in frames:
        height, width = frame.shape[:2]
        columns = ((np.arange(BITS) + 0.5) * width / BITS).astype(int)
        found.append(int(((frame[height // 4, columns].mean(axis=-1) > 127) << np.arange(BITS)).sum()))
    return found


@pytest.fixture(scope="session")
def numbered_frame() -> Callable[..., np.ndarray]:
    return numbered


@pytest.fixture(scope="session")
def write_video() -> Callable[..., Path]:
    return write


@pytest.fixture(scope="session")
def numbers() -> Callable[[Iterable[np.ndarray]], list[int]]:
    return read


@pytest.fixture(scope="module")
def textured() -> list[np.ndarray]:
    """60 frames with something to encode in every block."""
    generator = np.random.default_rng(0)
    wide = generator.integers(0, 256, (20, 60, 3), np.uint8).repeat(8, 0).repeat(8, 1)
    return [wide[:128, 3 * k : 3 * k + 160].copy() for k in range(60)]
