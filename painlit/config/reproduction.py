"""`make paper`: the whole of the paper, in order."""

from __future__ import annotations

from dataclasses import dataclass, field

from painlit.config.checks import at_least, share, some_of

STEPS = (
    "proxy-data", "pretrain-stage1", "pretrain-stage1-temporal", "pretrain-stage2", "pretrain-ecg", "prepare", "embed",
    "tables", "table6", "table7", "figure3", "maps",
)  # fmt: skip
"""Steps of `make paper`, in order; proxy-data is one only where the recordings are a half of the proxies."""


@dataclass
class PaperConfig:
    """`make paper`: everything of the paper, from raw data to tables and figures."""

    only: list[str] = field(default_factory=list)
    """Steps to take; empty takes all. What they start from must be there."""
    epoch_share: float = 1.0
    """Share of all epochs, of pretraining and of the tables, to train; less than 1 is a trial, and the page says so.
    Give a trial a folder of its own (runs=runs/trial): finished steps of other epochs are refused."""
    accept_data: bool = False
    """Go on although something is wrong with the raw data, as far as the steps themselves can."""
    timings: int = 3
    """Rounds of Figure 3's timing, after one that is not counted; the median is reported."""

    def __post_init__(self):
        some_of("paper.only", self.only or ["tables"], STEPS)
        share("paper.epoch_share", self.epoch_share, all_of_it=True)
        at_least("paper.timings", self.timings, 1)
