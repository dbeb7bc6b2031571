"""A column of times to a clock: its unit, rate, gaps and repeats."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from painlit.errors import ClipError
from painlit.signals.ecg.qrs_features import MAX_RATE, MIN_RATE
from painlit.signals.files.channels import CLOCK, HEART_RATES, Channel
from painlit.signals.files.units import SECONDS

DISAGREE = 0.01  # share by which two rates of one file may differ
GAP = 1.5  # intervals from which a step is a gap
IRREGULAR = 0.10  # share of odd steps from which times do not say when a sample was taken
LONGEST_JUMP = 3600.0  # s; a longer one is another recording, or a clock that was set
OWN_CLOCK = 86_400.0  # s: numbers from here on are dates

_UNITS = SECONDS | dict.fromkeys(("d", "day", "days"), 86_400.0)
_INFERRED = {"s": 1.0, "ms": 1e-3, "µs": 1e-6, "ns": 1e-9}


@dataclass(frozen=True, eq=False)
class Clock:
    """When samples were taken.

    Attributes:
        rate: In Hz.
        start: s of the first sample.
        at: Where each row lies on even steps from the first, (n,); -1 for a repeated row, which is dropped.
        notes: What was inferred or repaired.
    """

    rate: float
    start: float
    at: NDArray[np.int64]
    notes: tuple[str, ...]


def read_clock(column: Channel, rate: float | None, row: Callable[[int], str], where: str) -> Clock:
    """What a column of times says.

    A step of more than 1.5 intervals is a gap. A repeated time is a repeated row: `at` drops it. A time that lies off
    while its neighbours are two intervals apart is jitter, and its row keeps its place.

    Args:
        column: Ascending times, NaN nowhere.
        rate: What the user gives, in Hz; None if nothing.
        row: Position -> where it is in the file, for errors.
        where: The file and column, for errors.

    Raises:
        ClipError: Times do not ascend, jump by more than an hour, or are of no plausible unit; more than 10 % of steps
            are odd and no rate is given; or rates disagree by more than 1 %.
    """
    times = column.values
    if times.size < 3:
        raise ClipError(f"{where}: {times.size} rows are no recording", "copy the file again")
    if (back := np.flatnonzero(np.diff(times) < 0)).size:
        k = int(back[0]) + 1
        raise ClipError(
            f"{where}, {row(k)}: time {times[k]:.10g} comes after {times[k - 1]:.10g}",
            "times must ascend: sort the rows, or take the part before the clock was set back",
        )
    if not np.diff(times).any():
        raise ClipError(f"{where}: all times are {times[0]:.10g}", "remove the column and give signals.rate")
    step = float(np.median(np.diff(times))) or float(np.diff(times).mean())  # a coarse clock stands still in most rows
    scale, note = _unit(column, step, where)
    seconds = times * scale
    counts, interval = _counts(seconds)
    jumps = np.flatnonzero(np.diff(seconds) > LONGEST_JUMP)
    if jumps.size:
        k = int(jumps[0])
        raise ClipError(
            f"{where}, {row(k + 1)}: time jumps by {seconds[k + 1] - seconds[k]:.6g} s",
            "keep one recording a file: cut it there",
        )
    begins, remarks = _start(seconds[0], column.unit == CLOCK)
    notes = [note, *remarks]
    if np.mean(counts != 1) > IRREGULAR:
        return _by_rate(seconds, rate, begins, notes, where)
    measured = _plain_rate(1 / interval, seconds[-1] - seconds[0])
    agree(measured, rate, f"{where} steps by {1000 * interval:.6g} ms, which is {measured:.6g} Hz")
    at = np.concatenate([[0], np.cumsum(counts)])
    if (repeated := np.flatnonzero(counts == 0) + 1).size:
        at[repeated] = -1
        notes.append(f"{repeated.size} repeated times, the first in {row(int(repeated[0]))}: one row of each is kept")
    notes[0] += f"{measured:.6g} Hz"
    return Clock(measured, begins, at, tuple(notes))


def agree(measured: float, given: float | None, what: str) -> None:
    """Refuse a given rate that differs from the file's.

    Raises:
        ClipError: They differ by more than 1 %.
    """
    if given is not None and abs(measured - given) > DISAGREE * given:
        raise ClipError(
            f"{what}, but the settings say {given:g} Hz",
            f"set signals.rate={measured:.6g} (for BioVid's own tables clip.ecg_hz), or mend the file",
        )


def _unit(column: Channel, step: float, where: str) -> tuple[float, str]:
    """Seconds in one of the column's units, and how that is known."""
    name = column.name or "the first column"
    if column.unit == CLOCK:
        return 1.0, f"times of day in {name}, "
    words = [column.unit.casefold(), *re.split(r"[^a-zµμ]+", column.name.casefold())]
    short = ("s", "min", "h", "d")  # which are part of names too
    named = [word for word in words if word in _UNITS and (word not in short or word == words[0] or len(words) == 2)]
    if named:
        scale, how = _UNITS[named[0]], f"times in {named[0]} by the name of {column.name}, "
    else:
        fits = [unit for unit, size in _INFERRED.items() if MIN_RATE * 0.99 <= 1 / (step * size) <= MAX_RATE * 1.01]
        if not fits or step == 1:
            raise ClipError(
                f"{where} steps by {step:g} and names no unit",
                "name it in the header, such as time_ms; if it counts samples, call it sample and give signals.rate; "
                f"{HEART_RATES}",
            )
        scale, how = _INFERRED[fits[0]], f"times in {fits[0]} by the steps of {name}, "
    if not MIN_RATE * 0.99 <= 1 / (step * scale) <= MAX_RATE * 1.01:
        raise ClipError(
            f"{where} steps by {step * scale:g} s, which is {1 / (step * scale):.6g} Hz",
            f"an ECG has {MIN_RATE:g} to {MAX_RATE:g} Hz: mend the column or the unit in its name; {HEART_RATES}",
        )
    return scale, how


