"""Emotion sets together: official parts, division by person, the same photograph in two sets."""

import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from data_modules.photographs.emotion_datamodule import EmotionDataModule
from painlit.config import load
from painlit.errors import PainlitError
from painlit.images import build_index
from painlit.training import sampling as sampling_module

CFEE_PEOPLE = range(100, 106)


def write(path: Path, seed: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.random.default_rng(seed).integers(0, 256, (10, 10, 3), np.uint8))
    return path


@pytest.fixture(autouse=True)
def in_process(monkeypatch):
    """Images are read in this process: starting others takes seconds."""
    monkeypatch.setattr(build_index, "unordered", lambda function, pieces, **_: (function(piece) for piece in pieces))


@pytest.fixture
def sets(tmp_path: Path) -> Path:
    """CFEE with 26 images of each of 6 people, and RAF-DB basic with 3 + 1 images of each of 7 classes."""
    for number, person in enumerate(CFEE_PEOPLE):
        for code in range(1, 27):
            write(tmp_path / f"cfee/01-26/Images1/{code:02d}_{person}_{code}.jpg", 100 * number + code)
    lines = []
    for label in range(1, 8):
        for image in range(4):
            name = f"{'test' if image == 3 else 'train'}_{label}{image}"
            write(tmp_path / f"raf/basic/Image/aligned/{name}_aligned.jpg", 1000 + 10 * label + image)
            lines.append(f"{name}.jpg {label}")
    (tmp_path / "raf/basic/EmoLabel").mkdir()
    (tmp_path / "raf/basic/EmoLabel/list_patition_label.txt").write_text("\n".join(lines) + "\n")
    return tmp_path


@pytest.fixture
def open_sets(sets: Path) -> Callable[..., EmotionDataModule]:
    def opened(*arguments: str) -> EmotionDataModule:
        roots = [f"stage2.roots.cfee={sets}/cfee", f"stage2.roots.raf_db={sets}/raf", f"runs={sets}/runs"]
        fixed = "stage2.faces=whole stage2.train.batch_size=16 images.workers=0".split()
        config = load([*roots, *fixed, "stage2.sets=[cfee,raf_basic]", *arguments])
        data = EmotionDataModule(config)
        data.setup()
        return data

    return opened


def people(data: EmotionDataModule, rows: np.ndarray, task: int = 0) -> set[str]:
    index = data.indices[task]
    return {index.about["persons"][person] for person in index.persons[rows]}


def paths(data: EmotionDataModule, rows: np.ndarray, task: int) -> set[str]:
    return {data.indices[task].relative_path(row) for row in rows}


@pytest.mark.parametrize(("share", "kept"), [(0.1, 1), (0.34, 2), (0.8, 5)])
def test_cfee_is_divided_by_person(open_sets, share: float, kept: int):
    data = open_sets(f"stage2.validation_share={share}")
    train, validation = people(data, data.train_rows[0]), people(data, data.validation_rows[0])
    assert (len(train), len(validation)) == (6 - kept, kept)
    assert not train & validation
    assert (len(data.train_rows[0]), len(data.validation_rows[0])) == (26 * (6 - kept), 26 * kept)


@pytest.mark.parametrize(("share", "kept"), [(0.01, 0), (0.95, 6)])
def test_a_share_that_leaves_nobody_on_a_side_is_an_error(open_sets, share: float, kept: int):
    with pytest.raises(PainlitError, match=rf"cfee in .* shows 6 people, of whom {kept} would be kept"):
        open_sets(f"stage2.validation_share={share}")


def test_an_official_split_stays_whatever_share_and_seed(open_sets):
    for arguments in ((), ("seed=5", "stage2.validation_share=0.5")):
        data = open_sets(*arguments)
        assert all("test_" in path for path in paths(data, data.validation_rows[1], 1))
        assert (len(data.train_rows[1]), len(data.validation_rows[1])) == (21, 7)


def test_the_division_follows_from_the_seed_not_from_the_other_sets(open_sets):
    kept = [people(data, data.validation_rows[0]) for data in (open_sets(), open_sets("stage2.sets=[cfee]"))]
    assert kept[0] == kept[1]
    assert (
        len({tuple(people(data, data.validation_rows[0])) for data in (open_sets(f"seed={s}") for s in range(6))}) > 1
    )


