"""Heart rates of windows: R peaks found once over a whole ECG, or rates measured by a device."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from painlit.clips.table import PreparedClip
from painlit.config import Config
from painlit.errors import ClipError
from painlit.report.traces import Trace
from painlit.signals.ecg.detectors import detect_r_peaks
from painlit.signals.ecg.heart_rate import heart_rate_from_peaks
from painlit.signals.ecg.signal_quality import signal_quality
from painlit.signals.files import read_ecg
from painlit.signals.heart_rates import read_heart_rates
from painlit.signals.heart_rates.series import FASTEST, SLOWEST


class HeartWindow(NamedTuple):
    """Heart rates of a window."""

    bpm: np.ndarray | None = None
    """(S,) heart rate of each whole second; None if `problem` says why."""
    quality: float = float("nan")
    """Of the ECG, 0 to 1; NaN where there is none, or a device measured the rates."""
    problem: str = ""


class EcgWindows:
    """Heart rates from an ECG.

    R peaks are found once, over the whole recording. A window takes those within it and computes heart rates from them
    as for a clip; whether they can be trusted is judged by the ECG of the window alone.

    Args:
        path: Of the ECG.
        config: The model's: R peaks, the rule of heart rates, the least quality.
        offset: s by which the ECG's clock is ahead of the video's.
        rate: In Hz, for a file that states none.
        lead: Name of the channel; empty takes the best.

    Raises:
        ClipError: The file cannot be read.
    """

    def __init__(self, path: Path, config: Config, offset: float = 0.0, rate: float | None = None, lead: str = ""):
        self.path, self.config = path, config
        signal = read_ecg(path, rate, lead)
        self.signal = dataclasses.replace(signal, start=signal.start - offset)  # on the video's clock from here on
        self.notes = signal.notes
        self._problem = ""
        try:
            self.peaks = detect_r_peaks(config.prepare.r_peaks, signal.values, signal.rate)
        except ClipError as error:
            self.peaks, self._problem = np.zeros(0, np.int64), f"{path}: {error.what}"

    @property
    def span(self) -> tuple[float, float]:
        """From when to when there is a signal, in s on the video's clock."""
        return self.signal.start, self.signal.start + self.signal.seconds

    @property
    def trace(self) -> Trace:
        """The ECG and its R peaks; it begins at `span[0]`."""
        return Trace(self.signal.values, self.signal.rate, self.peaks)

    def window(self, start: float) -> HeartWindow:
        """Heart rates from `start` (s) on, for the length of a clip."""
        if self._problem:
            return HeartWindow(problem=self._problem)
        config, rate = self.config, self.signal.rate
        try:
            ecg = self.signal.between(start, config.clip.seconds).values
            quality = signal_quality(ecg, rate)
            if why := PreparedClip("", ecg_quality=quality).signal_refusal(config.prepare.least_ecg_quality):
                return HeartWindow(None, quality, why.partition("\n")[0])
            peaks = self.peaks - round((start - self.signal.start) * rate)
            peaks = peaks[(peaks >= 0) & (peaks < ecg.size)]
            rule = config.prepare.heart_rate_rule
            bpm = heart_rate_from_peaks(peaks, rate, config.clip.heart_rates, rule)  # type: ignore[arg-type]
        except ClipError as error:
            return HeartWindow(problem=error.what)
        return HeartWindow(np.round(bpm, 4), quality)

    def per_second(self, start: float, end: float) -> pd.DataFrame:
        """Heart rate of each whole second between two times: time, bpm; where there are R peaks on both sides."""
        times = self.peaks / self.signal.rate + self.signal.start
        rates = []
        for second in range(int(np.ceil(max(start, self.span[0]))), int(np.floor(min(end, self.span[1])))):
            first, last = np.searchsorted(times, second, "right") - 1, np.searchsorted(times, second + 1, "left")
            if first >= 0 and last < times.size:
                bpm = heart_rate_from_peaks(times[first : last + 1] - second, 1, 1)[0]
                if SLOWEST <= bpm <= FASTEST:  # beyond, beats were lost
                    rates.append((float(second), float(bpm)))
        return pd.DataFrame(rates, columns=["time", "bpm"])


class DeviceWindows:
    """Heart rates that a device has measured; used as `EcgWindows`.

    Short gaps are filled as in a clip, but not more than half of a window's seconds.

    Args:
        path: Of the series of heart rates or beat intervals.
        config: The model's: `signals.longest_gap` and the clip's length.
        offset: s by which the device's clock is ahead of the video's.

    Raises:
        ClipError: The file cannot be read.
    """

    trace: Trace | None = None

    def __init__(self, path: Path, config: Config, offset: float = 0.0):
        self.path, self.config, self.offset = path, config, offset
        self.series = read_heart_rates(path)
        self.notes = self.series.notes

    @property
    def span(self) -> tuple[float, float]:
        """From when to when the device has rates, in s on the video's clock."""
        return float(self.series.times[0]) - self.offset, float(self.series.ends[-1]) - self.offset

    def window(self, start: float) -> HeartWindow:
        """Heart rates from `start` (s) on, for the length of a clip."""
        try:
            bpm, filled = self._rates(start, self.config.clip.heart_rates)
        except ClipError as error:
            return HeartWindow(problem=error.what)
        if 2 * filled > len(bpm):
            problem = f"{self.path} has a heart rate in {len(bpm) - filled} of the window's {len(bpm)} seconds"
            return HeartWindow(problem=f"{problem}, under half")
        return HeartWindow(np.round(bpm, 4))

    def per_second(self, start: float, end: float) -> pd.DataFrame:
        """Heart rate of each whole second between two times that has one: time, bpm."""
        rates = []
        for second in range(int(np.ceil(max(start, self.span[0]))), int(np.floor(min(end, self.span[1])))):
            try:
                rates.append((float(second), float(self._rates(second, 1)[0][0])))
            except ClipError:  # a gap
                continue
        return pd.DataFrame(rates, columns=["time", "bpm"])

    def _rates(self, start: float, seconds: int) -> tuple[np.ndarray, int]:
        return self.series.per_second(start + self.offset, seconds, self.config.signals.longest_gap)


Heart = EcgWindows | DeviceWindows


def starts(heart: Heart, start: float, end: float | None, step: float) -> list[float]:
    """Where the windows begin that follow a signal, every `step` s, between two times of the video's clock.

    Raises:
        ClipError: There is none between them.
    """
    first, last = max(start, heart.span[0]), min(np.inf if end is None else end, heart.span[1])
    seconds = heart.config.clip.seconds
    count = int((last - first - seconds + 1e-6) / step) + 1 if last > first else 0
    if count < 1:
        raise ClipError(
            f"{heart.path}: the signal lasts {max(0.0, last - first):.2f} s, a window {seconds:g} s",
            "give a longer recording",
        )
    return [first + number * step for number in range(count)]


def check_overlap(heart: Heart, start: float, end: float) -> None:
    """Refuse a signal that has nothing to do with a video's time.

    Raises:
        ClipError: It ends before the video begins, or begins after it ends.
    """
    first, last = heart.span
    if min(last, end) - max(first, start) <= 0:
        raise ClipError(
            f"{heart.path} covers {first:.1f} to {last:.1f} s on the video's clock, the video {start:.1f} to {end:.1f} "
            "s: they have no time in common",
            "give the offset: the seconds by which the signal's clock is ahead of the video's",
        )
