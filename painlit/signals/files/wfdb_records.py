"""WFDB records (PhysioNet), of one segment or several."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import wfdb
from numpy.typing import NDArray

from painlit.errors import ClipError
from painlit.signals.files.channels import Channel, Recording

_FETCH = "fetch the record again: header and signal files belong together"
_FAULTS = (OSError, ValueError, IndexError, KeyError, TypeError, AttributeError, ZeroDivisionError, OverflowError)


def read_wfdb(record: Path) -> Recording:
    """All signals of a record, NaN where it has gaps; of several segments, joined.

    Args:
        record: Its path without suffix.

    Raises:
        ClipError: A file is missing, damaged or cut short.
    """
    header = read_header(record)
    signals, rates = read_signals(record, header)
    channels = [
        Channel(name, values, rate, unit or "")
        for name, values, rate, unit in zip(header.sig_name, signals, rates, header.units, strict=True)
    ]
    segments = isinstance(header, wfdb.MultiRecord)
    return Recording(channels, [f"{len(header.seg_name)} segments joined"] if segments else [])


def read_header(record: Path) -> wfdb.Record | wfdb.MultiRecord:
    """The header of a record, with `sig_name`, `units`, `fs` and `sig_len` also for several segments.

    Raises:
        ClipError: It is missing or cannot be read, or a file that it names is missing.
    """
    path = record.with_name(f"{record.name}.hea")
    if not path.is_file():
        raise ClipError(f"{path} is missing", _FETCH)
    try:
        header = wfdb.rdheader(str(record), rd_segments=True)
        if isinstance(header, wfdb.MultiRecord):
            _describe(header)
    except FileNotFoundError as error:
        raise ClipError(f"{error.filename} is missing; {path} names it", _FETCH) from error
    except _FAULTS as error:
        raise ClipError(f"{path} is no WFDB header: {error}", _FETCH) from error
    if not header.sig_name or not header.fs or not header.sig_len:
        raise ClipError(f"{path} names no signal, rate or length", _FETCH)
    for file in signal_files(record, header):
        if not file.is_file():
            raise ClipError(f"{file} is missing; {path} names it", _FETCH)
    return header


def signal_files(record: Path, header: wfdb.Record | wfdb.MultiRecord) -> list[Path]:
    """The signal files of a record and of its segments, each once, and the headers of these."""
    if not isinstance(header, wfdb.MultiRecord):
        return [record.with_name(name) for name in dict.fromkeys(header.file_name or ()) if name != "~"]
    files = []
    for name, segment in zip(header.seg_name, header.segments, strict=True):
        if segment is not None and name != "~":
            files += [record.with_name(f"{name}.hea"), *signal_files(record, segment)]
    return list(dict.fromkeys(files))


def read_signals(
    record: Path, header: wfdb.Record | wfdb.MultiRecord, channels: list[int] | None = None
) -> tuple[list[NDArray[np.float64]], list[float]]:
    """Signals in physical units, (n,) each, and the rate of each in Hz.

    Args:
        record: Path without suffix.
        header: Of `read_header`.
        channels: Positions; all by default.

    Raises:
        ClipError: A signal file cannot be read, or is shorter than the header says.
    """
    each = not isinstance(header, wfdb.MultiRecord) and max(header.samps_per_frame) > 1  # channels of own rates
    try:
        got = wfdb.rdrecord(str(record), channels=channels, smooth_frames=not each)
        signals = got.e_p_signal if each else list(got.p_signal.T)
    except _FAULTS as error:
        raise ClipError(f"{record}: its signal file cannot be read: {error}", "fetch it again") from error
    factors = [header.samps_per_frame[k] for k in channels or range(len(signals))] if each else [1] * len(signals)
    for signal, factor in zip(signals, factors, strict=True):
        if len(signal) != header.sig_len * factor:
            raise ClipError(f"{record}: {len(signal)} samples, the header says {header.sig_len}", "fetch it again")
    return [np.array(signal, np.float64) for signal in signals], [float(header.fs) * factor for factor in factors]


def _describe(header: wfdb.MultiRecord) -> None:
    """Give a record of several segments the names, units and length that one of one segment has."""
    described = [segment for segment in header.segments if segment is not None and segment.sig_name]
    header.sig_name = header.sig_name or described[0].sig_name
    units = {
        name: unit
        for segment in reversed(described)
        for name, unit in zip(segment.sig_name, segment.units, strict=True)
    }
    header.units = [units.get(name, "") for name in header.sig_name]
    header.sig_len = header.sig_len or sum(header.seg_len)
