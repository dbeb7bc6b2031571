"""The part of `make assess` that scores video as it comes."""

from __future__ import annotations

import csv
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from painlit.config import Config
from painlit.errors import PainlitError

if TYPE_CHECKING:
    from painlit.inference.live import Live
    from painlit.inference.model import Model
    from painlit.inference.person import Rest


def live_source(config: Config) -> Live | None:
    """What to stream from; None where a recording is to be assessed.

    Raises:
        PainlitError: Two sources are given, none is, or signals, which a stream does not read.
    """
    wanted = config.assess
    if not wanted.stream and wanted.camera is None:
        return None
    from painlit.inference.live import Camera, LiveDecoding

    if wanted.ecg or wanted.heart_rate:
        raise PainlitError("a stream is video alone", "assess the files when they are whole, without assess.stream")
    if wanted.camera is not None:
        if wanted.recording:
            raise PainlitError(
                f"assess.camera={wanted.camera} and {wanted.recording} are both given", "give one of them"
            )
        return Camera(wanted.camera)
    if wanted.recording == "-":
        return LiveDecoding(sys.stdin.buffer, name="standard input")
    if not wanted.recording:
        raise PainlitError(
            "assess.stream=true, and no recording", "give a file that grows, - for a pipe, or --camera 0"
        )
    return LiveDecoding(Path(wanted.recording), wanted.idle)


def print_stream(config: Config, model: Model, live: Live, rest: Rest | None) -> None:
    """Print a line of CSV for each window as it comes, and keep them in <assess.out>/stream.csv."""
    wanted = config.assess
    path = Path(wanted.out) / "stream.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    seconds = wanted.baseline_seconds
    rows = model.stream(live, step=wanted.step, calibrated=wanted.calibrated, rest=rest, baseline_seconds=seconds)
    with open(path, "w", newline="", encoding="utf-8") as handle:
        writers = [csv.writer(handle), csv.writer(sys.stdout)]
        for number, row in enumerate(rows):
            for writer in writers:
                if number == 0:
                    writer.writerow(row)
                writer.writerow(map(_cell, row.values()))
            handle.flush()
            sys.stdout.flush()


def _cell(value: object) -> object:
    if isinstance(value, float):
        return "" if math.isnan(value) else round(value, 6)
    return value
