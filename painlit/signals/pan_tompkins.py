"""R peaks of an ECG: the decisions of Pan and Tompkins (1985) over the candidates of their filter bank."""

from collections import deque

import numpy as np
from numpy.typing import ArrayLike, NDArray

from painlit.signals.qrs_features import (
    INTEGRATION,
    REFRACTORY,
    Candidates,
    FilterBank,
    bandpass,
    check_ecg,
    filter_bank,
)

FRACTION = np.array([0.40, 0.25])  # threshold between noise and signal level: of energy, of height
MEMORY = 0.125  # weight of a new peak in a running level
SEARCH_BACK_MEMORY = 0.25  # of one that search-back found
TALLEST = 2.0  # one peak counts at most this many times the level, so that an artefact does not deafen the detector
LATE = 1.66  # times the recent beat interval: by then a beat was missed
SEARCH_BACK = 0.5  # share of the thresholds that a missed beat must pass
WAVE = 0.360  # s around a QRS in which a gentler wave is its T or P wave
WAVE_SLOPE = 0.5  # share of the steeper one's slope below which it is
RECENT = 8  # beat intervals
BLOCK = 1.5  # s, in which at least one beat is expected when the levels are first estimated
BLOCKS = 8  # of them at most, from the start
QUIET = 0.5  # share of the median signal that is a first estimate of noise peaks


def pan_tompkins(ecg: ArrayLike, sampling_rate: float) -> NDArray[np.int64]:
    """Find the R peaks of one ECG lead, from its first beat to its last.

    The clip itself sets the first thresholds, so no beats are lost to a learning phase, and 5.5 s are enough. Neither
    polarity, unit nor offset matters. The whole clip is at hand, which the real-time original could not assume: filters
    are run forwards and backwards (no delay), and the T-wave rule is also read backwards, against P waves.

    Args:
        ecg: One lead, (n,), any unit, at least 1 s.
        sampling_rate: In Hz.

    Returns:
        Sample indices of the R peaks, (k,), ascending; empty if nothing stands out.

    Raises:
        ValueError: If `ecg` is not one-dimensional or the rate is unusable.
        ClipError: If `ecg` has NaN or infinite samples, is flat, or is too short.

    Source: J. Pan, W. J. Tompkins, "A real-time QRS detection algorithm", IEEE Trans. Biomed. Eng. 32 (1985) 230-236;
    section 3.1.2 of the paper.
    """
    signal = check_ecg(ecg, sampling_rate)
    bank = filter_bank(signal, sampling_rate)
    beats = _Decisions(bank, sampling_rate).run()
    return _r_peaks(signal, bank.candidates.at[beats], sampling_rate)


class _Decisions:
    """One pass over the candidates, with running levels of signal and noise peaks."""

    def __init__(self, bank: FilterBank, sampling_rate: float):
        self.candidates: Candidates = bank.candidates
        self.rate = sampling_rate
        self.peaks = np.stack([bank.candidates.energy, bank.candidates.height], axis=1)  # (k, 2)
        self.signal, self.noise = _first_levels(bank, sampling_rate)  # (2,) each
        self.beats: list[int] = []  # indices of candidates
        self.intervals: deque[float] = deque(maxlen=RECENT)  # samples

    def run(self) -> list[int]:
        """Return the indices of the candidates that are beats."""
        for index in range(len(self.peaks)):
            self._search_back(index, self.candidates.at[index])
            if self._is_beat(index):
                self._accept(index, MEMORY)
            else:
                self.noise += MEMORY * (np.minimum(self.peaks[index], self.signal) - self.noise)
        return self.beats

    def _threshold(self) -> NDArray[np.float64]:
        return self.noise + FRACTION * (self.signal - self.noise)

    def _is_beat(self, index: int) -> bool:
        if not (self.peaks[index] > self._threshold()).all():
            return False
        at, slope = self.candidates.at, self.candidates.slope
        if self.beats and at[index] - at[self.beats[-1]] < WAVE * self.rate:
            last = self.beats[-1]
            if slope[index] < WAVE_SLOPE * slope[last]:  # a T wave
                return False
            if slope[last] < WAVE_SLOPE * slope[index]:  # the last one was a P wave
                self.beats.pop()
                if self.intervals:
                    self.intervals.pop()
        return True

    def _accept(self, index: int, memory: float) -> None:
        if self.beats:
            self.intervals.append(float(self.candidates.at[index] - self.candidates.at[self.beats[-1]]))
        self.beats.append(index)
        self.signal += memory * (np.minimum(self.peaks[index], TALLEST * self.signal) - self.signal)

    def _search_back(self, stop: int, now: int) -> None:
        """Take the best candidates since the last beat if it is too long ago."""
        at = self.candidates.at
        while self.intervals and now - at[self.beats[-1]] > LATE * np.mean(self.intervals):
            last = self.beats[-1]
            missed = np.arange(last + 1, stop)
            missed = missed[(at[missed] - at[last] > WAVE * self.rate) & (now - at[missed] > REFRACTORY * self.rate)]
            missed = missed[(self.peaks[missed] > SEARCH_BACK * self._threshold()).all(axis=1)]
            if not missed.size:
                return
            self._accept(int(missed[np.argmax(self.peaks[missed, 0])]), SEARCH_BACK_MEMORY)


def _first_levels(bank: FilterBank, sampling_rate: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """First estimates of signal and noise peaks, (2,) each, from the first seconds of the clip.

    A block of 1.5 s holds a beat at 40 bpm and more, so the median over blocks of their maxima is a typical beat.
    """
    both = np.stack([bank.energy, np.abs(bank.bandpassed)], axis=1)  # (n, 2)
    block = min(len(both), round(BLOCK * sampling_rate))
    count = min(len(both) // block, BLOCKS)
    start = both[: count * block]
    signal = np.median(start.reshape(count, block, 2).max(axis=1), axis=0)
    return signal, QUIET * np.median(start, axis=0)


def _r_peaks(signal: NDArray[np.float64], at: NDArray[np.int64], sampling_rate: float) -> NDArray[np.int64]:
    """Move each detection to the extremum of the band-passed ECG next to it."""
    smooth = np.abs(bandpass(signal, sampling_rate, 5, 18))
    reach = round(INTEGRATION / 2 * sampling_rate)
    starts = np.maximum(at - reach, 0)
    return np.unique([s + np.argmax(smooth[s : a + reach + 1]) for s, a in zip(starts, at, strict=True)]).astype(
        np.int64
    )
