"""The steps on recordings of pain: embeddings, training, leave-one-subject-out."""

from __future__ import annotations

from dataclasses import dataclass, field

from painlit.config.affects import PATH, TRAINING, affects, before
from painlit.config.checks import at_least, one_of, share, some_of
from painlit.errors import PainlitError
from painlit.system.names import check_name

BACKENDS = ("torch", "openvino", "native")
"""What runs the Spatial-Module in inference."""
PRECISIONS = ("fp32", "bf16", "int8")
"""Of its matrix products."""


@dataclass
class EmbedConfig:
    """`make embed`: Spatial-Module over every frame, cached."""

    name: str = ""
    """Name of the embeddings under runs/embed; empty is data.name, with -stage1 behind it if weights=stage1. Two
    Spatial-Modules need two names."""
    weights: str = field(default="auto", metadata=affects(read_by=("embed", *TRAINING, "maps", "bundle")) | PATH)
    """Spatial-Module weights (.safetensors); auto takes the newest of stage 2 under runs/, or else of stage 1; stage1
    and stage2 take the newest of that stage; untrained is random."""
    device: str = "auto"
    """cpu, cuda:1, mps, or several with commas between; auto takes every accelerator of this machine, else the CPU."""
    backend: str = "torch"
    """What runs the Spatial-Module: torch; or, on a CPU, openvino (extra `openvino`) or native (C++ of our own, needs
    g++ or clang++), whose embeddings are the same within 1e-4. docs/speed.md compares them."""
    precision: str = field(default="fp32", metadata=affects("embed") | before("fp32"))
    """Of its matrix products: fp32; bf16, faster on GPUs and on CPUs that multiply it; or int8, of backend=native alone
    and faster still on CPUs with VNNI. Embeddings change by about 0.5 and 2 per cent of their size."""
    every: int = field(default=1, metadata=affects("embed") | before(1))
    """Frames of which one is embedded: 1 embeds all (paper); 4 every fourth and the clip's last, and the embeddings of
    those between lie on the line between their neighbours', which takes a quarter of the time. Ours; docs/speed.md has
    what it does to scores."""
    batch_frames: int = 8
    """Frames in one forward pass; each is five images."""
    workers: int = 1
    """Processes that decode and crop."""

    def __post_init__(self):
        if self.name:
            check_name("embed.name", self.name)
        one_of("embed.backend", self.backend, BACKENDS)
        one_of("embed.precision", self.precision, PRECISIONS)
        at_least("embed.every", self.every, 1)
        at_least("embed.batch_frames", self.batch_frames, 1)
        at_least("embed.workers", self.workers, 0)


@dataclass
class FinetuneConfig:
    """`make finetune`: one model."""

    held_out: list[str] = field(default_factory=list)
    """Subjects kept out of training and tested at the end; none gives the model to deploy."""
    loso: str = ""
    """Run under runs/loso whose figures and temperature the bundle takes; it must have the same settings, clips and
    starting weights. Empty takes the run of the same name if it has them, and otherwise none."""

    def __post_init__(self):
        if self.loso:
            check_name("finetune.loso", self.loso)
        for name in self.held_out:
            check_name("a name in finetune.held_out", name)


@dataclass
class BundleConfig:
    """`make bundle`: finished runs to one folder or zip that assesses recordings."""

    runs: list[str] = field(default_factory=list)
    """Finished runs, one for each of video, heart_rate and fusion, trained alike; empty takes this configuration's."""
    stage: str = "loso"
    """What made them: loso (a model of each fold, none of which learnt from its fold's subjects) or finetune (one
    model on everybody)."""
    folds: list[str] = field(default_factory=list)
    """Folds of loso to take; empty takes all."""
    out: str = field(default="", metadata=PATH)
    """Where to write it: a folder, or FILE.zip; empty is runs/bundle/<first of bundle.runs>."""

    def __post_init__(self):
        one_of("bundle.stage", self.stage, ["loso", "finetune"])
        for key in ("runs", "folds"):
            for name in getattr(self, key):
                check_name(f"a name in bundle.{key}", name)
        if self.folds and self.stage != "loso":
            raise PainlitError(f"bundle.folds is given, and bundle.stage={self.stage} has no folds", "leave it out")


