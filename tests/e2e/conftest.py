"""A small data set, prepared and embedded once, for everything that runs real steps."""

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from omegaconf import OmegaConf

from data_modules.demo.clips import make_demo
from data_modules.demo.heartbeats import make_demo_heartbeats
from experiments import assess, embed, loso, prepare
from experiments import bundle as bundle_stage
from experiments.command import _as_keys
from painlit.config import Config, load

TINY = (
    "clip.seconds=3 clip.frames=4 spatial.image_size=32 spatial.inner_dim=8 spatial.embed_dim=8 spatial.depth=1 "
    "spatial.inner_heads=2 spatial.outer_heads=2 embed.weights=untrained embed.workers=0 "
    "model.heart_rate_encoder.latents=4 model.heart_rate_encoder.latent_dim=8 model.heart_rate_encoder.output_dim=16 "
    "model.temporal.latents=4 model.temporal.latent_dim=8 model.temporal.self_attention_blocks=1 "
    "model.temporal.weights=untrained model.heart_rate_encoder.weights=untrained "
    "train.epochs=4 train.warmup_epochs=1 train.batch_size=4 train.lr=1e-2 train.accelerator=cpu "
    "train.checkpoint_every=1 prepare.workers=1 log.wandb=disabled data.is_biovid=false data.name=tiny"
).split()
FOLD = "010100_m_27"
"""A subject of `tiny_data`, and the fold that tests it."""


def on_command_line(arguments: Sequence[str]) -> str:
    """A YAML file with all of these settings: on the command line a stage takes only what it reads."""
    file = Path(tempfile.mkdtemp(prefix="painlit-")) / "settings.yaml"
    file.write_text(OmegaConf.to_yaml(OmegaConf.create(load(arguments).to_dict())))
    return f"config={file}"


def tiny(root: Path, runs: Path, *more: str) -> Config:
    return load([*TINY, f"data.root={root}", f"runs={runs}", *more])


@pytest.fixture(scope="session")
def tiny_data(filled_once) -> Path:
    """Three subjects with two clips of each of two classes, in BioVid's layout."""
    return filled_once("PartA", lambda root: make_demo(root, load(TINY).clip, subjects=3, clips_per_class=2))


PRETRAINING = (
    "images.workers=0 stage1.faces=whole stage2.faces=whole stage1.held_out=0.25 stage1.validation_share=0.2 "
    "stage1.train.epochs=3 stage1.train.batch_size=8 stage1.train.lr=3e-3 stage1.train.accelerator=cpu "
    "stage2.sets=[raf_basic,folders] stage2.weights=untrained stage2.validation_share=0.3 "
    "stage2.train.epochs=3 stage2.train.batch_size=8 stage2.train.lr=3e-3 stage2.train.accelerator=cpu "
    "ecg.train.epochs=3 ecg.train.batch_size=256 ecg.train.lr=3e-3 ecg.train.accelerator=cpu"
).split()


def pretraining(root: Path, runs: Path) -> list[str]:
    """Arguments of the pretraining stages on `tiny_sets`."""
    roots = [
        f"stage1.root={root}/identities",
        f"stage2.roots.raf_db={root}/RAF-DB",
        f"stage2.roots.folders={root}/looks",
        f"ecg.roots.mitbih={root}/heartbeats/mitdb",
        f"ecg.roots.ptb={root}/heartbeats/ptbdb",
    ]
    return [*TINY, *PRETRAINING, *roots, f"runs={runs}"]


