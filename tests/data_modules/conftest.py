"""Runs in which every clip is prepared and embedded, without a detector or a network."""

import dataclasses
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from made_up_photographs import PERSONS, write_image
from made_up_runs import FRAMES, SETTINGS, boxes_of, bpm_of, embedding_of
from packed_writers import PEOPLE, Sample, photograph

from data_modules.demo.heartbeats import make_demo_heartbeats
from data_modules.recordings.biovid import read_samples
from painlit.clips.embedding_cache import EmbeddingCache, cache_settings
from painlit.clips.table import ClipTable, PreparedClip, table_path, table_settings
from painlit.config import Config, load
from painlit.models.normalisation import MEAN, STD
from painlit.runs.artefact import write_artefact
from painlit.system.digests import FileState


@pytest.fixture(scope="module")
def root(make_biovid, tmp_path_factory) -> Path:
    """Three subjects, two clips of each of the five classes; videos of noise."""
    folder, clip = tmp_path_factory.mktemp("dataset") / "PartA", load(SETTINGS).clip
    return make_biovid(folder, subjects=3, clips_per_class=2, classes=range(5), clip=clip, videos=True)


@pytest.fixture(scope="module")
def finished_runs(root: Path, tmp_path_factory) -> Path:
    """Runs in which every clip is prepared and embedded, with numbers that follow from its name."""
    runs = tmp_path_factory.mktemp("finished") / "runs"
    base = load([*SETTINGS, f"data.root={root}", f"runs={runs}"])
    table = ClipTable(table_path(base), table_settings(base))
    cache = EmbeddingCache(base.folder("embed"), cache_settings(base, "w", {"mean": list(MEAN), "std": list(STD)}))
    clips = read_samples(root)
    cache.reserve([clip.name for clip in clips][::-1])  # in another order than samples.csv
    for clip in clips:
        boxes, found = boxes_of(clip.name), np.ones(FRAMES, bool)
        row = PreparedClip(clip.name, boxes=boxes, found=found, bpm=bpm_of(clip.name))
        table.add(dataclasses.replace(row, video_file=FileState.of(clip.video), signal_file=FileState.of(clip.ecg)))
        cache.write(clip.name, embedding_of(clip.name), table.clips()[clip.name].video_source)
    write_artefact(base.folder("embed") / "metrics.json", {"failed": {}}, cache.settings)
    return runs


@pytest.fixture
def configure(root: Path, finished_runs: Path, tmp_path: Path) -> Callable[..., Config]:
    """Configurations for a copy of the finished runs."""
    runs = shutil.copytree(finished_runs, tmp_path / "runs")
    return lambda *more: load([*SETTINGS, f"data.root={root}", f"runs={runs}", *more])


@pytest.fixture
def one_more(root: Path) -> Iterator[str]:
    """A clip that samples.csv lists during a test."""
    samples = root / "starting_point" / "samples.csv"
    before = samples.read_text()
    samples.write_text(before + "1\t010114_m_21\t4\tPA4\t99\t010114_m_21-PA4-099\n")
    yield "010114_m_21-PA4-099"
    samples.write_text(before)


@pytest.fixture(scope="session")
def made_heartbeats(tmp_path_factory) -> Path:
    """The demo's records of MIT-BIH and PTB."""
    return make_demo_heartbeats(tmp_path_factory.mktemp("heartbeats"))


@pytest.fixture
def heartbeats(made_heartbeats: Path, tmp_path: Path) -> Path:
    """A copy of them."""
    return shutil.copytree(made_heartbeats, tmp_path / "data")


@pytest.fixture(scope="module")
def samples() -> list[Sample]:
    """Eight JPEGs of each of three people, by person."""
    return [
        Sample(f"{person}_{k}.jpg", person, cv2.imencode(".jpg", photograph(10 * p + k))[1].tobytes())
        for p, person in enumerate(PEOPLE)
        for k in range(8)
    ]


@pytest.fixture
def vggface2(tmp_path: Path) -> Path:
    """Three identities with two images each, and their boxes."""
    root = tmp_path / "VGGFace2"
    for division, persons in PERSONS.items():
        rows = ["NAME_ID,X,Y,W,H"]
        for person in persons:
            for image in ("0001_01", "0002_01"):
                write_image(root / division / person / f"{image}.jpg")
                rows.append(f'"{person}/{image}",5,6,20,20')
        table = root / f"bb_landmark/loose_bb_{division}.csv"
        table.parent.mkdir(exist_ok=True)
        table.write_text("\n".join(rows) + "\n")
    return root


@pytest.fixture
def raf(tmp_path: Path) -> Path:
    """RAF-DB basic: of each class two training images and a test image."""
    root, lines = tmp_path / "RAF-DB", []
    for label in range(1, 8):
        for name in (f"train_{label:05d}", f"train_{7 + label:05d}", f"test_{label:04d}"):
            write_image(root / f"basic/Image/aligned/{name}_aligned.jpg")
            lines.append(f"{name}.jpg {label}\n")
    (root / "basic/EmoLabel").mkdir()
    (root / "basic/EmoLabel/list_patition_label.txt").write_text("".join(lines))
    return root
