"""ECG files: which lead to read, and the rate of those that do not tell it."""

from __future__ import annotations

from dataclasses import dataclass

from painlit.config.checks import within


@dataclass
class SignalsConfig:
    """Signal files, in any of the formats that docs/recordings.md lists."""

    lead: str = ""
    """Channel of the ECG, such as II; empty takes the only one, or of several the best by signal quality."""
    rate: float | None = None
    """Sampling rate in Hz of files that tell none, such as arrays; a file that tells another is refused. null: each
    file tells its own. For BioVid's own tables it is clip.ecg_hz."""

    def __post_init__(self):
        if self.rate is not None:
            within("signals.rate", self.rate, 60, 10_000)  # what R peaks are found at