@pytest.fixture(scope="session")
def tiny_sets(tmp_path_factory) -> Path:
    """Patterns as photographs: 8 identities x 6 images, RAF-DB basic 7 x 4, 3 classes of 6 people; and heartbeats."""
    root = tmp_path_factory.mktemp("sets")
    make_demo_heartbeats(root / "heartbeats")
    generator = np.random.default_rng(0)
    for person in range(8):
        for image in range(6):
            _write_pattern(root / "identities" / f"p{person}" / f"{image}.jpg", person, generator)
    lines = []
    for label in range(1, 8):
        for image in range(4):
            name = f"{'test' if image == 3 else 'train'}_{4 * label + image:05d}"
            _write_pattern(root / "RAF-DB/basic/Image/aligned" / f"{name}_aligned.jpg", label, generator)
            lines.append(f"{name}.jpg {label}\n")
    (root / "RAF-DB/basic/EmoLabel").mkdir()
    (root / "RAF-DB/basic/EmoLabel/list_patition_label.txt").write_text("".join(lines))
    for number, look in enumerate(("calm", "cross", "glad")):
        for person in range(6):
            _write_pattern(root / "looks" / look / f"p{person}_{number}.png", number, generator)
    return root


def _write_pattern(path: Path, kind: int, generator: np.random.Generator) -> None:
    """Stripes whose width and colour depend on the kind, on noise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    stripes = np.sin(np.arange(40) * (0.3 + 0.2 * kind))[None, :, None] * np.roll([90, 30, -60], kind)
    light = cv2.resize(generator.normal(0, 25, (5, 5, 3)), (40, 40), interpolation=cv2.INTER_CUBIC)  # no two are copies
    image = 128 + stripes + light + generator.normal(0, 12, (40, 40, 3))
    assert cv2.imwrite(str(path), np.clip(image, 0, 255).astype(np.uint8))


@pytest.fixture(scope="session")
def embedded_runs(tiny_data, filled_once) -> Path:
    """A runs folder after prepare and embed. Tests copy it, so that none sees another's folds."""

    def make(runs: Path) -> None:
        prepare.run(tiny(tiny_data, runs))
        embed.run(tiny(tiny_data, runs))

    return filled_once("embedded", make)


@pytest.fixture
def runs(embedded_runs, tmp_path) -> Path:
    return shutil.copytree(embedded_runs, tmp_path / "runs")


@pytest.fixture(scope="session")
def trained_once(tiny_data, embedded_runs, filled_once) -> Path:
    """A finished run of `make loso` of each modality."""

    def make(runs: Path) -> None:
        shutil.copytree(embedded_runs, runs, dirs_exist_ok=True)
        for part in ("video", "heart_rate", "fusion"):
            assert not loso.run(tiny(tiny_data, runs, f"model.modality={part}", f"name={part}")).failed

    return filled_once("trained", make)


@pytest.fixture
def trained(trained_once, tmp_path) -> Path:
    """A copy of those, to run on and to damage."""
    return shutil.copytree(trained_once, tmp_path / "trained")


@pytest.fixture(scope="module")
def bundle(tiny_data, trained_once, tmp_path_factory) -> Path:
    """Three parts of one fold, whose subject they have not seen."""
    out = tmp_path_factory.mktemp("bundle") / "b"
    runs = "bundle.runs=[fusion,video,heart_rate]"
    return bundle_stage.run(tiny(tiny_data, trained_once, runs, f"bundle.folds=[{FOLD}]", f"bundle.out={out}")).path


@pytest.fixture(scope="module")
def recording(tiny_data, tmp_path_factory) -> Path:
    """12 s of the fold's subject: four clips one after the other."""
    video = tmp_path_factory.mktemp("recording") / "long.mp4"
    writer = None
    for clip in sorted((tiny_data / "video" / FOLD).iterdir()):
        reader = cv2.VideoCapture(str(clip))
        while (frame := reader.read())[0]:
            writer = writer or cv2.VideoWriter(str(video), cv2.VideoWriter.fourcc(*"mp4v"), 25, frame[1].shape[1::-1])
            writer.write(frame[1])
    writer.release()
    return video


def run_assess(*arguments: str) -> assess.AssessResult:
    return assess.run(load(_as_keys("assess", [*arguments, "--device", "cpu"]), "assess"))
