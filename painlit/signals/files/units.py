"""Units of signals and times: as files write them, and what an amplitude suggests."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

_MILLIVOLTS = {
    1e3: ("v", "volt", "volts"),
    1.0: ("mv", "millivolt", "millivolts"),
    1e-3: ("uv", "µv", "μv", "microvolt", "microvolts"),
    1e-6: ("nv", "nanovolt", "nanovolts"),
}
_IN_MILLIVOLTS = {name: factor for factor, names in _MILLIVOLTS.items() for name in names}
SECONDS = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1.0),
    **dict.fromkeys(("ms", "msec", "msecs", "millis", "millisecond", "milliseconds"), 1e-3),
    **dict.fromkeys(("us", "µs", "μs", "usec", "microseconds"), 1e-6),
    **dict.fromkeys(("ns", "nanoseconds"), 1e-9),
    **dict.fromkeys(("min", "minutes"), 60.0),
    **dict.fromkeys(("h", "hour", "hours"), 3600.0),
}
"""Unit of time -> its length in s."""
_COUNTS = {"adu", "nu", "counts", "count", "adc", "raw", "lsb", "digit", "digits", "bits"}
SUGGESTED = ((0.02, "V"), (50.0, "mV"), (50_000.0, "µV"))
"""Largest span that is taken for each unit: an ECG spans 0.1 to 10 mV, and a converter's drift some more."""


def millivolts(unit: str) -> float | None:
    """How many mV one of these is; None if it is no voltage.

    >>> millivolts("uV"), millivolts("adu")
    (0.001, None)
    """
    return _IN_MILLIVOLTS.get(_plain(unit))


def is_unit(cell: str) -> bool:
    """Whether a cell names a unit of voltage or counts."""
    return _plain(cell) in _IN_MILLIVOLTS or _plain(cell) in _COUNTS


def split_unit(name: str) -> tuple[str, str]:
    """A column's name without its unit, and the unit; of a voltage after `_` too.

    >>> split_unit("ECG (mV)"), split_unit("ecg_uV"), split_unit("time [ms]"), split_unit("v5")
    (('ECG', 'mV'), ('ecg', 'uV'), ('time', 'ms'), ('v5', ''))
    """
    if found := re.fullmatch(r"(.*?)\s*[\[(]\s*([^\])]*?)\s*[\])]", name):
        return found[1].strip(), found[2]
    stem, _, unit = name.replace("/", "_").replace(" ", "_").rpartition("_")
    known = _plain(unit) in _IN_MILLIVOLTS and (_plain(unit) != "v" or stem.casefold() in ("ecg", "ekg"))
    return (name[: len(stem)].strip(), unit) if stem and known else (name, "")


def in_millivolts(values: NDArray[np.float64], unit: str) -> tuple[NDArray[np.float64], str, str]:
    """Values, their unit, and a note.

    Values change only where the file states a unit of voltage; what an amplitude suggests is noted and changes nothing.
    """
    factor = millivolts(unit)
    if factor is not None:
        return (values, "mV", "") if factor == 1 else (values * factor, "mV", f"{unit} converted to mV")
    if _plain(unit) in _COUNTS:
        return values, "counts", ""
    suggested = _suggested(values)
    what = f"unit {unit!r} is no voltage" if unit else "no unit told"
    return values, suggested, f"{what}; the amplitude suggests {suggested}, and values are left as they are"


def _suggested(values: NDArray[np.float64]) -> str:
    low, high = np.percentile(values, [0.5, 99.5])
    if high > low and not (values % 1).any():
        return "counts"
    return next((unit for most, unit in SUGGESTED if 0 < high - low <= most), "unknown")


def _plain(unit: str) -> str:
    return unit.strip().casefold()
