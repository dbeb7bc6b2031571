"""Which format a file of heart rates has."""

from __future__ import annotations

import re
from pathlib import Path

from painlit.errors import ClipError
from painlit.signals.heart_rates.apple import read_apple_health
from painlit.signals.heart_rates.fitbit import read_fitbit
from painlit.signals.heart_rates.garmin import read_fit, read_tcx
from painlit.signals.heart_rates.series import HeartRates
from painlit.signals.heart_rates.tables import read_table

_HEAD = 1 << 16  # bytes; Apple's document type comes before the first element
_BINARY = {b"\x1f\x8b": "a gzip file", b"7z\xbc\xaf": "a 7z file", b"%PDF": "a PDF", b"SQLite": "a database"}
_OTHERS = {
    b"0       ": "an ECG (EDF)", b"\xffBIOSEMI": "an ECG (BDF)", b"MATLAB ": "an ECG (MAT)",
    b"\x93NUMPY": "an ECG (NPY)", b"\x1aE\xdf\xa3": "a video",
}  # fmt: skip
_FORMATS = "tables (CSV, TSV), FIT, TCX, Apple Health (XML, zip), Fitbit (JSON)"


def read_heart_rates(path: str | Path, device: str | None = None) -> HeartRates:
    """Read a series of heart rates or inter-beat intervals, as devices and apps export it.

    The format is recognised by content: FIT, TCX, Apple Health's export (XML or its zip), Fitbit's JSON, or a table in
    text, plain or as Polar, Samsung Health, Fitbit and Empatica write it.

    Args:
        path: Of the file.
        device: Where a file has values of several devices, the one to take; by default the one with the most values.

    Raises:
        PainlitError: A package for the format is not installed.
        ClipError: The file cannot be read, is damaged or of another format, or has no heart rates.
    """
    path = Path(path)
    try:
        with open(path, "rb") as handle:
            head = handle.read(_HEAD)
    except OSError as error:
        raise ClipError(f"{path} cannot be read: {error.strerror}", "check the path and its permissions") from error
    if not head:
        raise ClipError(f"{path} is empty", "export it again")
    text = head.replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")
    other = next((kind for magic, kind in _OTHERS.items() if head.startswith(magic)), "")
    if other or head[4:8] == b"ftyp" or head[8:12] == b"AVI ":
        raise ClipError(
            f"{path} looks like {other or 'a video'}, and is given as heart rates",
            "name an ECG in the column ecg (--ecg), a video in the column video",
        )
    if head[8:12] == b".FIT" or path.suffix.lower() == ".fit":
        return read_fit(path)
    if path.suffix.lower() in (".xlsx", ".xls", ".ods"):
        raise ClipError(f"{path} is a spreadsheet", "save it as CSV")
    if head.startswith(b"PK"):
        return read_apple_health(path, device)
    if text.startswith(b"<"):
        return _read_xml(path, text, device)
    if text.startswith((b"[", b"{")):
        return read_fitbit(path)
    if kind := next((kind for magic, kind in _BINARY.items() if head.startswith(magic)), ""):
        raise ClipError(f"{path} is {kind}", f"unpack or convert it; read are {_FORMATS}")
    return read_table(path, device)


def _read_xml(path: Path, text: bytes, device: str | None) -> HeartRates:
    if b"<TrainingCenterDatabase" in text:
        return read_tcx(path)
    if b"<HealthData" in text or b"<!DOCTYPE HealthData" in text:
        return read_apple_health(path, device)
    root = re.search(rb"<([A-Za-z][\w:.-]*)", text)
    name = root[1].decode() if root else "unknown"
    raise ClipError(f"{path} is XML of the kind {name}", f"export it otherwise; read are {_FORMATS}")
