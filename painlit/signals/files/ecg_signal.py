"""One lead of an ECG with its clock, and stretches of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from painlit.errors import ClipError

EDGE = 2  # samples that may lack at either end of a stretch: BioVid's tables are sometimes a row short
LONGEST_GAP = 0.040  # s that are interpolated: about half a QRS complex, so no beat is lost
GAP_SHARE = 0.01  # of a stretch that may be interpolated


@dataclass(frozen=True, eq=False)
class EcgSignal:
    """One lead at even steps.

    Attributes:
        values: (n,) float64, finite; in mV where the file states its unit.
        rate: In Hz.
        start: s of the first sample on the file's own clock.
        unit: Of `values`: mV where the file states it; else what the amplitude suggests (mV, µV, V), counts or unknown.
        lead: Name of the channel; empty where the file has none.
        notes: What was inferred or repaired, a sentence each.
        gaps: Samples [first, end) that the file does not have, bridged by a line here.
        file: Where it is from.
    """

    values: NDArray[np.float64]
    rate: float
    start: float = 0.0
    unit: str = "unknown"
    lead: str = ""
    notes: tuple[str, ...] = ()
    gaps: tuple[tuple[int, int], ...] = ()
    file: str = "ECG"

    @property
    def seconds(self) -> float:
        """Its length in s."""
        return self.values.size / self.rate

    def between(self, start: float, seconds: float) -> EcgSignal:
        """A stretch of `seconds` · rate samples, rounded.

        Up to two samples that lack at either end take the nearest value. Samples missing within are interpolated if
        no gap is longer than 40 ms and all of them together are at most 1 % of the stretch.

        Args:
            start: Where it begins, in s on the file's own clock: `signal.start` is the first sample.
            seconds: Its length in s.

        Raises:
            ClipError: The file has not enough of it.
        """
        samples = int(seconds * self.rate + 0.5)
        first = round((start - self.start) * self.rate)
        before, after = max(0, -first), max(0, first + samples - self.values.size)
        if max(before, after) > EDGE:
            raise ClipError(
                f"{self.file} has an ECG from {self.start:g} to {self.start + self.seconds:.3f} s, but {start:g} to "
                f"{start + seconds:g} s are asked for: {min(before + after, samples)} of {samples} samples are missing",
                "copy the file again, or set the clip's times or clip.seconds to what was recorded",
            )
        gaps = [(max(a - first, 0), min(b - first, samples)) for a, b in self.gaps if a < first + samples and b > first]
        self._check(gaps, samples, start)
        values = np.pad(self.values[max(first, 0) : first + samples], (before, after), mode="edge")
        ends = ((before, "beginning"), (after, "end"))
        filled = tuple(f"{k} samples lack at its {end} and take the nearest value" for k, end in ends if k)
        return replace(self, values=values, start=start, notes=self.notes + filled, gaps=tuple(gaps))

    def _check(self, gaps: list[tuple[int, int]], samples: int, start: float) -> None:
        missing = sum(end - first for first, end in gaps)
        longest = max(gaps, key=lambda gap: gap[1] - gap[0], default=(0, 0))
        length = longest[1] - longest[0]
        if length <= LONGEST_GAP * self.rate and missing <= GAP_SHARE * samples:
            return
        raise ClipError(
            f"{self.file}: {missing} of the {samples} samples from {start:g} s on are missing, "
            f"{length / self.rate:.3f} s of them at {start + longest[0] / self.rate:.3f} s",
            f"at most {1000 * LONGEST_GAP:g} ms in a row and {100 * GAP_SHARE:g} % in all are interpolated: "
            "leave the clip out, or take it from where the recording is whole",
        )
