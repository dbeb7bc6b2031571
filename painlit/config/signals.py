"""ECG and heart-rate files: which lead to read, the rate of those that do not state it, and gaps."""

from __future__ import annotations

from dataclasses import dataclass, field

from painlit.config.affects import affects
from painlit.config.checks import at_least, within

_READING = affects("prepare", "pain", read_by=("check-data", "assess"))


@dataclass
class SignalsConfig:
    """Signal files, in any of the formats that docs/recordings.md lists."""

    lead: str = field(default="", metadata=_READING)
    """Channel of the ECG, such as II; empty takes the only one, or of several the best by signal quality."""
    rate: float | None = field(default=None, metadata=_READING)
    """Sampling rate in Hz of files that state none, such as arrays; a file that states another is refused. null: each
    file states its own. For BioVid's own tables it is clip.ecg_hz."""

    longest_gap: float = 5.0
    """Seconds without a heart rate of a device that are filled from their neighbours; a clip with a longer gap is
    refused."""

    def __post_init__(self):
        at_least("signals.longest_gap", self.longest_gap, 0)
        within("signals.rate", self.rate, 60, 10_000)  # what R peaks are found at