def test_sets_are_tasks_in_the_order_of_the_configuration(open_sets):
    data = open_sets("stage2.sets=[raf_basic,cfee]")
    assert data.classes == {"raf_basic": 7, "cfee": 26}
    shown = Counter()
    for batch in data.val_dataloader():
        shown.update(batch["task"].tolist())
        assert (batch["label"][batch["task"] == 0] < 7).all()
    assert shown == {0: 7, 1: 26}
    for batch in data.train_dataloader():
        assert set(batch["task"].tolist()) == {0, 1}
        assert len(batch["label"]) == 16


def test_a_photograph_that_is_validated_on_anywhere_is_not_trained_on(open_sets, sets):
    first = open_sets()
    held = next(iter(paths(first, first.validation_rows[0], 0)))
    learnt = next(iter(paths(first, first.train_rows[0], 0)))
    raf = sets / "raf/basic/Image/aligned"
    shutil.copy(sets / "cfee" / held, raf / "train_10_aligned.jpg")  # CFEE validation -> RAF-DB training
    shutil.copy(raf / "test_23_aligned.jpg", sets / "cfee" / learnt)  # RAF-DB validation -> CFEE training
    shutil.copy(raf / "test_33_aligned.jpg", raf / "train_31_aligned.jpg")  # within RAF-DB
    shutil.rmtree(sets / "runs")
    data = open_sets()
    assert paths(first, first.train_rows[0], 0) - paths(data, data.train_rows[0], 0) == {learnt}
    gone = paths(first, first.train_rows[1], 1) - paths(data, data.train_rows[1], 1)
    assert {Path(path).name for path in gone} == {"train_10_aligned.jpg", "train_31_aligned.jpg"}
    assert [rows.tolist() for rows in data.validation_rows] == [rows.tolist() for rows in first.validation_rows]
    named = {(Path(train.split()[0]).name, Path(kept.split()[0]).name) for train, kept in data.duplicates}
    assert named == {
        ("train_10_aligned.jpg", Path(held).name),
        (Path(learnt).name, "test_23_aligned.jpg"),
        ("train_31_aligned.jpg", "test_33_aligned.jpg"),
    }
    lines = [train.partition(" (")[2] for train, _ in data.duplicates if "train_" in train]
    assert sorted(lines) == ["line 1 of the list)", "line 10 of the list)"]


def test_a_class_that_loses_its_last_training_image_is_named(open_sets, sets):
    raf = sets / "raf/basic/Image/aligned"
    for image in range(3):
        shutil.copy(raf / "test_43_aligned.jpg", raf / f"train_4{image}_aligned.jpg")
    with pytest.raises(PainlitError, match=r"raf_basic in .* has no training image of class happiness"):
        open_sets()


def test_a_class_that_only_the_validation_people_show_is_named(open_sets, sets):
    data = open_sets()
    (kept, *_) = people(data, data.validation_rows[0])
    for person in set(map(str, CFEE_PEOPLE)) - {kept}:
        (sets / f"cfee/01-26/Images1/07_{person}_7.jpg").unlink()
    with pytest.raises(PainlitError, match=r"cfee in .* has no training image of class 07 after its split"):
        open_sets()


@pytest.mark.parametrize("sampling", ["natural", "balanced"])
def test_two_processes_see_what_one_would(open_sets, sampling: str, monkeypatch):
    def shown(batch) -> list:
        return sorted(zip(batch["task"].tolist(), batch["label"].tolist(), strict=True))

    data = open_sets(f"stage2.sampling={sampling}")
    alone = list(data.train_dataloader())
    pair = []
    for rank in (0, 1):
        monkeypatch.setattr(sampling_module, "this_process", lambda rank=rank: (rank, 2))
        pair.append(list(data.train_dataloader()))
    for batch, *halves in zip(alone, *pair, strict=True):
        assert shown(batch) == sorted(shown(halves[0]) + shown(halves[1]))
        assert len(halves[0]["label"]) == len(halves[1]["label"]) == 8


def test_it_describes_its_training_data(open_sets):
    about = open_sets().describe()
    assert list(about) == ["cfee", "raf_basic"]
    assert (about["raf_basic"]["train_images"], about["raf_basic"]["validation_images"]) == (21, 7)
    assert len(about["cfee"]["classes"]) == 26
