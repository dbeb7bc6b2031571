import hashlib
from pathlib import Path

import numpy as np
import pytest

from data_modules.affectnet import AffectNet
from data_modules.cfee import CFEE
from data_modules.demo_images import make_demo_images
from data_modules.identities import IdentityTree
from data_modules.raf_db import RAFDB
from painlit.images.reading import read_image
from painlit.images.source import TRAIN, VALIDATION, Record

READERS = {
    "vggface2": lambda root: IdentityTree(root / "VGGFace2"),
    "affectnet": lambda root: AffectNet(root / "AffectNet"),
    "raf_basic": lambda root: RAFDB(root / "RAF-DB", "basic"),
    "raf_compound": lambda root: RAFDB(root / "RAF-DB", "compound"),
    "cfee": lambda root: CFEE(root / "CFEE"),
}


@pytest.fixture(scope="module")
def photographs(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("demo") / "photographs"
    make_demo_images(root)
    return root


def digests(root: Path) -> dict[str, str]:
    files = sorted(path for path in root.rglob("*") if path.is_file())
    return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.mark.parametrize("name", READERS)
def test_the_real_readers_take_every_image(photographs: Path, name: str):
    source = READERS[name](photographs)
    records = list(source.records())
    assert all(isinstance(record, Record) for record in records)
    assert {record.label for record in records if record.part == TRAIN} == set(range(len(source.classes)))
    if source.has_split:
        assert {record.label for record in records if record.part == VALIDATION} == set(range(len(source.classes)))
    for record in records[:: len(records) // 5]:
        height, width = read_image(source.root / record.path).shape[:2]
        if record.box is not None:
            x1, y1, x2, y2 = record.box
            assert x2 - x1 > 0.3 * width
            assert 0 < (x1 + x2) / 2 < width
            assert 0 < (y1 + y2) / 2 < height


def test_people_differ_more_than_the_photographs_of_one(photographs: Path):
    def mean_image(person: str) -> np.ndarray:
        folder = photographs / "VGGFace2" / "train" / person
        images = [read_image(path) for path in sorted(folder.iterdir())]
        return np.mean([image.mean((0, 1)) for image in images], axis=0)

    people = sorted(path.name for path in (photographs / "VGGFace2" / "train").iterdir())
    colours = np.stack([mean_image(person) for person in people])  # (people, 3)
    assert np.ptp(colours, axis=0).max() > 20


def test_the_same_seed_gives_the_same_and_a_second_call_changes_nothing(photographs: Path, tmp_path: Path):
    before = {path: path.stat().st_mtime_ns for path in photographs.rglob("*.jpg")}
    make_demo_images(photographs)
    assert before == {path: path.stat().st_mtime_ns for path in photographs.rglob("*.jpg")}
    make_demo_images(tmp_path / "again")
    assert digests(tmp_path / "again") == digests(photographs)


def test_an_interrupted_creation_is_completed(photographs: Path, tmp_path: Path):
    calls = 0

    def stop() -> None:
        nonlocal calls
        calls += 1
        if calls == 200:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_demo_images(tmp_path / "stopped", advance=stop)
    make_demo_images(tmp_path / "stopped")
    assert digests(tmp_path / "stopped") == digests(photographs)
