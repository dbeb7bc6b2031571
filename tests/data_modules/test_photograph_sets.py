"""How identities and emotion sets are divided into parts."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from data_modules.photographs.emotion_datamodule import EmotionDataModule
from data_modules.photographs.face_datamodule import FaceDataModule
from data_modules.photographs.sets import ExpressionFoldersDataModule, VGGFace2DataModule
from painlit.config import load
from painlit.errors import PainlitError


def write(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.random.default_rng(seed).integers(0, 255, (24, 24, 3), np.uint8))


@pytest.fixture(scope="module")
def identities(tmp_path_factory) -> Path:
    """Ten people with 4 to 13 images."""
    root = tmp_path_factory.mktemp("faces")
    for person in range(10):
        for image in range(4 + person):
            write(root / f"p{person}" / f"{image}.png", 100 * person + image)
    return root


@pytest.fixture(scope="module")
def looks(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("looks")
    for number, look in enumerate(("calm", "glad")):
        for person in range(8):
            write(root / look / f"p{person}_{number}.png", 10 * person + number)
    return root


def opened(data):
    data.prepare_data()
    data.setup()
    return data


def faces(identities: Path, runs: Path, *arguments: str) -> FaceDataModule:
    config = load(
        [f"stage1.root={identities}", "stage1.faces=whole", f"runs={runs}", "stage1.held_out=0.3",
         "stage1.validation_share=0.2", "images.workers=0", *arguments]
    )  # fmt: skip
    return opened(FaceDataModule(config))


def test_held_out_people_are_in_no_other_part(identities, tmp_path):
    data = faces(identities, tmp_path)
    people = np.array(data.indices[0].labels)
    parts = (*data.train_rows, data.top1_rows, data.verification_rows)
    trained, top1, strangers = (set(people[rows]) for rows in parts)
    assert len(strangers) == 3
    assert strangers == set(data.held_out)
    assert not strangers & (trained | top1)
    assert top1 <= trained
    assert not set(data.train_rows[0]) & set(data.top1_rows)
    assert sorted(set(data.labels[0][data.train_rows[0]])) == list(range(data.identities)) == list(range(7))
    assert data.labels[0][data.verification_rows].min() == 7


def test_only_people_with_five_images_give_one_for_top1(identities, tmp_path):
    data = faces(identities, tmp_path, "stage1.held_out=0")
    counts = np.bincount(data.labels[0][data.top1_rows], minlength=10)
    assert counts.tolist() == [0, 1, 1, 1, 2, 2, 2, 2, 2, 3]
    assert len(data.train_rows[0]) + len(data.top1_rows) == sum(range(4, 14))


def test_the_division_follows_from_the_seed(identities, tmp_path):
    one, again, other = (faces(identities, tmp_path, f"seed={seed}") for seed in (1, 1, 2))
    assert one.train_rows[0].tolist() == again.train_rows[0].tolist()
    assert one.held_out.tolist() != other.held_out.tolist()


@pytest.mark.parametrize("share", ["0.01", "0.95"])
def test_too_few_people_to_verify_or_to_learn_are_an_error(identities, tmp_path, share):
    with pytest.raises(PainlitError, match=r"stage1\.held_out=.* of 10 identities"):
        faces(identities, tmp_path, f"stage1.held_out={share}")


def test_verification_takes_so_many_images_of_each(identities, tmp_path):
    data = faces(identities, tmp_path, "stage1.verification_images=3")
    assert np.bincount(data.labels[0][data.verification_rows])[7:].tolist() == [3, 3, 3]


def emotions(looks: Path, runs: Path, *arguments: str):
    return load(
        [f"stage2.roots.folders={looks}", "stage2.sets=[folders]", "stage2.faces=whole", f"runs={runs}",
         "images.workers=0", *arguments]
    )  # fmt: skip


def test_a_set_without_a_split_is_divided_by_person(looks, tmp_path):
    config = emotions(looks, tmp_path, "stage2.validation_share=0.25")
    data = opened(EmotionDataModule(config))
    people = np.array(data.indices[0].persons)
    train, validation = set(people[data.train_rows[0]]), set(people[data.validation_rows[0]])
    assert len(validation) == 2
    assert not train & validation
    assert len(data.train_rows[0]) + len(data.validation_rows[0]) == 16


def test_a_share_that_leaves_nobody_is_an_error(looks, tmp_path):
    config = emotions(looks, tmp_path, "stage2.validation_share=0.01")
    with pytest.raises(PainlitError, match=r"shows 8 people, of whom 0 would be kept"):
        opened(EmotionDataModule(config))


def test_a_set_on_its_own(looks, identities, tmp_path):
    roots = [f"stage2.roots.folders={looks}", f"stage1.root={identities}", f"runs={tmp_path}"]
    config = load([*roots, "stage1.faces=whole", "stage2.faces=whole", "stage1.held_out=0"])
    assert opened(ExpressionFoldersDataModule(config)).classes == {"folders": 2}
    assert opened(VGGFace2DataModule(config)).identities == 10
