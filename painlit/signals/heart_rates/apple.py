"""Apple Health: `export.xml`, alone or within the zip that the app writes.

`Record` elements of the type HKQuantityTypeIdentifierHeartRate are used, from their `startDate` on, and the beats of
heart-rate-variability measurements (`InstantaneousBeatsPerMinute`), each of which ends an interval of 60/bpm. Beats
have times of day in the phone's format, often in another zone than their record, so only minutes and seconds are read:
a measurement lasts a minute.

Source: the DTD within the exports, and samples in public repositories.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter, defaultdict
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import IO
from zipfile import BadZipFile, ZipFile

import numpy as np

from painlit.errors import ClipError
from painlit.signals.heart_rates.cleaning import Origin, bpm_series
from painlit.signals.heart_rates.devices import choose_device
from painlit.signals.heart_rates.series import HeartRates
from painlit.signals.heart_rates.xml_stream import stream_xml

_RATE, _VARIABILITY = "HKQuantityTypeIdentifierHeartRate", "HKQuantityTypeIdentifierHeartRateVariabilitySDNN"
_PER_MINUTE = {"count/min": 1.0, "count/s": 60.0}
_BEAT = re.compile(r"\d{1,2}[:.](\d\d)[:.](\d\d(?:[.,]\d+)?)")
_QUARTER = 900.0  # s; zones differ by whole quarters of an hour
_EARLY = 5.0  # s by which a beat may come before its record's start, which is rounded


def read_apple_health(path: Path, device: str | None = None) -> HeartRates:
    """Read an export of Apple Health as a stream.

    Args:
        path: Of the XML, or of the zip.
        device: The `sourceName` to take; by default the one with the most heart rates.

    Raises:
        ClipError: The file is damaged or cut short, or has no heart rates.
    """
    records: dict[str, list[tuple[float, float]]] = defaultdict(list)  # source -> s since 1970 and bpm
    beats: dict[str, list[tuple[float, float]]] = defaultdict(list)
    measured: list[dict[str, str]] = [{}]

    def start(name: str, attributes: dict[str, str]) -> None:
        if name == "Record":
            kind = attributes.get("type")
            measured[0] = attributes if kind == _VARIABILITY else {}
            if kind == _RATE:
                records[attributes.get("sourceName", "")].append(_record(attributes))
        elif name == "InstantaneousBeatsPerMinute" and measured[0]:
            beats[measured[0].get("sourceName", "")].append(_beat(attributes, measured[0]))

    with ExitStack() as stack:
        try:
            stream_xml(path, _open(path, stack), start)
        except (KeyError, ValueError) as error:
            count = sum(map(len, records.values()))
            raise ClipError(
                f"{path}, after {count} heart rates: a record is no time and value ({error})", "export again"
            ) from error
        except (BadZipFile, zlib.error, EOFError, RuntimeError) as error:  # RuntimeError: it is encrypted
            raise ClipError(f"{path} is a damaged zip file: {error}", "copy it again, or unpack it") from error
    if not records:
        raise ClipError(f"{path} (Apple Health) has no heart rates", f"its records of type {_RATE} are used")
    chosen, notes = choose_device(path, Counter({name: len(values) for name, values in records.items()}), device)
    single = np.array(records[chosen])  # (n, 2)
    extra = np.array(beats[chosen]).reshape(-1, 2)
    notes += (f"{len(extra)} beats of heart-rate-variability measurements are among them",) if len(extra) else ()
    values = np.concatenate([single, extra])
    first = float(single[:, 0].min())
    steps = np.diff(np.unique(single[:, 0]))
    origin = Origin(path, "Apple Health", notes, datetime.fromtimestamp(first, UTC), records=True)
    return bpm_series(origin, values[:, 0] - first, values[:, 1], float(np.median(steps)) if steps.size else None)


def _record(attributes: dict[str, str]) -> tuple[float, float]:
    unit = attributes.get("unit", "count/min")
    if unit not in _PER_MINUTE:
        raise ValueError(f"unit {unit!r}")
    return _time(attributes["startDate"]), float(attributes["value"]) * _PER_MINUTE[unit]


def _beat(attributes: dict[str, str], record: dict[str, str]) -> tuple[float, float]:
    """Where the interval before a beat begins, in s since 1970, and its bpm."""
    found, bpm = _BEAT.search(attributes["time"]), float(attributes["bpm"])
    if not found:
        raise ValueError(attributes["time"])
    began = _time(record["startDate"])
    clock = 60 * int(found[1]) + float(found[2].replace(",", "."))
    after = (clock - began + _EARLY) % _QUARTER - _EARLY
    return began + after - (60 / bpm if bpm > 0 else 0), bpm


def _time(text: str) -> float:
    return datetime.fromisoformat(text.replace(" +", "+").replace(" -", "-")).timestamp()


def _open(path: Path, stack: ExitStack) -> IO[bytes]:
    handle = stack.enter_context(path.open("rb"))
    if handle.read(2) != b"PK":
        handle.seek(0)
        return handle
    archive = stack.enter_context(ZipFile(handle))
    # The export's name is in the phone's language; export_cda.xml beside it has no heart rates of its own.
    names = [name for name in archive.namelist() if name.endswith(".xml") and not name.endswith("_cda.xml")]
    if len(names) != 1:
        raise ClipError(f"{path} has {len(names)} XML files, Apple Health's export has one", "unpack it, name the file")
    return stack.enter_context(archive.open(names[0]))
