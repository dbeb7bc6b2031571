"""`make assess`: recordings to assess, and the trained model that does."""

from __future__ import annotations

from dataclasses import dataclass, field

from painlit.config.affects import NOTHING, PATH
from painlit.config.checks import at_least, one_of, share
from painlit.config.maps import SPATIAL_METHODS
from painlit.config.pain import BACKENDS, PRECISIONS
from painlit.errors import PainlitError


@dataclass
class AssessConfig:
    """`make assess`: a recording, or many of them."""

    recording: str = field(default="", metadata=NOTHING | PATH)
    """A video; a folder of them; or a table (CSV or TSV), a row a recording, with the columns video, ecg, heart_rate,
    start, end, offset, name, rest, rest_ecg, rest_heart_rate, rest_start, rest_end, rest_offset. With assess.stream a
    file that grows, or - for a pipe."""
    ecg: str = field(default="", metadata=NOTHING | PATH)
    """ECG beside the video, or alone; --ecg FILE."""
    heart_rate: str = field(default="", metadata=NOTHING | PATH)
    """Heart rates or beat intervals of a device, instead of an ECG; --heart-rate FILE."""
    rest: str = field(default="", metadata=NOTHING | PATH)
    """Video of the same person at rest, for a bundle that was trained with data.baseline=rest; --rest FILE."""
    rest_ecg: str = field(default="", metadata=NOTHING | PATH)
    """ECG of the person at rest; --rest-ecg FILE."""
    rest_heart_rate: str = field(default="", metadata=NOTHING | PATH)
    """Heart rates or beat intervals at rest, instead of an ECG; --rest-heart-rate FILE."""
    rest_start: float = 0.0
    """Where the rest begins, in s on the clock of its video; --rest-start 30."""
    rest_end: float | None = None
    """Where the rest ends; null: where its recording does; --rest-end 90."""
    rest_offset: float = 0.0
    """Seconds by which the clock of the signal at rest is ahead of its video's."""
    model: str = field(default="", metadata=NOTHING | PATH)
    """Bundle, a folder or a .zip, that `make finetune` or `make bundle` left; --model BUNDLE."""
    out: str = field(default="assessment", metadata=NOTHING | PATH)
    """Folder for assessment.html, .csv and .json; of many recordings a folder each, and summary.csv; --out DIR."""
    start: float = 0.0
    """Where to begin, in s on the video's clock."""
    end: float | None = None
    """Where to end; null: where the recording does."""
    offset: float = 0.0
    """Seconds by which the signal's clock is ahead of the video's."""
    step: float = 1.0
    """Seconds from one window to the next."""
    image_fps: float | None = None
    """Pictures a second where the recording is a folder of pictures."""
    least_length: float = 0.5
    """Share of a window that a recording must last; a shorter one is refused, and the end of one that is between holds
    its last frame, which its row states."""
    calibrated: bool = True
    """Divide logits by the bundle's temperature."""
    faces: str = "blur"
    """Faces on the page: blur (beyond recognition), show or none; --faces show."""
    maps: str = "gradient"
    """What to show on the faces of the page: gradient, contribution (the paper's), rollout, sub_patch, or none."""
    device: str = "auto"
    """cpu, cuda:1, mps; auto takes the accelerator there is, else the CPU."""
    backend: str = "torch"
    """What runs the Spatial-Module: torch; or, on a CPU, openvino or native (the same scores): see embed.backend."""
    precision: str = "fp32"
    """Of its matrix products: fp32, bf16, or of backend=native int8, see embed.precision."""
    every: int | None = None
    """Frames of which one is embedded, as of embed.every; null: as for the clips that the model learnt from."""
    stream: bool = False
    """Print the score of each window as soon as its last frame is there, from a file that grows or a pipe; --stream."""
    camera: int | None = None
    """Number of a camera to stream from, 0 is the first; --camera 0."""
    idle: float = 10.0
    """Seconds after which a file that no longer grows has ended."""
    baseline_seconds: float = 60.0
    """Of a stream, for a bundle that was trained with data.baseline=session: the seconds from the first face on whose
    mean is the person's baseline. They have no score."""

    def __post_init__(self):
        at_least("assess.start", self.start, 0)
        at_least("assess.rest_start", self.rest_start, 0)
        at_least("assess.step", self.step, 0.01)
        at_least("assess.every", self.every, 1)
        at_least("assess.idle", self.idle, 0.1)
        at_least("assess.baseline_seconds", self.baseline_seconds, 1)
        share("assess.least_length", self.least_length, all_of_it=True)
        one_of("assess.faces", self.faces, ["blur", "show", "none"])
        one_of("assess.backend", self.backend, BACKENDS)
        one_of("assess.precision", self.precision, PRECISIONS)
        one_of("assess.maps", self.maps, [*SPATIAL_METHODS, "none"])
        for start, end in (("start", "end"), ("rest_start", "rest_end")):
            first, last = getattr(self, start), getattr(self, end)
            if last is not None and last <= first:
                raise PainlitError(f"assess.{end}={last:g} is not after assess.{start}={first:g}", "give a later end")
        at_least("assess.image_fps", self.image_fps, 0.1)
        at_least("assess.camera", self.camera, 0)
        for ecg, rates in (("ecg", "heart_rate"), ("rest_ecg", "rest_heart_rate")):
            if getattr(self, ecg) and getattr(self, rates):
                raise PainlitError(f"assess.{ecg} and assess.{rates} are both given", "give one: they say the same")
