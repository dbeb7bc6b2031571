"""`make proxy-data`: two stand-ins for BioVid from photographs and ECGs of real people."""

from __future__ import annotations

from dataclasses import dataclass, field

from painlit.config.affects import NOTHING, PATH
from painlit.config.checks import at_least, some_of, within

HALVES = ("A", "B")
"""Settings are chosen on the people of A, and results reported on those of B."""
MOST_SUBJECTS = 34
"""Records of MIT-BIH that a proxy can use: with more subjects, two of a half would have one heart."""


@dataclass
class ProxyConfig:
    """`make proxy-data`: which people become clips, and where. No result is pain data."""

    halves: list[str] = field(default_factory=lambda: [*HALVES])
    """A and B, of different people: choose settings on A, report on B. [A] or [B] makes one of them."""
    subjects: int = 24
    """People in each half."""
    first_subject: int = 0
    """How many people of the face set to skip; A begins there, and B where A ends."""
    clips_per_class: int = 2
    """Of each subject, for each of BioVid's five classes."""
    faces: str = field(default="data/london", metadata=NOTHING | PATH)
    """Face Research Lab London Set (CC BY 4.0): london_faces_info.csv, neutral_front/ and smiling_front/, as published;
    or info.csv, neutral/ and smiling/."""
    out: str = field(default="data/proxy", metadata=NOTHING | PATH)
    """Gets a folder of each half, in BioVid's layout."""
    workers: int | None = None
    """Processes; null uses one per core."""

    def __post_init__(self):
        some_of("proxy.halves", self.halves, HALVES)
        within("proxy.subjects", self.subjects, 1, MOST_SUBJECTS)
        at_least("proxy.first_subject", self.first_subject, 0)
        within("proxy.clips_per_class", self.clips_per_class, 1, 20)
        at_least("proxy.workers", 1 if self.workers is None else self.workers, 1)

    def first_of(self, half: str) -> int:
        """How many people of the face set come before those of a half."""
        return self.first_subject + HALVES.index(half) * self.subjects
