"""Channels of a recording: which are an ECG, and which of several is taken."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from painlit.errors import ClipError
from painlit.signals.ecg.signal_quality import signal_quality

JUDGED, EXCERPTS = 10.0, 6  # s of each excerpt that a lead is judged by, and how many of them
CLOCK = "clock"
"""Unit of a column of wall-clock times, in s."""
HEART_RATES = "heart rates and beat intervals go in the column heart_rate (--heart-rate)"
"""A remedy where a file of these is given as an ECG."""

_ECG = re.compile(r"(ecg|ekg|electrocardiogra)[a-z]*\d*[a-z]?")  # AcqKnowledge has ECG100C
_LEAD = re.compile(r"i{1,3}|av[rlf]|v[1-9]r?|m?lii?i?|mcl\d?|c[mcs]\d")
_TIME = re.compile(r"(.*[ _.-])?(time|times|timestamps?|zeit|uhrzeit|temps|tiempo|elapsed|datetime|clock)([ _.-].*)?")
_TIMES = {"t", "s", "sec", "secs", "second", "seconds", "ms", "msec", "millis", "milliseconds", "us", "usec", "date"}
_COUNTER = {
    "",
    "sample",
    "samples",
    "sample #",
    "sample number",
    "index",
    "idx",
    "nseq",
    "seq",
    "row",
    "no",
    "nr",
    "n",
    "#",
}
_OTHER = re.compile(
    r"(emg|eda|gsr|scl|scr|sc|skin|resp|rsp|breath|ppg|pleth|bvp|temp|acc|gyr|mag|eog|eeg|abp|art|bp|cvp|spo2|sao2|hr|"
    r"heart|bpm|rr|ibi|pulse|event|marker|annot|status|trig|label|quality|battery|pap|icp|stim|digital|edf|bdf)"
)


@dataclass(frozen=True, eq=False)
class Channel:
    """One column.

    Attributes:
        name: As the file has it, without its unit; empty where it has none.
        values: (n,) float64, NaN where a sample is missing.
        rate: In Hz, where the file states it.
        unit: As the file has it, `CLOCK` for times of day, or empty.
        wrong: What makes it unusable, such as a cell that is no number.
    """

    name: str
    values: NDArray[np.float64]
    rate: float | None = None
    unit: str = ""
    wrong: str = ""


@dataclass(frozen=True, eq=False)
class Recording:
    """What a file holds.

    Attributes:
        channels: In its order.
        notes: What was inferred.
        row: Position of a sample -> where a user finds it.
    """

    channels: list[Channel]
    notes: list[str] = field(default_factory=list)
    row: Callable[[int], str] = lambda sample: f"sample {sample}"


def is_time(name: str) -> bool:
    """Whether a name is that of a column of times."""
    return name.casefold() in _TIMES or bool(_TIME.fullmatch(name.casefold()))


def is_counter(channel: Channel) -> bool:
    """Whether a column only counts samples, from any number on."""
    if channel.name.casefold() not in _COUNTER or channel.unit == CLOCK:
        return False
    if channel.name:
        return True
    return channel.values.size > 2 and bool((np.diff(channel.values[:1000]) == 1).all())


def is_ecg(name: str) -> bool:
    """Whether a name is that of an ECG lead.

    >>> [is_ecg(name) for name in ("ECG", "MLII", "EKG1-REF", "II", "Lead I", "chest_ecg", "EMG", "ECG HR")]
    [True, True, True, True, True, True, False, False]
    """
    words = [word for word in re.split(r"[^a-z0-9]+", name.casefold()) if word not in ("", "lead")]
    if any(_OTHER.match(word) for word in words):
        return False
    return any(_ECG.fullmatch(word) or _LEAD.fullmatch(word) for word in words)


def choose_lead(channels: Sequence[Channel], lead: str, rate: float | None, where: str) -> tuple[Channel, list[str]]:
    """The channel to read, and how it was chosen where that is not plain.

    Args:
        channels: Without times and counters.
        lead: Its name, in any case, or its position from 1 where channels have no names; empty chooses.
        rate: In Hz, of channels that state none.
        where: The file, for errors.

    Raises:
        ClipError: No such lead, or none that could be an ECG; the names there are.
    """
    if not channels:
        raise ClipError(f"{where} has no column of numbers beside its times", "check that it is an ECG")
    names = [channel.name or str(k) for k, channel in enumerate(channels, start=1)]
    if lead:
        found = [c for c, name in zip(channels, names, strict=True) if name.casefold() == lead.strip().casefold()]
        if not found:
            raise ClipError(
                f"{where} has no lead {lead!r}; it has {', '.join(names)}", "set signals.lead to one of them"
            )
        return found[0], []
    ecgs = [channel for channel in channels if is_ecg(channel.name)]
    left = ecgs or [channel for channel in channels if not _OTHER.match(channel.name.casefold())]
    if not left:
        raise ClipError(
            f"{where} has no ECG by its names: {', '.join(names)}",
            f"set signals.lead to the one that is; {HEART_RATES}",
        )
    if len(left) == 1:
        named = bool(ecgs) or not left[0].name
        return left[0], [] if named else [
            f"no channel is named ECG; {left[0].name} is taken, the only one not excluded"
        ]
    quality = [_quality(channel, channel.rate or rate) for channel in left]
    best = left[int(np.argmax(quality))]
    qualities = ", ".join(f"{c.name or names[channels.index(c)]} {q:.2f}" for c, q in zip(left, quality, strict=True))
    return best, [f"lead {best.name or names[channels.index(best)]} taken, the best by signal quality: {qualities}"]


def _quality(channel: Channel, rate: float | None) -> float:
    """Median quality of excerpts spread over a channel; -1 if it cannot be read."""
    values = channel.values
    if channel.wrong or not rate:
        return -1.0
    size = min(values.size, round(JUDGED * rate))
    judged = []
    for start in np.unique(np.linspace(0, values.size - size, EXCERPTS).astype(int)):
        try:
            judged.append(signal_quality(values[start : start + size], rate))
        except (ClipError, ValueError):  # flat, with gaps or at no rate of an ECG
            judged.append(-1.0)
    return float(np.median(judged))
