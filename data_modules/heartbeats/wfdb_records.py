"""WFDB records (PhysioNet): one lead of a record, and its beat annotation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import wfdb
from numpy.typing import NDArray

from painlit.errors import PainlitError

NON_BEATS = frozenset("[!]x()ptu`'^|~+sT*D=\"@")
"""Symbols of PhysioBank's annotation code that mark no beat."""


def read_header(record: Path) -> wfdb.Record:
    """The header of a record, `record` having no suffix.

    Raises:
        PainlitError: It is missing or cannot be read, or a signal file that it names is missing.
    """
    path = record.with_name(f"{record.name}.hea")
    if not path.is_file():
        raise PainlitError(f"{path} is missing", "fetch the record again: .hea and .dat belong together")
    try:
        header = wfdb.rdheader(str(record))
    except (OSError, ValueError, IndexError, KeyError, TypeError, AttributeError) as error:
        raise PainlitError(f"{path} is no WFDB header: {error}", "fetch the record again") from error
    if not header.sig_name or not header.fs or not header.sig_len:
        raise PainlitError(f"{path} names no signal, rate or length", "fetch the record again")
    for name in set(header.file_name):
        if not record.with_name(name).is_file():
            raise PainlitError(f"{record.with_name(name)} is missing; {path} names it", "fetch the record again")
    return header


def read_lead(record: Path, lead: int | str) -> tuple[NDArray[np.float64], float]:
    """One lead in physical units, NaN where the record has gaps, (n,), and its rate in Hz.

    Args:
        record: Path without suffix.
        lead: Its position, or its name in the header, in any case.

    Raises:
        PainlitError: A file is missing or cut short, or there is no such lead.
    """
    header = read_header(record)
    names = [name.lower() for name in header.sig_name]
    channel = names.index(lead.lower()) if isinstance(lead, str) and lead.lower() in names else lead
    if not isinstance(channel, int) or not 0 <= channel < len(names):
        raise PainlitError(f"{record}.hea has no lead {lead!r}; it has {', '.join(header.sig_name)}", "choose another")
    try:
        signal = wfdb.rdrecord(str(record), channels=[channel]).p_signal
    except (ValueError, IndexError, OSError) as error:
        raise PainlitError(f"{record}: its signal file cannot be read: {error}", "fetch it again") from error
    if len(signal) != header.sig_len:
        raise PainlitError(f"{record}: {len(signal)} samples, the header says {header.sig_len}", "fetch it again")
    return np.asarray(signal[:, 0], np.float64), float(header.fs)


def read_annotation(record: Path, extension: str = "atr") -> tuple[NDArray[np.int64], list[str]]:
    """Samples and symbols of a record's annotation.

    Raises:
        PainlitError: It is missing or cannot be read.
    """
    path = record.with_name(f"{record.name}.{extension}")
    if not path.is_file():
        raise PainlitError(f"{path} is missing", "without its annotation a record says nothing of its beats: fetch it")
    try:
        marks = wfdb.rdann(str(record), extension)
    except (OSError, ValueError, IndexError, KeyError, TypeError) as error:
        raise PainlitError(f"{path} is no WFDB annotation: {error}", "fetch it again") from error
    return np.asarray(marks.sample, np.int64), list(marks.symbol)


def record_names(root: Path, pattern: str) -> list[str]:
    """Records below `root`, sorted, as paths without suffix; also those that have lost their header.

    Raises:
        PainlitError: There is none.
    """
    files = [path for end in (".hea", ".dat") for path in root.glob(pattern + end)]
    found = {path.relative_to(root).with_suffix("").as_posix() for path in files}
    if not found:
        raise PainlitError(f"{root} has no WFDB records ({pattern}.hea)", "say where they are, or fetch them")
    return sorted(found)