def _counts(seconds: NDArray[np.float64]) -> tuple[NDArray[np.int64], float]:
    """Intervals from each time to the next, (n - 1,), and their length in s."""
    steps = np.diff(seconds)
    usual = steps[(steps > 0) & (steps < 2.5 * np.median(steps[steps > 0]))]  # a coarse clock doubles some steps
    interval = float(usual.mean())
    for _ in range(2):  # the clock's resolution may be coarse, so the mean counts, over all but the gaps
        counts = np.where(steps > GAP * interval, np.round(steps / interval), steps > 0.5 * interval).astype(np.int64)
        pairs = np.round((seconds[2:] - seconds[:-2]) / interval) == 2
        jitter = np.flatnonzero(pairs & (counts[:-1] + counts[1:] == 2) & (counts[:-1] != 1))
        jitter = np.union1d(jitter, np.flatnonzero(pairs & (counts[:-1] + counts[1:] == 3)))
        counts[jitter] = counts[jitter + 1] = 1
        whole = counts == 1
        interval = float(steps[whole].mean()) if whole.any() else interval
    return counts, interval


def _plain_rate(rate: float, seconds: float) -> float:
    """The whole number of Hz if the file cannot resolve the difference: less than half a sample over its length."""
    return float(round(rate)) if abs(rate - round(rate)) * seconds < 0.5 else rate


def _start(first: float, clock: bool) -> tuple[float, list[str]]:
    if first == 0:
        return 0.0, []
    if clock or not 0 <= first < OWN_CLOCK:
        return 0.0, ["times are dates or times of day, counted from the first row"]
    return first, [f"times begin at {first:.6g} s"]


def _by_rate(seconds: NDArray[np.float64], rate: float | None, begins: float, notes: list[str], where: str) -> Clock:
    """Times that give only the length of the recording, such as those of packets or of whole seconds."""
    steps, span = np.diff(seconds), float(seconds[-1] - seconds[0])
    over_all, tick = (seconds.size - 1) / span, float(np.median(steps[steps > 0]))
    least = (seconds.size - 1) / (span + tick)  # rows of a tick lie anywhere in it, so the span is known to a tick
    most = (seconds.size - 1) / (span - tick) if span > tick else np.inf
    if rate is None:
        raise ClipError(
            f"{where}: more than {100 * IRREGULAR:g} % of steps are uneven, so it does not say when samples were taken",
            f"give their rate: signals.rate, by the whole file between {least:.5g} and {most:.5g} Hz",
        )
    if not least <= rate <= most:
        agree(over_all, rate, f"{where} has {over_all:.6g} Hz over the whole file")
    notes[0] += f"uneven: samples are taken as {rate:g} Hz throughout"
    return Clock(rate, begins, np.arange(seconds.size), tuple(notes))
