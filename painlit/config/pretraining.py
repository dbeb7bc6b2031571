"""Stages 1 and 2: photographs, their augmentation, and what is learnt from them."""

from __future__ import annotations

from dataclasses import dataclass, field

from painlit.config.affects import NOTHING, PATH, affects
from painlit.config.checks import above, at_least, one_of, share, some_of, within
from painlit.config.training import Stage1Training, Stage2Training
from painlit.errors import PainlitError
from painlit.system.names import check_name

EMOTION_SETS = ("affectnet", "cfee", "raf_basic", "raf_compound", "folders")
"""Sets that stage 2 can read; the first four are the paper's."""

SAMPLING = ("natural", "balanced")
FACES = ("auto", "detect", "whole")


@dataclass
class ImagesConfig:
    """Photographs: how they are decoded and augmented. The paper names no augmentation; all values are ours."""

    workers: int = field(default=2, metadata=NOTHING)
    """Processes that decode and augment, for each training process; 0 does it in the training process."""
    flip: bool = True
    """Mirror half of the images."""
    shift: float = 0.06
    """Largest shift of the crop, as a share of its side."""
    scale: float = 0.12
    """Largest change of the crop's side, as a share of it."""
    rotation: float = 12.0
    """Largest rotation in degrees."""
    light: float = 0.25
    """Largest change of contrast, as a share; brightness changes by up to 0.4 of it, as a share of white."""
    grey: float = 0.0
    """Share of the images that lose their colour."""
    erase: float = 0.0
    """Share of the images in which a random rectangle is painted over; helps small sets (Zhong et al. 2020)."""

    def __post_init__(self):
        at_least("images.workers", self.workers, 0)
        within("images.rotation", self.rotation, 0, 180)
        share("images.scale", self.scale, none=True)
        for key in ("shift", "light", "grey", "erase"):
            within(f"images.{key}", getattr(self, key), 0, 1)


@dataclass
class TeacherConfig:
    """A network of faces whose outputs the network here also learns to predict, without labels (distillation). Ours."""

    file: str = field(default="", metadata=NOTHING | PATH)
    """ONNX or TFLite file of the network, such as one of face landmarks or face recognition; empty for none."""
    size: int = 192
    """Side of the face crops that it reads in px."""
    margin: float = 0.25
    """Margin of these crops about a face's box, as face.margin."""
    mean: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])
    """RGB mean subtracted from its crops in 0..1."""
    std: list[float] = field(default_factory=lambda: [1.0, 1.0, 1.0])
    """RGB standard deviation they are divided by."""
    output: str = ""
    """Its layer whose values are predicted; empty takes the network's first output."""
    components: int = 32
    """Principal components of these values that are predicted, each with a variance of 1."""

    def check(self, key: str) -> None:
        """Refuse values that make no sense, by their full keys; `key` is that of this group."""
        at_least(f"{key}.size", self.size, 1)
        at_least(f"{key}.components", self.components, 1)
        within(f"{key}.margin", self.margin, -0.9, 10)
        for name in ("mean", "std"):
            if len(values := getattr(self, name)) != 3:
                raise PainlitError(f"{key}.{name}={values} has {len(values)} values", "give one for each of R, G, B")
        for value in self.std:
            above(f"{key}.std", value, 0)


@dataclass
class Stage1Config:
    """`make pretrain-stage1`: whose face is it?"""

    root: str = field(default="data/VGGFace2", metadata=affects(read_by=("pretrain-stage1", "check-data")) | PATH)
    """VGGFace2, any folder with one folder of images for each identity, or RecordIO, tar shards or Parquet."""
    name: str = field(default="vggface2", metadata=affects(read_by=("pretrain-stage1", "check-data")))
    """Name of this data set."""
    network: str = "spatial"
    """spatial trains the Spatial-Module; temporal trains the Temporal-Module on flattened images (paper 3.4)."""
    faces: str = "auto"
    """Where the faces are: auto takes the set's own boxes and detects faces if it has none; detect; whole (the image
    is the face's box)."""
    head: str = "softmax"
    """softmax (cross-entropy), or arcface (Deng et al. 2019)."""
    arcface_scale: float = 64.0
    """Scale of ArcFace's cosines; small sets want less (16)."""
    arcface_margin: float = 0.5
    """ArcFace's margin in radians; small sets want less (0.2)."""
    held_out: float = 0.01
    """Share of the identities that are not trained on, for verification; 0 trains on all 9,131 as the paper does."""
    validation_share: float = 0.01
    """Share of each trained identity's images kept for top-1, at least one if it has five."""
    verification_images: int = 20
    """Images of each held-out identity used in verification, at most."""
    sampling: str = "natural"
    """natural: each image once an epoch; balanced: each identity equally often."""
    teacher: TeacherConfig = field(default_factory=TeacherConfig)
    train: Stage1Training = field(default_factory=Stage1Training)

    def __post_init__(self):
        check_name("stage1.name", self.name)
        self.teacher.check("stage1.teacher")
        one_of("stage1.network", self.network, ["spatial", "temporal"])
        one_of("stage1.faces", self.faces, FACES)
        one_of("stage1.head", self.head, ["softmax", "arcface"])
        one_of("stage1.sampling", self.sampling, SAMPLING)
        at_least("stage1.verification_images", self.verification_images, 2)
        above("stage1.arcface_scale", self.arcface_scale, 0)
        within("stage1.arcface_margin", self.arcface_margin, 0, 1.57)
        for key in ("held_out", "validation_share"):
            share(f"stage1.{key}", getattr(self, key), none=True)


