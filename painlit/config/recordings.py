"""Recordings: where they are, how long a clip is, how faces are cropped and heart rates computed."""

from __future__ import annotations

from dataclasses import dataclass, field

from painlit.config.affects import NOTHING, PATH, RECORDINGS, affects, before
from painlit.config.checks import at_least, one_of, within
from painlit.config.task import CLASS_NAMES, check_classes
from painlit.errors import PainlitError
from painlit.system.names import check_name

BASELINES = ("none", "rest", "session")
"""Where a person's own baseline comes from."""


@dataclass
class DataConfig:
    """Where the recordings are and what to call them."""

    layout: str = field(default="biovid", metadata=affects("pain", read_by=("check-data", "prepare", "embed")))
    """biovid: Part A as it is distributed, at data.root; table: a table of clips, data.table."""
    root: str = field(default="data/BioVid/PartA", metadata=NOTHING | PATH)
    """Folder in BioVid's layout: starting_point/samples.csv, video/, biosignals_*/."""
    table: str = field(default="", metadata=NOTHING | PATH)
    """Table of clips (CSV or TSV): a row a clip, with the columns clip, subject, label and one of video, ecg,
    heart_rate; also start, end, offset, rest, sex, age, group, split. docs/recordings.md describes them."""
    classes: list[str] = field(default_factory=list, metadata=affects("pain", read_by=("check-data",)))
    """Classes of the table, in order; empty takes the table's labels: numbers ascending, names as they first come."""
    name: str = field(default="biovid", metadata=affects(read_by=("check-data", *RECORDINGS, "bundle")))
    """Name of this data set under runs/prepare and runs/embed."""
    is_biovid: bool = field(default=True, metadata=affects("pain"))
    """false for stand-ins, in either layout: results then state that they are not about pain, and omit the paper's."""
    signals: str = field(default="biosignals_filtered", metadata=affects("prepare", "pain", read_by=("check-data",)))
    """Folder of BioVid's ECG files: biosignals_filtered or biosignals_raw."""
    baseline: str = field(default="none", metadata=affects("pain"))
    """What is subtracted from a person's heart rates and embeddings: none; session: their own mean over all clips,
    whatever their class; rest: their own mean over the clips that the table marks in its column rest. Ours."""

    def __post_init__(self):
        check_name("data.name", self.name)
        one_of("data.baseline", self.baseline, BASELINES)
        one_of("data.layout", self.layout, ["biovid", "table"])
        check_classes("data.classes", self.classes)
        if self.layout == "table" and not self.table:
            raise PainlitError("data.layout=table needs a table of clips", "say where it is: data.table=FILE")
        if self.layout == "biovid" and (self.table or self.classes):
            key = "data.table" if self.table else "data.classes"
            raise PainlitError(f"{key} is given, and data.layout=biovid does not read it", "set data.layout=table")
        if self.layout == "biovid" and self.baseline == "rest":
            raise PainlitError(
                "data.baseline=rest, and BioVid has no recordings at rest: its baseline clips are the class NP, and "
                "taking them would use labels",
                "set data.baseline=session; or list recordings in a table (data.layout=table) with a column rest",
            )

    @property
    def class_names(self) -> tuple[str, ...]:
        """All classes, in order; none if the table that has them is still to be read."""
        return CLASS_NAMES if self.layout == "biovid" else tuple(self.classes)

    @property
    def papers(self) -> bool:
        """Whether these are the paper's recordings, so that its figures may stand beside ours."""
        return self.layout == "biovid" and self.is_biovid


