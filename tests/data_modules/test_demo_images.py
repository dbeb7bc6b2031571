import hashlib
from pathlib import Path

import numpy as np
import pytest

from data_modules.demo.image_sets import (
    AFFECTNET_IMAGES,
    CFEE_PEOPLE,
    DEMO_IMAGES,
    IDENTITIES,
    IDENTITY_IMAGES,
    RAF_IMAGES,
    cfee_expressions,
    make_demo_images,
)
from data_modules.photographs.affectnet import AFFECTNET_CLASSES
from data_modules.photographs.cfee import CFEE_CLASSES
from data_modules.photographs.identities import IdentityTree
from data_modules.photographs.raf_db import RAF_BASIC_CLASSES, RAF_COMPOUND_CLASSES
from experiments import check_data
from painlit.config import load
from painlit.images.reading import read_image

SETS = ("vggface2", "affectnet", "cfee", "raf_basic", "raf_compound")


class StoppedError(Exception):
    pass


def stop_after(images: int):
    """An `advance` that interrupts the making."""
    left = iter(range(images - 1))

    def advance() -> None:
        if next(left, None) is None:
            raise StoppedError

    return advance


def contents(root: Path) -> dict[str, str]:
    files = (path for path in sorted(root.rglob("*")) if path.is_file())
    return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def times(root: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in root.rglob("*")}


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """Made once."""
    root = tmp_path_factory.mktemp("demo")
    calls: list[None] = []
    make_demo_images(root, advance=lambda: calls.append(None))
    assert len(calls) == DEMO_IMAGES
    return root


def test_the_readers_find_nothing_wrong(made):
    roots = ("stage2.roots.affectnet=AffectNet", "stage2.roots.cfee=CFEE", "stage2.roots.raf_db=RAF-DB")
    pairs = [pair.replace("=", f"={made}/") for pair in ("stage1.root=VGGFace2", *roots)]
    result = check_data.run(load([f"check.sets=[{','.join(SETS)}]", *pairs]))
    assert result.findings == []
    assert not any("left out" in line for line in result.inventory)
    identities, (train, val), basic, compound = (
        sum(IDENTITIES.values()),
        AFFECTNET_IMAGES.values(),
        RAF_IMAGES["basic"],
        RAF_IMAGES["compound"],
    )
    counts = dict(line.split(": ", 1) for line in result.inventory if not line.startswith(" "))
    assert counts["vggface2"].startswith(f"{identities * IDENTITY_IMAGES} images of {identities} people")
    assert f"happy {train} + {val}," in counts["affectnet"]
    assert counts["cfee"].startswith(f"{CFEE_PEOPLE * len(CFEE_CLASSES)} images of {CFEE_PEOPLE} people, 26 classes")
    assert f"fear {basic['train']} + {basic['test']}," in counts["raf_basic"]
    assert f"sadly angry {compound['train']} + {compound['test']}," in counts["raf_compound"]
    counted = sum(int(line.split()[0]) for line in counts.values())
    assert counted == DEMO_IMAGES == sum(len(list(made.rglob(f"*.{ending}"))) for ending in ("jpg", "png"))


def test_boxes_hold_the_face_within_the_image(made):
    tree = IdentityTree(made / "VGGFace2")
    for record in tree.records():
        assert record.box is not None
        x1, y1, x2, y2 = record.box
        height, width = read_image(tree.root / record.path).shape[:2]
        assert 0 <= x1 < x2 <= width
        assert 0 <= y1 < y2 <= height
        assert 0.2 < (x2 - x1) / width < 0.7
        assert 0.2 < (y2 - y1) / height < 0.8


def test_images_of_an_identity_differ_less_than_those_of_two(made):
    tree = IdentityTree(made / "VGGFace2")
    small, labels = [], []
    for record in tree.records():
        image = read_image(tree.root / record.path).astype(float).mean(axis=2)
        small.append((image - image.mean()).reshape(32, 4, 32, 4).mean(axis=(1, 3)).ravel())
        labels.append(record.label)
    faces, people = np.stack(small), np.array(labels)
    distance = np.linalg.norm(faces[:, None] - faces[None], axis=-1)
    same = people[:, None] == people[None]
    assert distance[same & (distance > 0)].mean() < 0.8 * distance[~same].mean()
    assert (distance[~np.eye(len(faces), dtype=bool)] > 0).all()


def test_every_class_has_an_expression_of_its_own():
    drawn = cfee_expressions()
    assert len(set(drawn)) == len(drawn) == len(CFEE_CLASSES)
    assert (len(AFFECTNET_CLASSES), len(RAF_BASIC_CLASSES), len(RAF_COMPOUND_CLASSES)) == (8, 7, 11)


def test_a_second_call_leaves_them_alone(made):
    before = times(made)
    make_demo_images(made, seed=1, advance=stop_after(1))
    assert times(made) == before


@pytest.mark.slow
def test_an_interrupted_making_is_completed_to_the_same_images(made, tmp_path):
    with pytest.raises(StoppedError):
        make_demo_images(tmp_path, advance=stop_after(DEMO_IMAGES // 3))
    assert len(list(tmp_path.rglob("*.jpg"))) == DEMO_IMAGES // 3
    make_demo_images(tmp_path)
    assert contents(tmp_path) == contents(made)


def test_another_seed_makes_other_images(made, tmp_path):
    with pytest.raises(StoppedError):
        make_demo_images(tmp_path, seed=1, advance=stop_after(1))
    (image,) = tmp_path.rglob("*.jpg")
    assert image.read_bytes() != (made / image.relative_to(tmp_path)).read_bytes()
