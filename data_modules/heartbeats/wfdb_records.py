"""WFDB records (PhysioNet): one lead of a record, and its beat annotation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import wfdb
from numpy.typing import NDArray

from painlit.errors import PainlitError
from painlit.signals.files.wfdb_records import read_header, read_signals, signal_files

NON_BEATS = frozenset("[!]x()ptu`'^|~+sT*D=\"@")
"""Symbols of PhysioBank's annotation code that mark no beat."""
_END = b"\0\0"
"""What ends an annotation file."""


def read_lead(record: Path, lead: int | str) -> tuple[NDArray[np.float64], float]:
    """One lead in physical units, NaN where the record has gaps, (n,), and its rate in Hz.

    Args:
        record: Path without suffix; the record may have several segments.
        lead: Its position, or its name in the header, in any case.

    Raises:
        PainlitError: A file is missing or cut short, or there is no such lead.
    """
    header = read_header(record)
    names = [name.lower() for name in header.sig_name]
    channel = names.index(lead.lower()) if isinstance(lead, str) and lead.lower() in names else lead
    if not isinstance(channel, int) or not 0 <= channel < len(names):
        raise PainlitError(f"{record}.hea has no lead {lead!r}; it has {', '.join(header.sig_name)}", "choose another")
    signals, rates = read_signals(record, header, [channel])
    return signals[0], rates[0]


def read_annotation(record: Path, rate: float | None = None) -> tuple[NDArray[np.int64], list[str]]:
    """Samples and symbols of a record's annotation, its .atr file.

    Args:
        record: Path without suffix.
        rate: Of the signal in Hz, to which an annotation with a time resolution of its own is converted; None leaves
            its resolution.

    Raises:
        PainlitError: It is missing, cut short or cannot be read.
    """
    path = record.with_name(f"{record.name}.atr")
    if not path.is_file():
        raise PainlitError(f"{path} is missing", "without its annotation a record says nothing of its beats: fetch it")
    try:
        content = path.read_bytes()
        marks = wfdb.rdann(str(record), "atr")
    except (OSError, ValueError, IndexError, KeyError, TypeError) as error:
        raise PainlitError(f"{path} is no WFDB annotation: {error}", "fetch it again") from error
    if len(content) % 2 or not content.endswith(_END):
        raise PainlitError(f"{path} is cut short: it has no end mark after {len(marks.sample)} marks", "fetch it again")
    at = np.asarray(marks.sample, np.float64)
    return np.round(at * rate / marks.fs if rate and marks.fs else at).astype(np.int64), list(marks.symbol)


def record_files(record: Path) -> list[Path]:
    """The header of a record, and what it names; of a header that cannot be read, the files it usually has."""
    header = record.with_name(f"{record.name}.hea")
    try:
        return [header, *signal_files(record, read_header(record))]
    except PainlitError:
        return [header, record.with_name(f"{record.name}.dat")]


def record_names(root: Path, pattern: str) -> list[str]:
    """Records below `root`, sorted, as paths without suffix; also those that have lost their header.

    Segments of another record are none, nor are hidden files, such as those that macOS leaves.

    Raises:
        PainlitError: There is none.
    """
    files = [path for end in (".hea", ".dat") for path in root.glob(pattern + end) if not path.name.startswith(".")]
    segments = {segment for path in files if path.suffix == ".hea" for segment in _segments(path)}
    found = {
        path.relative_to(root).with_suffix("").as_posix() for path in files if path.with_suffix("") not in segments
    }
    if not found:
        raise PainlitError(f"{root} has no WFDB records ({pattern}.hea)", "say where they are, or fetch them")
    return sorted(found)


def _segments(header: Path) -> list[Path]:
    """The segments that a header of several names, as paths without suffix: its first line is `name/number …`."""
    lines = [line.split() for line in header.read_text("utf-8", errors="replace").splitlines() if line.strip()]
    lines = [line for line in lines if not line[0].startswith("#")]
    several = bool(lines) and "/" in lines[0][0]
    return [header.with_name(line[0]) for line in lines[1:]] if several else []
