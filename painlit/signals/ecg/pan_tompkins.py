"""R peaks of an ECG: the decisions of Pan and Tompkins (1985) over the candidates of their filter bank."""

from collections import deque
from itertools import pairwise
from statistics import median
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from painlit.signals.ecg.qrs_features import REFRACTORY, FilterBank, bandpass, check_ecg, filter_bank

ENERGY_FRACTION, HEIGHT_FRACTION = 0.35, 0.25  # where the threshold lies between the noise and the signal level
MEMORY = 0.125  # weight of a new peak in a running level
SEARCH_BACK_MEMORY = 0.25  # of one that search-back found
TALLEST = 2.0  # times its level that one peak may count, so that an artefact does not deafen the detector
RECENT = 8  # beat intervals make the recent average
LATE = 1.66  # times that average without a beat: one was missed
SEARCH_BACK = 0.5  # share of the thresholds that a missed beat must pass
WAVE = 0.360  # s between a QRS and its own P or T wave at most
WAVE_SLOPE = 0.6  # a wave's slope is below this share of its QRS's
LEARN = 8.0  # s from which levels and intervals are learned
BLOCK = 1.5  # s that hold a beat, unless the pulse is below 40 bpm
QUIET = 10  # percentile of energy that is its level between beats, also at 220 bpm
NO_PULSE = 3.5  # times that level that beats must have: noise alone gives 2.2 (3.3 at most), clean ECG over 30
R_BAND = (2.0, 30.0)  # Hz: drops wander and noise, keeps the R wave where it is
R_REACH = 0.075  # s from the middle of the QRS to its R extremum at most
R_FLIP = 2.0  # times taller a beat must be on the other side of the baseline to be measured there


class RPeaks(NamedTuple):
    """What `find_r_peaks` found.

    Attributes:
        at: Sample indices of the R peaks, (k,), ascending.
        distinctness: By how much beats differ from everything else, 0 to 1: (b - o)/(b + o), where b is the energy of
            the weakest beat and o that of the strongest other candidate, or the level between beats if there is none.
            0 where a choice was made between equals, or without beats.
    """

    at: NDArray[np.int64]
    distinctness: float


def pan_tompkins(ecg: ArrayLike, sampling_rate: float) -> NDArray[np.int64]:
    """Find the R peaks of one ECG lead, from its first beat to its last.

    Neither polarity, unit nor offset matters, and no part of the clip is spent on learning. After 8 s without a beat
    levels are learned anew. Having the whole clip, this
    goes beyond the real-time original where that helps: filters run forwards and backwards (no delay), the first
    seconds are read twice, the first time only for levels and beat intervals, and the T-wave rule also works
    backwards, against P waves.

    Args:
        ecg: One lead, (n,), any unit, at least 1 s.
        sampling_rate: In Hz.

    Returns:
        Sample indices of the R peaks, (k,), ascending; empty if nothing stands out from noise. Each is its beat's
        extremum between 2 and 30 Hz on the side of the baseline that most beats of the clip point to, or on the other
        side if the beat is twice as tall there.

    Raises:
        ValueError: If `ecg` is not one-dimensional or the rate is unusable.
        ClipError: If `ecg` has NaN or infinite samples, is flat, or is too short.

    Source: J. Pan, W. J. Tompkins, "A real-time QRS detection algorithm", IEEE Trans. Biomed. Eng. 32 (1985) 230-236;
    section 3.1.2 of the paper.
    """
    return find_r_peaks(ecg, sampling_rate).at


def find_r_peaks(ecg: ArrayLike, sampling_rate: float) -> RPeaks:
    """`pan_tompkins`, and how clear its decisions were."""
    signal = check_ecg(ecg, sampling_rate)
    bank = filter_bank(signal, sampling_rate)
    beats = _beats(bank, sampling_rate, 0, bank.energy.size)
    return RPeaks(_r_peaks(signal, bank.candidates.at[beats], sampling_rate), _distinctness(bank, beats))