@dataclass
class CompareConfig:
    """`make compare`: two runs on the same clips."""

    runs: list[str] = field(default_factory=list)
    """Names of two finished runs under runs/loso."""

    def __post_init__(self):
        for name in self.runs:
            check_name("a name in compare.runs", name)


@dataclass
class TablesConfig:
    """`make tables` and `make report`: the paper's Tables 3, 4 and 5, a run of `make loso` for each row and task."""

    rows: list[str] = field(default_factory=list)
    """Rows, by their files in experiments/tables; empty takes all 17."""
    tasks: list[str] = field(default_factory=lambda: ["np_vs_p4", "multilevel"])
    """Tasks of each row; np_vs_p4 is left out where the data have other classes."""
    epoch_share: float = 1.0
    """Share of the paper's epochs to train; less than 1 is a trial, and called so beside its figures."""

    def __post_init__(self):
        some_of("tables.tasks", self.tasks, ["np_vs_p4", "multilevel"])
        share("tables.epoch_share", self.epoch_share, all_of_it=True)


@dataclass
class LosoConfig:
    """`make loso`: protocol, selection and how many folds run at once."""

    protocol: str = field(default="loso", metadata=affects("evaluation"))
    """loso (each subject held out once), kfold (loso.folds parts of subjects, each held out once), split (the table's
    column split); of BioVid loso67 (without 20 subjects) and holdout (61 train, 26 test)."""
    folds: int = field(default=10, metadata=affects("evaluation"))
    """Parts that loso.protocol=kfold divides the subjects into."""
    selection: str = field(default="last", metadata=affects("pain"))
    """Epoch that is tested: last (paper); inner (validation subjects out of the training ones); oracle (best on the
    test subject: only to measure how much that mistake flatters)."""
    inner_share: float = field(default=0.15, metadata=affects("pain"))
    """Share of the training subjects that `inner` validates on."""
    subjects: list[str] = field(default_factory=list)
    """Run only these folds; empty runs all."""
    engine: str = "local"
    """local: processes on this machine; ray: tasks on a Ray cluster (needs the extra `cluster`)."""
    workers: int | None = None
    """Folds at once; null is as many as the GPUs hold, or one per core without a GPU; with ray as many as the cluster
    has room for."""
    folds_per_gpu: int = 1
    """Folds that share a GPU; one fold of the paper's size uses a small part of a large one."""
    threads: int | None = None
    """CPU threads of a fold; null divides this machine's cores among its folds, and is 1 with ray."""
    ray_address: str = "local"
    """Ray cluster: local starts one on this machine; auto is the one that this machine belongs to; or host:port. Every
    node must see the same project, data and runs folder at the same paths."""
    accept_code: bool = False
    """Go on with folds that another version of the code, or of a package it uses, has made; the results state it."""
    dry_run: bool = False
    """List the folds and estimate hours from a handful of timed steps, and train nothing; --dry-run is short for it."""
    shuffle_labels: bool = field(default=False, metadata=affects("pain"))
    """Control: labels shuffled within each training subject; must land at chance."""

    def __post_init__(self):
        one_of("loso.protocol", self.protocol, ["loso", "kfold", "split", "loso67", "holdout"])
        one_of("loso.selection", self.selection, ["last", "inner", "oracle"])
        one_of("loso.engine", self.engine, ["local", "ray"])
        share("loso.inner_share", self.inner_share)
        at_least("loso.folds", self.folds, 2)
        for name in self.subjects:
            check_name("a name in loso.subjects", name)
        for key in ("workers", "threads", "folds_per_gpu"):
            at_least(f"loso.{key}", getattr(self, key), 1)
