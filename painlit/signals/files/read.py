"""Read the ECG of a file, whatever its format."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from painlit.errors import ClipError
from painlit.signals.ecg.qrs_features import MAX_RATE, MIN_RATE
from painlit.signals.files.arrays import read_mat, read_numpy
from painlit.signals.files.biopac import read_acq
from painlit.signals.files.channels import HEART_RATES, Channel, Recording, choose_lead, is_counter, is_time
from painlit.signals.files.ecg_signal import EcgSignal
from painlit.signals.files.edf import read_edf
from painlit.signals.files.text import read_text
from painlit.signals.files.times import CLOCK, Clock, agree, read_clock
from painlit.signals.files.units import in_millivolts

FORMATS = "text tables, WFDB, EDF and BDF, MAT, NPY, NPZ and .acq are read"


def read_ecg(path: Path | str, rate: float | None = None, lead: str = "") -> EcgSignal:
    """One lead of a recording, on even steps.

    Text is recognised by content, and so are EDF, BDF, NPY, NPZ and MAT; a WFDB record is named by its header, its
    signal file or without suffix. docs/recordings.md has the rules.

    Args:
        path: The file.
        rate: In Hz, for a file that states none. One that states another, by more than 1 %, is refused.
        lead: Name of the channel, in any case; empty takes the only ECG, or of several the best by signal quality.

    Raises:
        ClipError: The file is missing, damaged or of no known format; it has no such lead; or its times or rate cannot
            be used. The row is named where there are rows.
    """
    path = Path(path)
    recording = _open(path)
    channels = [channel for channel in recording.channels if not is_counter(channel)]
    clock, channels, notes = _clock(channels, rate, recording, path)
    channel, chosen = choose_lead(channels, lead, clock.rate if clock else rate, str(path))
    if channel.wrong:
        raise ClipError(f"{path}, {channel.wrong} in column {channel.name or 'of the ECG'}", "copy the file again")
    if channel.rate and not clock:
        agree(channel.rate, rate, f"{path} says {channel.rate:g} Hz")
    hertz = clock.rate if clock else channel.rate or rate
    if not hertz:
        raise ClipError(
            f"{path} states no sampling rate and has no column of times",
            f"give it in Hz: signals.rate=512; {HEART_RATES}",
        )
    if not MIN_RATE <= hertz <= MAX_RATE:
        raise ClipError(f"{path}: {hertz:g} Hz", f"an ECG has {MIN_RATE:g} to {MAX_RATE:g} Hz: check rate and lead")
    values = _on_grid(channel.values, clock, recording, path)
    values, gaps, lost, repairs = _whole(values, hertz, path)
    values, unit, converted = in_millivolts(values, channel.unit)
    remarks = [*recording.notes, *notes, *chosen, *repairs, converted]
    start = (clock.start if clock else 0.0) + lost / hertz
    return EcgSignal(values, hertz, start, unit, channel.name, tuple(filter(None, remarks)), gaps, str(path))


def _open(path: Path) -> Recording:
    suffix = path.suffix.lower()
    try:
        if suffix == ".hea" or (suffix in (".dat", ".mat", "") and _header_of(path).is_file()):
            from painlit.signals.files.wfdb_records import read_wfdb

            return read_wfdb(_header_of(path).with_suffix(""))
        with open(path, "rb") as handle:
            head = handle.read(512)
        if not head.strip(b"\0"):
            raise ClipError(f"{path} is empty", "copy it again")
        if head.startswith((b"0       ", b"\xffBIOSEMI")):
            return read_edf(path, bdf=head.startswith(b"\xff"))
        if head.startswith(b"\x93NUMPY") or (zipfile.is_zipfile(path) and suffix == ".npz"):
            return read_numpy(path)
        if suffix == ".mat" or head.startswith(b"MATLAB "):
            return read_mat(path)
        if suffix == ".acq":
            return read_acq(path)
        if head[4:8] == b"ftyp" or head[8:12] == b"AVI " or head.startswith(b"\x1aE\xdf\xa3"):
            raise ClipError(f"{path} looks like a video", "name it as the video, and here the ECG")
        if head.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"\x1f\x8b", b"\x89HDF", b"%PDF", b"<?xml")):
            raise ClipError(
                f"{path} is a spreadsheet, an archive or of a format not read", f"export it as CSV: {FORMATS}"
            )
        return read_text(path)
    except FileNotFoundError as error:
        raise ClipError(f"{path} does not exist", "copy it from where it was recorded, or mend its name") from error
    except OSError as error:
        raise ClipError(f"{path}: {os.strerror(error.errno or 5)}", "copy it again, or mend its permissions") from error


def _header_of(path: Path) -> Path:
    return path if path.suffix.lower() == ".hea" else path.with_name(f"{path.stem if path.suffix else path.name}.hea")


def _clock(
    channels: list[Channel], rate: float | None, recording: Recording, path: Path
) -> tuple[Clock | None, list[Channel], tuple[str, ...]]:
    """The clock of a column of times, if there is one, and the other channels.

    Of several columns of times the first is taken whose times are usable.
    """
    times = [channel for channel in channels if channel.unit == CLOCK or is_time(channel.name)]
    notes: tuple[str, ...] = ()
    if not times and len(channels) > 1 and not any(channel.name for channel in channels) and _even(channels[0].values):
        times, notes = channels[:1], ("the first column is taken for times: it ascends evenly",)
    others = [channel for channel in channels if channel not in times]
    failure: ClipError | None = None
    for column in times:
        where = f"{path}: column {column.name or 1}"
        try:
            whole = _times(column, recording, where)
            clock = read_clock(whole, rate, recording.row, where)
            return clock, others, (*notes, *clock.notes)
        except ClipError as error:
            failure = failure or error
    if failure:
        raise failure
    return None, others, notes


def _times(column: Channel, recording: Recording, where: str) -> Channel:
    """Times without missing ones; those at the end, where a file was cut, are left to the signal."""
    if column.wrong:
        raise ClipError(f"{where}, {column.wrong}", "copy the file again")
    missing = np.flatnonzero(np.isnan(column.values))
    if missing.size:
        raise ClipError(f"{where}, {recording.row(int(missing[0]))}: no time", "mend the row, or copy the file again")
    return column


def _even(values: NDArray[np.float64]) -> bool:
    """Whether a column without a name ascends as times do, which no ECG does for long."""
    steps = np.diff(values)
    steps = steps[~np.isnan(steps)]
    if steps.size < 10:
        return False
    usual = np.median(steps)
    return bool(usual > 0 and np.mean(np.abs(steps - usual) <= 0.5 * usual) > 1 - 0.1)


def _on_grid(values: NDArray[np.float64], clock: Clock | None, recording: Recording, path: Path) -> NDArray[np.float64]:
    """Rows on even steps of time, NaN where there is none."""
    if clock is None or np.array_equal(clock.at, np.arange(values.size)):
        return values
    repeated = np.flatnonzero(clock.at < 0)
    other = repeated[values[repeated] != values[repeated - 1]]
    if other.size:
        raise ClipError(
            f"{path}, {recording.row(int(other[0]))}: the time of the row before with another value",
            "keep one of the rows, or give signals.rate and remove the column of times",
        )
    grid = np.full(clock.at.max() + 1, np.nan)
    kept = clock.at >= 0
    grid[clock.at[kept]] = values[kept]
    return grid


def _whole(
    values: NDArray[np.float64], rate: float, path: Path
) -> tuple[NDArray[np.float64], tuple[tuple[int, int], ...], int, list[str]]:
    """Values without NaN, the gaps that were bridged, how many samples lack at the beginning, and notes."""
    there = np.flatnonzero(np.isfinite(values))
    if not there.size:
        raise ClipError(f"{path}: its ECG has 0 rows with a number", "copy it again, or choose another signals.lead")
    lost, cut = int(there[0]), int(values.size - 1 - there[-1])
    values = values[lost : there[-1] + 1]
    notes = [f"{k} samples lack at its {end}" for k, end in ((lost, "beginning"), (cut, "end")) if k]
    missing = ~np.isfinite(values)
    if not missing.any():
        return values, (), lost, notes
    edges = np.flatnonzero(np.diff(np.concatenate([[False], missing, [False]])))
    gaps = tuple((int(a), int(b)) for a, b in edges.reshape(-1, 2))
    longest = max(gaps, key=lambda gap: gap[1] - gap[0])
    length, at = (longest[1] - longest[0]) / rate, (lost + longest[0]) / rate
    notes.append(f"{missing.sum()} samples lack in {len(gaps)} gaps, the longest of {length:.3f} s at {at:.3f} s")
    values = values.copy()
    values[missing] = np.interp(np.flatnonzero(missing), np.flatnonzero(~missing), values[~missing])
    return values, gaps, lost, notes