def _beats(bank: FilterBank, sampling_rate: float, start: int, end: int) -> list[int]:
    """Which candidates of samples [start, end) are beats.

    A stretch of more than `LEARN` without one learns levels of its own: movement may have set them too high at first,
    or the gain fallen since.
    """
    first = int(np.searchsorted(bank.candidates.at, start))
    found = [first + beat for beat in _Decisions(bank.between(start, end), sampling_rate).run()]
    edges = [start, *bank.candidates.at[found].tolist(), end]
    if not found:
        edges.insert(1, (start + end) // 2)
    margin = round(WAVE * sampling_rate)
    for left, right in pairwise(edges):
        left, right = left + margin * (left > start), right - margin * (right < end)
        if right - left > LEARN * sampling_rate:
            found += _beats(bank, sampling_rate, left, right)
    return sorted(found)


def _distinctness(bank: FilterBank, beats: list[int]) -> float:
    """See `RPeaks`."""
    if not beats:
        return 0.0
    others = np.delete(bank.candidates.energy, beats)
    weakest = float(bank.candidates.energy[beats].min())
    other = float(others.max()) if others.size else float(np.percentile(bank.energy, QUIET))
    return max(0.0, (weakest - other) / (weakest + other))


class _Level:
    """Running heights of signal and noise peaks in one signal, and the threshold between them."""

    def __init__(self, start: NDArray[np.float64], block: int, fraction: float):
        # Every block holds a beat, so the median of their maxima is a typical one, whatever ectopics there are.
        blocks = start[: start.size // block * block].reshape(-1, block)
        self.signal = float(np.median(blocks.max(axis=1)))
        self.noise = float(np.median(start))
        self.fraction = fraction

    @property
    def threshold(self) -> float:
        return self.noise + self.fraction * (self.signal - self.noise)

    def add_signal(self, peak: float, memory: float) -> None:
        self.signal += memory * (min(peak, TALLEST * self.signal) - self.signal)

    def add_noise(self, peak: float) -> None:
        self.noise += MEMORY * (min(peak, self.signal) - self.noise)


class _Decisions:
    """Which candidates are beats. Beats and candidates are indices into the lists of candidates, times are samples."""

    def __init__(self, bank: FilterBank, sampling_rate: float):
        learn = min(bank.energy.size, round(LEARN * sampling_rate))
        block = min(learn, round(BLOCK * sampling_rate))
        self.energy_level = _Level(bank.energy[:learn], block, ENERGY_FRACTION)
        self.height_level = _Level(np.abs(bank.bandpassed[:learn]), block, HEIGHT_FRACTION)
        # Plain floats: numpy's scalars are slow in a loop.
        self.at: list[int] = bank.candidates.at.tolist()
        self.energy: list[float] = bank.candidates.energy.tolist()
        self.height: list[float] = bank.candidates.height.tolist()
        self.slope: list[float] = bank.candidates.slope.tolist()
        self.quiet = float(np.percentile(bank.energy, QUIET))
        self.learn, self.end = learn, bank.energy.size
        self.wave, self.refractory = WAVE * sampling_rate, REFRACTORY * sampling_rate
        self.beats: list[int] = []
        self.intervals: deque[int] = deque(maxlen=RECENT)

    def run(self) -> list[int]:
        """Return the beats, none if they are not distinct from what lies between them."""
        self._read(sum(at < self.learn for at in self.at))
        self.beats.clear()
        self._read(len(self.at))
        self._search_back(len(self.at), self.end)
        typical = median(self.energy[beat] for beat in self.beats) if self.beats else 0.0
        if typical <= NO_PULSE * self.quiet:
            self.beats.clear()
        return self.beats

    def _read(self, stop: int) -> None:
        for candidate in range(stop):
            self._search_back(candidate, self.at[candidate])
            if self._stands_out(candidate, 1.0) and not self._is_t_wave(candidate):
                self._drop_p_wave(candidate)
                self._accept(candidate, MEMORY)
            else:
                self.energy_level.add_noise(self.energy[candidate])
                self.height_level.add_noise(self.height[candidate])

    def _stands_out(self, candidate: int, share: float) -> bool:
        return (
            self.energy[candidate] > share * self.energy_level.threshold
            and self.height[candidate] > share * self.height_level.threshold
        )

    def _follows_closely(self, candidate: int) -> bool:
        return bool(self.beats) and self.at[candidate] - self.at[self.beats[-1]] < self.wave

    def _is_t_wave(self, candidate: int) -> bool:
        return self._follows_closely(candidate) and self.slope[candidate] < WAVE_SLOPE * self.slope[self.beats[-1]]

    def _drop_p_wave(self, beat: int) -> None:
        if self._follows_closely(beat) and self.slope[self.beats[-1]] < WAVE_SLOPE * self.slope[beat]:
            self.beats.pop()
            if self.intervals:
                self.intervals.pop()

    def _accept(self, beat: int, memory: float) -> None:
        if self.beats:
            self.intervals.append(self.at[beat] - self.at[self.beats[-1]])
        self.beats.append(beat)
        self.energy_level.add_signal(self.energy[beat], memory)
        self.height_level.add_signal(self.height[beat], memory)

    def _search_back(self, stop: int, now: int) -> None:
        """Take the strongest candidate before `stop` while the last beat, or the start of the clip, is too long ago."""
        while self.intervals:
            last = self.at[self.beats[-1]] if self.beats else 0
            if now - last <= LATE * sum(self.intervals) / len(self.intervals):
                return
            earliest = last + self.wave if self.beats else 0
            missed = [
                candidate
                for candidate in range(self.beats[-1] + 1 if self.beats else 0, stop)
                if earliest <= self.at[candidate] < now - self.refractory and self._stands_out(candidate, SEARCH_BACK)
            ]
            if not missed:
                return
            self._accept(max(missed, key=self.energy.__getitem__), SEARCH_BACK_MEMORY)


def _r_peaks(signal: NDArray[np.float64], at: NDArray[np.int64], sampling_rate: float) -> NDArray[np.int64]:
    """Move detections, (k,), from the middle of their QRS complex to its R extremum."""
    if not at.size:
        return at
    smooth = bandpass(signal, sampling_rate, *R_BAND)
    reach = round(R_REACH * sampling_rate)
    around = np.clip(at[:, None] + np.arange(-reach, reach + 1), 0, signal.size - 1)  # (k, 2 reach + 1)
    windows = smooth[around]
    up, down = windows.max(axis=1), -windows.min(axis=1)
    # One side for all beats: picking the larger of R and S beat by beat would make the intervals jump.
    upright = up * R_FLIP >= down if np.median(up) >= np.median(down) else up > down * R_FLIP
    offset = np.where(upright, windows.argmax(axis=1), windows.argmin(axis=1))
    return around[np.arange(at.size), offset]
