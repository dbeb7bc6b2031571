"""How a network is trained: shared by all stages, each with its own defaults."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar, Self

from painlit.config.affects import NOTHING
from painlit.config.checks import above, at_least, one_of, share
from painlit.errors import PainlitError


@dataclass
class Training:
    """AdamW with linear warm-up and cosine decay."""

    key: ClassVar[str]
    """Full key of this group, for errors."""

    epochs: int = 800
    """Passes over the training data; the paper uses 500 and 800 for pain."""
    batch_size: int = 32
    """Clips or images in a step, over all processes."""
    lr: float = 1e-4
    """Peak learning rate."""
    weight_decay: float = 0.1
    """AdamW's weight decay."""
    decay: str = "all"
    """What decays: all, as Table 2 reads literally; matrices leaves norms, biases, latents and positions alone."""
    warmup_epochs: int = 50
    """Epochs of linear warm-up; a Trainer of another length warms up for the same share of its steps."""
    precision: str = "32-true"
    """Lightning's precision: 32-true, 16-mixed, bf16-mixed."""
    accelerator: str = field(default="auto", metadata=NOTHING)
    """Lightning's accelerator: auto, cpu, gpu, mps."""
    backend: str = field(default="torch", metadata=NOTHING)
    """What trains Spatial-Modules and Perceivers: torch; or native, on a CPU (C++ of our own, needs g++ or clang++),
    which is faster and needs less memory. docs/speed.md compares them."""
    natively: ClassVar[dict[str, object]] = {"precision": "32-true", "accelerator": "cpu"}
    """What backend=native asks of the other settings."""

    def __post_init__(self):
        at_least(f"{self.key}.epochs", self.epochs, 1)
        at_least(f"{self.key}.batch_size", self.batch_size, 1)
        above(f"{self.key}.lr", self.lr, 0)
        at_least(f"{self.key}.weight_decay", self.weight_decay, 0)
        one_of(f"{self.key}.decay", self.decay, ["all", "matrices"])
        one_of(f"{self.key}.precision", self.precision, ["32-true", "16-mixed", "bf16-mixed", "16-true", "bf16-true"])
        one_of(f"{self.key}.accelerator", self.accelerator, ["auto", "cpu", "gpu", "cuda", "mps"])
        one_of(f"{self.key}.backend", self.backend, ["torch", "native"])
        for key, value in self.natively.items() if self.backend == "native" else ():
            if getattr(self, key) not in (value, "auto"):  # what accelerator=auto takes is known when it trains
                raise PainlitError(
                    f"{self.key}.backend=native with {self.key}.{key}={getattr(self, key)}",
                    f"set {key}={value}, or backend=torch",
                )
        if not 0 <= self.warmup_epochs < self.epochs:
            raise PainlitError(
                f"{self.key}.warmup_epochs={self.warmup_epochs} with {self.key}.epochs={self.epochs}",
                f"the warm-up must be shorter than the training: lower {self.key}.warmup_epochs",
            )

    def shortened(self, share: float) -> Self:
        """The same with a share of the epochs, of the warm-up too, and at least one.

        >>> TrainConfig(epochs=800, warmup_epochs=50).shortened(0.02).epochs
        16
        """
        epochs = max(1, round(share * self.epochs))
        return replace(self, epochs=epochs, warmup_epochs=min(round(share * self.warmup_epochs), epochs - 1))


@dataclass
class TrainConfig(Training):
    """Pain (Table 2): AdamW, cosine decay, weight decay 0.1, 50 warm-up epochs, batches of 32."""

    key: ClassVar[str] = "train"

    joint: bool = False
    """Train the Spatial-Module too, from video; false reads the embedding cache."""
    joint_frames: int | None = field(default=8, metadata=NOTHING)
    """Joint training: frames whose activations are in memory at once; the others are embedded again in the backward
    pass (gradient checkpointing: a third more work, and the same gradients). null keeps all activations."""
    crop_memory_gib: float = field(default=4.0, metadata=NOTHING)
    """Joint training keeps decoded crops in memory up to this many GiB, and decodes again in each epoch beyond it."""
    checkpoint_every: int = field(default=10, metadata=NOTHING)
    """Epochs between checkpoints a stopped run goes on from."""

    def __post_init__(self):
        super().__post_init__()
        at_least("train.checkpoint_every", self.checkpoint_every, 1)
        at_least("train.crop_memory_gib", self.crop_memory_gib, 0)
        at_least("train.joint_frames", self.joint_frames, 1)


