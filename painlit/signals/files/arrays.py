"""Arrays: NPY, NPZ and MAT up to version 7."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from painlit.errors import ClipError
from painlit.signals.files.channels import Channel, Recording, is_ecg
from painlit.signals.files.units import split_unit

_RATES = {"fs", "hz", "freq", "frequency", "sfreq", "srate", "rate", "samplerate", "samplingrate", "samplingfrequency"}
_NAMES, _UNITS = ("labels", "names", "signame", "channels", "leads"), ("units", "unit", "signalunits")
_INTERVAL = {"s": 1.0, "sec": 1.0, "ms": 1e-3, "us": 1e-6}  # of AcqKnowledge's isi


def read_numpy(path: Path) -> Recording:
    """An NPY array, (n,), (n, k) or (k, n), or the arrays of an NPZ.

    Raises:
        ClipError: It is damaged, or holds Python objects, which are not loaded.
    """
    try:
        with open(path, "rb") as handle:
            held = np.load(handle, allow_pickle=False)
            arrays = {name: held[name] for name in held} if isinstance(held, np.lib.npyio.NpzFile) else {"": held}
    except (ValueError, EOFError, OSError, KeyError, NotImplementedError, zipfile.BadZipFile) as error:
        raise ClipError(f"{path} is no array of numbers: {error}", "save the ECG with numpy.save") from error
    return _recording(arrays, path)


def read_mat(path: Path) -> Recording:
    """The variables of a MAT file; those of a struct too.

    Raises:
        ClipError: It is damaged, or of version 7.3.
    """
    from scipy.io import loadmat

    try:
        held = loadmat(path, simplify_cells=True)
    except NotImplementedError as error:
        raise ClipError(f"{path} is a MAT file of version 7.3", "save it in MATLAB with save(…, '-v7')") from error
    except Exception as error:  # scipy's reader fails in any way on a damaged file
        raise ClipError(f"{path} is no MAT file: {type(error).__name__}: {error}", "copy it again") from error
    return _recording({name: value for name, value in held.items() if not name.startswith("__")}, path)


def _recording(variables: dict[str, Any], path: Path) -> Recording:
    found = _flat(variables)
    rate = _rate(found)
    arrays = {name: value for name, value in found.items() if _is_signal(value)}
    longest = max((max(value.shape) for value in arrays.values()), default=0)
    words = {_plain(name): value for name, value in found.items()}
    channels: list[Channel] = []
    for name, value in arrays.items():
        if max(value.shape) == longest or is_ecg(name):  # others are lists of beats, markers and the like
            channels += _columns(name, value, rate, words)
    if not channels:
        raise ClipError(
            f"{path} holds no array of numbers; it has {', '.join(found) or 'nothing'}", "save the ECG alone"
        )
    return Recording(channels, [f"{rate:g} Hz as the file has it"] if rate else [])


def _flat(variables: dict[str, Any]) -> dict[str, Any]:
    """Structs, named arrays and their fields as one dict."""
    found: dict[str, Any] = {}
    for name, value in variables.items():
        if isinstance(value, dict):
            found |= _flat(value)
        elif isinstance(value, np.ndarray) and value.dtype.names:
            found |= {field: value[field] for field in value.dtype.names}
        else:
            found[name] = value
    return found


def _is_signal(value: Any) -> bool:
    plain = isinstance(value, np.ndarray) and value.dtype.kind in "iuf"
    return plain and np.squeeze(value).ndim in (1, 2) and value.size > 2


def _columns(name: str, value: np.ndarray, rate: float | None, words: dict[str, Any]) -> list[Channel]:
    with np.errstate(invalid="ignore"):
        array = np.atleast_2d(np.squeeze(value)).astype(np.float64)
    array = array if array.shape[0] >= array.shape[1] else array.T  # (n, k)
    count = array.shape[1]
    single = split_unit(name)
    names = _texts(words, _NAMES, count) or ([single[0]] if count == 1 else [""] * count)
    units = _texts(words, _UNITS, count) or [single[1]] * count
    split = [split_unit(each) for each in names]
    return [
        Channel(split[k][0], np.ascontiguousarray(array[:, k]), rate, split[k][1] or units[k]) for k in range(count)
    ]


def _texts(words: dict[str, Any], keys: tuple[str, ...], count: int) -> list[str]:
    """One text for each of `count` columns, if there are as many under one of these names."""
    for key in keys:
        value = words.get(key)
        texts = [value] if isinstance(value, str) else np.ravel(value).tolist() if value is not None else []
        if len(texts) == count and all(isinstance(text, str) for text in texts):
            return [text.strip() for text in texts]
    return []


def _rate(found: dict[str, Any]) -> float | None:
    numbers = {_plain(name): float(value) for name, value in found.items() if _is_number(value)}
    rates = [value for name, value in numbers.items() if name in _RATES and value > 0]
    if not rates and numbers.get("isi", 0) > 0:
        unit = next((str(value).strip() for name, value in found.items() if _plain(name) == "isiunits"), "")
        rates = [1 / (numbers["isi"] * _INTERVAL[unit])] if unit in _INTERVAL else []
    return rates[0] if rates else None


def _is_number(value: Any) -> bool:
    return np.size(value) == 1 and np.asarray(value).dtype.kind in "iuf"


def _plain(name: str) -> str:
    return re.sub(r"[^a-z]", "", name.casefold())