@dataclass
class ClipConfig:
    """How long a clip is and how finely it is sampled; every size in the models follows from it."""

    seconds: float = 5.5
    """Length of a clip in s."""
    video_fps: float = 25.0
    """Frame rate in Hz at which the models see a clip; a video of any other, or of a variable one, is read by time."""
    image_fps: float | None = field(default=None, metadata=affects("prepare", "embed", "pain", read_by=("check-data",)))
    """Pictures a second where a clip is a folder of pictures."""
    ecg_hz: float = field(default=512.0, metadata=affects("prepare", "pain", read_by=("check-data",)))
    """Sampling rate of BioVid's ECG tables in Hz; their column of times must agree within 1 %."""
    frames: int | None = None
    """Frames used of each clip, evenly spaced; null uses all (138, as in the paper)."""

    def __post_init__(self):
        at_least("clip.seconds", self.seconds, 1)
        at_least("clip.video_fps", self.video_fps, 1)
        at_least("clip.image_fps", self.image_fps, 0.1)
        within("clip.ecg_hz", self.ecg_hz, 60, 10_000)  # what R peaks are found at
        if self.frames is not None and not 1 <= self.frames <= self.nominal_frames:
            raise PainlitError(
                f"clip.frames={self.frames}, but a clip has {self.nominal_frames} frames",
                f"choose 1 to {self.nominal_frames}, or null for all",
            )

    @property
    def nominal_frames(self) -> int:
        """Frames in a whole clip: 138 for 5.5 s at 25 Hz (137.5, rounded up as the paper does)."""
        return int(self.seconds * self.video_fps + 0.5)

    @property
    def used_frames(self) -> int:
        """Frames the models see of each clip."""
        return self.frames or self.nominal_frames

    @property
    def frame_indices(self) -> list[int]:
        """Positions of the used frames, evenly spaced from the first to the last."""
        if self.used_frames == 1:
            return [self.nominal_frames // 2]
        step = (self.nominal_frames - 1) / (self.used_frames - 1)
        return [int(k * step + 0.5) for k in range(self.used_frames)]

    @property
    def frame_times(self) -> list[float]:
        """Times of the used frames within the clip, in s."""
        return [index / self.video_fps for index in self.frame_indices]

    @property
    def ecg_samples(self) -> int:
        """ECG samples in a whole clip: 2,816."""
        return int(self.seconds * self.ecg_hz + 0.5)

    @property
    def heart_rates(self) -> int:
        """Heart rates per clip, one for each whole second: 5."""
        return int(self.seconds)


@dataclass
class FaceConfig:
    """How faces are found and cropped."""

    min_face: float = field(default=0.2, metadata=affects("prepare", "stage1", "stage2", "pain"))
    """Smallest face looked for, as a share of the frame's shorter side. Ours: BioVid's faces fill about half of it."""
    detection: str = field(default="every_frame", metadata=affects("prepare", "pain") | before("every_frame"))
    """Frames that the whole of MTCNN sees: every_frame (paper); key_frames: every 12th, and more where needed, and its
    last network alone follows the faces through those between, which takes about a fifth of the time. Ours."""
    margin: float = field(default=0.3, metadata=affects("embed", "stage1", "stage2", "pain", read_by=("prepare",)))
    """Share by which the square crop exceeds the detected box's longer side. Ours."""
    crop: str = field(default="per_frame", metadata=affects("embed", "pain", read_by=("prepare",)))
    """per_frame follows the face (paper); per_clip cuts one square for the whole clip, which keeps head movement."""

    smooth: float = field(default=0.0, metadata=affects("embed", "pain"))
    """Standard deviation in s of a Gaussian over time that steadies boxes; 0 is off, as the paper has none."""
    least_found: float = field(default=0.5, metadata=affects("pain", read_by=("prepare",)))
    """Share of a clip's frames in which the face must be found, else its video is refused and named; in others its
    box is interpolated. 0 refuses none. Ours."""

    def __post_init__(self):
        within("face.smooth", self.smooth, 0, 10)
        within("face.least_found", self.least_found, 0, 1)
        one_of("face.detection", self.detection, ["every_frame", "key_frames"])
        one_of("face.crop", self.crop, ["per_frame", "per_clip"])
        within("face.min_face", self.min_face, 0.01, 1)
        at_least("face.margin", self.margin, -0.9)


R_PEAK_DETECTOR_NAMES = ("pan_tompkins", "hamilton", "christov", "engzee", "pan_tompkins_plus_plus", "xqrs")
"""What finds R peaks; `painlit.signals.ecg.detectors` has one of each name."""


@dataclass
class PrepareConfig:
    """`make prepare`: boxes and heart rates of every clip."""

    heart_rate_rule: str = "overlap"
    """overlap: mean of the inter-beat intervals that cover a second; paper: only intervals inside it, and a second
    without one is filled from its neighbours, or in a clip that has none from all intervals."""
    r_peaks: str = "pan_tompkins"
    """What finds R peaks: pan_tompkins (ours), biosppy's hamilton, christov, engzee or pan_tompkins_plus_plus, or
    wfdb's xqrs. Signal quality is always judged by ours."""
    least_ecg_quality: float = field(default=0.15, metadata=affects("pain", read_by=("prepare",)))
    """Signal quality (0 to 1) below which a clip's heart rates are refused and named; 0 refuses none. Ours: 1.5 %
    of MIT-BIH's 5.5 s windows are below, and in more than half of these rates err by more than 5 bpm."""
    workers: int | None = field(default=None, metadata=affects(read_by=("prepare", "tables")))
    """Processes; null uses one per core."""
    device: str = field(
        default="cpu", metadata=affects(read_by=("prepare", "pretrain-stage1", "pretrain-stage2", "tables"))
    )
    """Device of the face detector in each process: cpu, cuda, cuda:1, mps."""

    def __post_init__(self):
        within("prepare.least_ecg_quality", self.least_ecg_quality, 0, 1)
        one_of("prepare.heart_rate_rule", self.heart_rate_rule, ["overlap", "paper"])
        one_of("prepare.r_peaks", self.r_peaks, R_PEAK_DETECTOR_NAMES)
        at_least("prepare.workers", self.workers, 1)