@dataclass
class PretrainingTraining(Training):
    """What pretraining adds: several processes, and checkpoints within an epoch. The paper gives no values."""

    weight_decay: float = 0.05
    warmup_epochs: int = 1
    devices: str = field(default="auto", metadata=NOTHING)
    """Processes on each node: auto is one for each GPU, or one on a CPU; or a number. torchrun and srun set it."""
    nodes: int = field(default=1, metadata=NOTHING)
    """Machines that train together, each started with the same command by torchrun or srun."""
    accumulate: int = 1
    """Passes that a step is divided into: memory falls with it, and batch_size stays that of a step."""
    largest_pass: ClassVar[int | None] = None
    """Images or beats in a pass of a process where accumulate=0; None where it must be given."""
    checkpoint_steps: int = field(default=1000, metadata=NOTHING)
    """Steps between checkpoints a stopped run goes on from; the end of each epoch is one too."""
    clip_gradient: float = 1.0
    """Largest norm of the gradient; 0 does not clip."""

    def __post_init__(self):
        super().__post_init__()
        at_least(f"{self.key}.checkpoint_steps", self.checkpoint_steps, 1)
        at_least(f"{self.key}.clip_gradient", self.clip_gradient, 0)
        if self.devices != "auto" and not (self.devices.isdecimal() and int(self.devices)):
            raise PainlitError(f"{self.key}.devices={self.devices!r}", "give auto, or a number of 1 or more")
        at_least(f"{self.key}.nodes", self.nodes, 1)
        at_least(f"{self.key}.accumulate", self.accumulate, 0 if self.largest_pass else 1)
        parts = self.processes * self.passes
        if self.batch_size % parts:
            raise PainlitError(
                f"{self.key}.batch_size={self.batch_size} is no multiple of {parts}, that is {self.key}.devices="
                f"{self.devices} x {self.key}.nodes={self.nodes} x {self.key}.accumulate={self.passes}",
                "each process takes an equal share of each pass of a step: change one of them",
            )

    @property
    def processes(self) -> int:
        """Number of processes that are configured, on all nodes; those that depend on the machine are not counted."""
        return self.nodes * (1 if self.devices == "auto" else max(1, int(self.devices)))

    @property
    def passes(self) -> int:
        """Passes of a step: as many as are set, or the fewest that are small enough and equally large."""
        if self.accumulate:
            return self.accumulate
        most = (self.largest_pass or 1) * self.processes
        sizes = (size for size in range(most, 0, -self.processes) if self.batch_size % size == 0)
        return self.batch_size // next(sizes, self.batch_size)

    @property
    def pass_size(self) -> int:
        """Images or beats of a forward pass, over all processes."""
        return self.batch_size // self.passes


@dataclass
class PhotographTraining(PretrainingTraining):
    """What training the Spatial-Module on photographs adds."""

    drop_path: float = 0.0
    """Rate of stochastic depth in the Spatial-Module's last block, rising to it from 0; helps small sets."""
    natively: ClassVar[dict[str, object]] = {"drop_path": 0.0, **PretrainingTraining.natively}
    accumulate: int = 0
    """Passes that a step is divided into; 0 takes the fewest of at most 64 images in each process, for which the
    paper's Spatial-Module keeps 8.6 GiB until the backward pass (137 MiB each)."""
    largest_pass: ClassVar[int | None] = 64

    def __post_init__(self):
        super().__post_init__()
        share(f"{self.key}.drop_path", self.drop_path, none=True)


@dataclass
class Stage1Training(PhotographTraining):
    """Face recognition. The paper gives no values: all are ours."""

    key: ClassVar[str] = "stage1.train"

    epochs: int = 20
    """Passes over the training images."""
    batch_size: int = 256
    """Images in a step, over all processes."""
    lr: float = 1e-3


@dataclass
class Stage2Training(PhotographTraining):
    """Emotion recognition. The paper gives no values: all are ours."""

    key: ClassVar[str] = "stage2.train"

    epochs: int = 20
    """Passes over the largest set."""
    batch_size: int = 128
    """Images in a step, of all sets and over all processes."""
    lr: float = 3e-4
    """Peak learning rate; lower than stage 1's, whose weights it starts from."""


@dataclass
class EcgTraining(PretrainingTraining):
    """Heartbeat classification. The paper gives no values: all are ours."""

    key: ClassVar[str] = "ecg.train"

    epochs: int = 30
    """Passes over the largest collection."""
    batch_size: int = 128
    """Beats in a step, of all collections and over all processes."""
    lr: float = 1e-3