@dataclass
class EmotionRoots:
    """Where the emotion sets lie."""

    affectnet: str = "data/AffectNet"
    """With train_set/ and val_set/, or with training.csv and validation.csv."""
    cfee: str = "data/CFEE"
    """With CFEE_Database_230/."""
    raf_db: str = "data/RAF-DB"
    """With basic/ and compound/."""
    folders: str = "data/expressions"
    """One folder of images for each class, or RecordIO, tar shards or Parquet; a person is identified by the
    image's name up to the first underscore."""


@dataclass
class Stage2Config:
    """`make pretrain-stage2`: which expression is it? One task for each set."""

    sets: list[str] = field(default_factory=lambda: ["affectnet", "cfee", "raf_basic", "raf_compound"])
    """Sets to learn from, any of: affectnet, cfee, raf_basic, raf_compound, folders."""
    roots: EmotionRoots = field(
        default_factory=EmotionRoots, metadata=affects(read_by=("pretrain-stage2", "check-data")) | PATH
    )
    trees: list[str] = field(default_factory=list, metadata=NOTHING | PATH)
    """More roots laid out as stage2.roots.folders, each a set of its own, named after its folder."""
    unlabelled: list[str] = field(default_factory=list, metadata=NOTHING | PATH)
    """Folders of image files without labels, at any depth, which serve stage2.teacher alone."""
    faces: str = "auto"
    """As stage1.faces, for all sets."""
    raf_images: str = field(default="auto", metadata=affects("stage2", read_by=("check-data",)))
    """RAF-DB's images: aligned, original, or auto: aligned if they are there; originals may show several faces."""
    weights: str = field(default="auto", metadata=NOTHING | PATH)
    """Spatial-Module to start from (.safetensors); auto: the newest of stage 1 under runs/; untrained is random."""
    sampling: str = "balanced"
    """natural: each image equally often; balanced: each class of a set equally often (ours: AffectNet's classes differ
    by a factor of 36)."""
    mixing: float = 0.5
    """Each step has images of every set, in shares proportional to its number of training images to this power: 1 is
    proportional, 0 equal. Ours."""
    validation_share: float = 0.15
    """Share of the people kept for validation in sets without an official split (CFEE)."""
    teacher: TeacherConfig = field(default_factory=TeacherConfig)
    train: Stage2Training = field(default_factory=Stage2Training)

    def __post_init__(self):
        some_of("stage2.sets", self.sets, EMOTION_SETS)
        self.teacher.check("stage2.teacher")
        one_of("stage2.faces", self.faces, FACES)
        one_of("stage2.raf_images", self.raf_images, ["auto", "aligned", "original"])
        one_of("stage2.sampling", self.sampling, SAMPLING)
        if self.unlabelled and not self.teacher.file:
            raise PainlitError(
                f"stage2.unlabelled={self.unlabelled} without a teacher: nothing can be learnt from these images",
                "give stage2.teacher.file, or leave it out",
            )
        sets = len(self.sets) + len(self.trees) + len(self.unlabelled)
        if sets > self.train.pass_size // self.train.processes:
            raise PainlitError(
                f"stage2.train.batch_size={self.train.batch_size} cannot hold {sets} sets in each pass",
                "raise it: every pass has images of every set",
            )
        within("stage2.mixing", self.mixing, 0, 1)
        share("stage2.validation_share", self.validation_share)
