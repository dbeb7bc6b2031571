"""Heartbeat pretraining: which collections, how they are divided, and how the Heart Rate Encoder learns from them."""

from __future__ import annotations

from dataclasses import dataclass, field

from painlit.config.affects import PATH, affects
from painlit.config.checks import one_of, share, some_of, within
from painlit.config.training import EcgTraining

HEARTBEAT_SETS = ("mitbih", "ptb", "mitbih_csv", "ptb_csv")
"""Collections of heartbeats."""
ALL = "all"
"""Those of the paper's two collections whose folder exists."""


@dataclass
class HeartbeatRoots:
    """Where the collections lie."""

    mitbih: str = field(
        default="data/mitdb", metadata=affects(read_by=("pretrain-ecg", "check-data", "proxy-data")) | PATH
    )
    """MIT-BIH Arrhythmia Database: 100.hea, 100.dat, 100.atr, ..."""
    ptb: str = "data/ptbdb"
    """PTB Diagnostic ECG Database: patient001/s0010_re.hea, ..."""
    csv: str = "data/heartbeats"
    """The ready-made tables mitbih_{train,test}.csv and ptbdb_{normal,abnormal}.csv."""


@dataclass
class HeartbeatConfig:
    """`make pretrain-ecg`: which kind of heartbeat is it?"""

    sets: list[str] = field(default_factory=lambda: [ALL])
    """Collections to learn from, any of: mitbih, ptb, mitbih_csv, ptb_csv; or all alone: mitbih and ptb, or the one of
    them whose folder exists."""
    roots: HeartbeatRoots = field(
        default_factory=HeartbeatRoots, metadata=affects(read_by=("pretrain-ecg", "check-data")) | PATH
    )
    mitbih_lead: str = field(default="0", metadata=affects("ecg", read_by=("check-data",)))
    """Lead of MIT-BIH's records: a position, or a name such as MLII. The first is MLII in 45 of 48."""
    ptb_lead: str = field(default="ii", metadata=affects("ecg", read_by=("check-data",)))
    """Lead of PTB's records: a position or a name."""
    leave_out: list[str] = field(default_factory=list, metadata=affects("ecg", read_by=("check-data",)))
    """Records not to read, such as 102 or patient001/s0010_re."""
    split: str = "random_beats"
    """random_beats: beats at random, as published work does, so that a patient's beats fall on both sides;
    inter_patient: by person (MIT-BIH: DS1 and DS2 of de Chazal et al. 2004, without paced records)."""
    validation_share: float = 0.2
    """Share of the beats, or of PTB's patients, kept for validation."""
    sampling: str = "natural"
    """natural: each beat once an epoch; balanced: each class equally often."""
    class_weights: float = 0.25
    """A class's loss counts by its frequency to minus this power: 0 not at all, 1 evens out the classes. Ours: 83 % of
    MIT-BIH's beats are normal, 0.7 % fusion beats."""
    mixing: float = 0.5
    """Each step has beats of every collection, in shares proportional to its number of beats to this power. Ours."""
    train: EcgTraining = field(default_factory=EcgTraining)

    def __post_init__(self):
        some_of("ecg.sets", self.sets, HEARTBEAT_SETS, alone=ALL)
        one_of("ecg.split", self.split, ["random_beats", "inter_patient"])
        one_of("ecg.sampling", self.sampling, ["natural", "balanced"])
        within("ecg.class_weights", self.class_weights, 0, 1)
        within("ecg.mixing", self.mixing, 0, 1)
        share("ecg.validation_share", self.validation_share)
