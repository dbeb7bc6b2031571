"""Runs in which every clip is prepared and embedded, without a detector or a network."""

import dataclasses
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from made_up_runs import FRAMES, SETTINGS, boxes_of, bpm_of, embedding_of

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
