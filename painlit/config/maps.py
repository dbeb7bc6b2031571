"""`make maps`: where in a face, and when in a clip, a trained model finds a score."""

from __future__ import annotations

from dataclasses import dataclass, field

from painlit.config.affects import NOTHING, PATH
from painlit.config.checks import at_least, one_of, some_of
from painlit.errors import PainlitError
from painlit.system.names import check_name

SPATIAL_METHODS = ["contribution", "gradient", "rollout", "sub_patch"]
TEMPORAL_METHODS = ["contribution", "gradient", "attention"]


@dataclass
class MapsConfig:
    """`make maps`: the paper's Figures 4, A1 and A2, of finished runs."""

    runs: list[str] = field(default_factory=list, metadata=NOTHING)
    """Finished runs, one for each of video, heart_rate and fusion, on the same clips; empty takes this configuration's.
    Faces are mapped by the first that reads video."""
    stage: str = field(default="loso", metadata=NOTHING)
    """What made them: loso (each clip is mapped by the model that never saw its person) or finetune."""
    clips: list[str] = field(default_factory=list, metadata=NOTHING)
    """Clips whose faces are shown, by name; empty takes one of the last class of each of the first three people."""
    stage1: str = field(default="stage1", metadata=NOTHING | PATH)
    """Spatial-Module of stage 1, a .safetensors in the folder of its run; stage1: the newest; none leaves it out."""
    stage2: str = field(default="stage2", metadata=NOTHING | PATH)
    """Spatial-Module of stage 2, likewise; stage2: the newest."""
    emotions: str = field(default="", metadata=NOTHING)
    """Set of stage 2 whose head is mapped; empty takes the first."""
    frames: int = field(default=8, metadata=NOTHING)
    """Frames of a clip that are shown, evenly spread."""
    spatial: list[str] = field(default_factory=lambda: ["contribution"], metadata=NOTHING)
    """Maps of faces: contribution (the paper's), gradient, rollout, sub_patch; a figure each."""
    temporal: list[str] = field(default_factory=lambda: ["contribution"], metadata=NOTHING)
    """Maps of the Temporal-Module: contribution (the paper's), gradient, attention; a figure each."""
    device: str = field(default="auto", metadata=NOTHING)
    """cpu, cuda:1, mps; auto takes the accelerator there is, else the CPU."""

    def __post_init__(self):
        one_of("maps.stage", self.stage, ["loso", "finetune"])
        for name in self.runs:
            check_name("a name in maps.runs", name)
        at_least("maps.frames", self.frames, 1)
        some_of("maps.spatial", self.spatial, SPATIAL_METHODS)
        some_of("maps.temporal", self.temporal, TEMPORAL_METHODS)
        if len({*self.clips}) < len(self.clips):
            raise PainlitError("maps.clips names a clip twice", "name each once")
