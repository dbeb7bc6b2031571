"""What `make check-data` checks."""

from __future__ import annotations

from dataclasses import dataclass, field

from painlit.config.checks import some_of
from painlit.config.heartbeats import HEARTBEAT_SETS
from painlit.config.pretraining import EMOTION_SETS

DATA_SETS = ("biovid", "vggface2", *EMOTION_SETS, *HEARTBEAT_SETS)
"""Data sets that `make check-data` supports."""
ALL = "all"
"""Every data set whose folder exists."""


@dataclass
class CheckConfig:
    """`make check-data`: is everything there before hours are spent?"""

    sets: list[str] = field(default_factory=lambda: ["biovid"])
    """Data sets to check: biovid (the recordings of data.*, in either layout), vggface2 (at stage1.root), affectnet,
    cfee, raf_basic, raf_compound, folders, mitbih, ptb, mitbih_csv, ptb_csv; or all alone: those whose folder exists,
    the others being named and not wrong."""

    def __post_init__(self):
        some_of("check.sets", self.sets, DATA_SETS, alone=ALL)
