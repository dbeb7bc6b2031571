"""Garmin: FIT by the library fitdecode, and TCX.

FIT: `record.heart_rate`, or the beat intervals of `hrv` messages where a strap's are logged. Those have no times of
their own: that of the record before them counts as the time of their arrival.

TCX is XML of a few elements and needs no library: tcxreader builds the whole tree, follows entities, and drops points
without a position by default, which are all those of a recording indoors.

Source: Garmin's FIT profile (record 20, hrv 78) and TrainingCenterDatabasev2.xsd.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from painlit.errors import ClipError, PainlitError
from painlit.signals.heart_rates.beats import interval_series
from painlit.signals.heart_rates.cleaning import Origin, bpm_series
from painlit.signals.heart_rates.series import HeartRates
from painlit.signals.heart_rates.xml_stream import stream_xml


def read_fit(path: Path) -> HeartRates:
    """Read a FIT file.

    Raises:
        PainlitError: fitdecode is not installed.
        ClipError: The file is damaged or cut short, or has no heart rates.
    """
    try:
        import fitdecode
    except ImportError as error:
        raise PainlitError(
            f"{path} is a FIT file, and the package fitdecode is not installed", "pip install 'painlit[formats]'"
        ) from error
    times: list[datetime] = []
    bpm: list[float] = []
    intervals: list[float] = []
    arrivals: list[datetime | None] = []
    strict = {"check_crc": fitdecode.CrcCheck.RAISE, "error_handling": fitdecode.ErrorHandling.IGNORE}
    try:
        with fitdecode.FitReader(path, **strict) as frames:
            for frame in frames:
                if frame.frame_type != fitdecode.FIT_FRAME_DATA:
                    continue
                if frame.name == "record" and isinstance(time := frame.get_value("timestamp", fallback=None), datetime):
                    times.append(time)
                    bpm.append(_number(frame.get_value("heart_rate", fallback=None)))
                elif frame.name == "hrv":
                    given = frame.get_value("time", fallback=())
                    beats = [_number(beat) for beat in (given if isinstance(given, tuple) else (given,))]
                    intervals += [beat for beat in beats if beat == beat]
                    arrivals += [times[-1] if times else None] * (len(intervals) - len(arrivals))
    except (fitdecode.FitError, ValueError, TypeError, KeyError, IndexError, AssertionError, OverflowError) as error:
        # The last ones are what the library's own decoding raises on damaged definitions.
        raise ClipError(
            f"{path} is a damaged FIT file, or cut short: {error}", "copy it from the device again"
        ) from error
    if not times:
        raise ClipError(
            f"{path} (Garmin FIT) has no records with a time", "export the activity, not its settings or goals"
        )
    began, seconds = times[0], _since(times)
    if intervals:
        notes = ("the beat intervals of its hrv messages are used, not its heart rates",)
        arrived = _since([arrival or began for arrival in arrivals], began)
        return interval_series(Origin(path, "Garmin FIT", notes, began), np.array(intervals), arrived)
    return bpm_series(Origin(path, "Garmin FIT", (), began), seconds, np.array(bpm))


def read_tcx(path: Path) -> HeartRates:
    """Read a TCX file; trackpoints without a heart rate are gaps.

    Raises:
        ClipError: The file is damaged or cut short, or has no heart rates.
    """
    times: list[datetime] = []
    bpm: list[float] = []
    within: list[str] = []
    point: dict[str, str] = {}

    def start(name: str, _: dict[str, str]) -> None:
        within.append(name)
        if name == "Trackpoint":
            point.clear()

    def end(name: str, text: str) -> None:
        within.pop()
        parent = within[-1] if within else ""
        if (parent, name) in (("Trackpoint", "Time"), ("HeartRateBpm", "Value")):
            point[name] = text
        elif name == "Trackpoint" and "Time" in point:
            try:
                time = datetime.fromisoformat(point["Time"])
                times.append(time if time.tzinfo else time.replace(tzinfo=UTC))
                bpm.append(float(point.get("Value") or "nan"))
            except ValueError as error:
                raise ClipError(
                    f"{path}, trackpoint {len(times) + 1}: {point} is no time and heart rate",
                    "mend it, or leave it out",
                ) from error

    with open(path, "rb") as handle:
        stream_xml(path, handle, start, end)
    if not times:
        raise ClipError(f"{path} (Garmin TCX) has no trackpoints with a time", "export the activity again")
    return bpm_series(Origin(path, "Garmin TCX", (), times[0]), _since(times), np.array(bpm))


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else float("nan")


def _since(times: list[datetime], first: datetime | None = None) -> np.ndarray:
    return np.array([(time - (first or times[0])).total_seconds() for time in times])
