"""Fixtures of all tests: one thread, the real data at hand, a full disk, and a BioVid folder in miniature."""

import os
import resource
import shutil
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # as `one_thread`, for the commands that tests start

import cv2
import numpy as np
import pytest
import torch
from filelock import FileLock

from data_modules.recordings.biovid import CLASS_TOKENS, SAMPLE_COLUMNS
from painlit.config import ClipConfig

pytest_plugins = ["numbered_videos", "chromium"]

# Whoever starts the tests in the background may have Ctrl-C ignored, and the commands under test would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files of long tests first, so that no worker begins one when the others have nothing left."""
    long = ("e2e", "training", "experiments", "tasks", "loso")
    order = {name: place for place, name in enumerate(long)}
    items.sort(key=lambda item: min((order[part] for part in item.path.parts if part in order), default=len(long)))


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Tiny networks are faster on one thread, above all where tests share the cores with other work."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with the paper and the real data, beside the project."""
    folder = Path(__file__).parents[2] / "shared"
    if not folder.is_dir():
        pytest.skip(f"there is no {folder}")
    return folder


@pytest.fixture(scope="session")
def shared_data(shared: Path) -> Path:
    """Real recordings and photographs."""
    folder = shared / "data"
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder}")
    return folder


@pytest.fixture(scope="session")
def filled_once(tmp_path_factory) -> Callable[[str, Callable[[Path], object]], Path]:
    """`filled_once(name, make)`: the folder that `make(folder)` fills, once for all processes of the tests."""
    root = tmp_path_factory.getbasetemp()
    root = root.parent if "PYTEST_XDIST_WORKER" in os.environ else root

    def once(name: str, make: Callable[[Path], object]) -> Path:
        folder, finished = root / name, root / f"{name}.finished"
        with FileLock(root / f"{name}.lock"):
            if not finished.exists():
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                make(folder)
                finished.touch()
        return folder

    return once


@pytest.fixture
def full_disk() -> Callable[[int], AbstractContextManager[None]]:
    """`with full_disk(n):` no file can grow beyond n bytes, and the system says so when one tries."""

    @contextmanager
    def limited(size: int) -> Iterator[None]:
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))  # Python ignores SIGXFSZ: writing fails with EFBIG
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    return limited


@pytest.fixture(scope="session")
def make_biovid() -> Callable[..., Path]:
    """`make_biovid(root, ...)` writes a BioVid folder in miniature and returns it."""
    return _make_biovid


def _make_biovid(
    root: Path,
    subjects: int | Sequence[str] = 3,
    clips_per_class: int = 2,
    classes: Sequence[int] = (0, 4),
    clip: ClipConfig | None = None,
    videos: bool = False,
    signals: Sequence[str] = ("biosignals_filtered",),
    seed: int = 0,
) -> Path:
    """Write samples.csv, ECG tables and, on demand, videos of noise without a face.

    Args:
        root: Becomes the PartA folder.
        subjects: Their names, or how many.
        clips_per_class: Of each subject and class.
        classes: BioVid labels, 0..4.
        clip: Length and rates; BioVid's by default.
        videos: Write them too, 32 px wide.
        signals: Folders that get the ECG tables.
        seed: Of ECG noise and heart rates, which are 60 to 75 bpm and 5 more for each class.
    """
    clip = clip or ClipConfig()
    generator = np.random.default_rng(seed)
    if isinstance(subjects, int):
        subjects = [f"{number:02d}0114_{'wm'[number % 2]}_{20 + number}" for number in range(1, subjects + 1)]
    rows = ["\t".join(SAMPLE_COLUMNS)]
    for number, subject in enumerate(subjects, start=1):
        counters, resting = {0: 81, 1: 1}, generator.uniform(60, 75)
        for label in classes:
            for _ in range(clips_per_class):
                kind = min(label, 1)
                name = f"{subject}-{CLASS_TOKENS[label]}-{counters[kind]:03d}"
                counters[kind] += 1
                rows.append(f"{number}\t{subject}\t{label}\t{CLASS_TOKENS[label]}\t{len(rows)}\t{name}")
                table = _ecg_table(resting + 5 * label, clip, generator)
                for folder in signals:
                    path = root / folder / subject / f"{name}_bio.csv"
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_text(table)
                if videos:
                    _write_noise(root / "video" / subject / f"{name}.mp4", clip, generator)
    samples = root / "starting_point" / "samples.csv"
    samples.parent.mkdir(parents=True, exist_ok=True)
    samples.write_text("\n".join(rows) + "\n")
    return root


def _ecg_table(bpm: float, clip: ClipConfig, generator: np.random.Generator) -> str:
    """Regular R waves of 1 mV with T waves behind them, on a little noise."""
    seconds = np.arange(clip.ecg_samples) / clip.ecg_hz
    since = (seconds - generator.uniform(0.1, 0.5)) % (60 / bpm)  # s since the last R peak
    around = np.minimum(since, 60 / bpm - since)
    ecg = np.exp(-((around / 0.012) ** 2)) + 0.2 * np.exp(-(((since - 0.28) / 0.05) ** 2))
    ecg += generator.normal(0, 0.01, len(ecg))
    lines = [f"{round(1e6 * t)}\t2.1\t{value:.4f}\t0.0" for t, value in zip(seconds, ecg, strict=True)]
    return "\n".join(["time\tgsr\tecg\temg_trapezius", *lines, ""])


def _write_noise(path: Path, clip: ClipConfig, generator: np.random.Generator) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), clip.video_fps, (32, 24))
    for _ in range(clip.nominal_frames):
        writer.write(generator.integers(0, 256, (24, 32, 3), np.uint8))
    writer.release()
