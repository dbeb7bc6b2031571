from pathlib import Path

import cv2
import numpy as np
import pytest

from data_modules.identities import BOX_COLUMNS
from data_modules.images_check import check_images
from experiments import check_data
from painlit.config import load
from painlit.errors import PainlitError


def write(path: Path, seed: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.random.default_rng(seed).integers(0, 255, (40, 40, 3), np.uint8))


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    for part, people in (("train", 3), ("validation", 2)):
        for look in ("calm", "glad"):
            for person in range(people):
                write(tmp_path / "looks" / part / look / f"{part}{person}_{look}.jpg", person)
    return tmp_path / "looks"


@pytest.fixture
def faces(tmp_path: Path) -> Path:
    root = tmp_path / "VGGFace2"
    for part, person in (("train", "n000001"), ("test", "n000002")):
        for image in range(2):
            write(root / part / person / f"{image:04d}_01.jpg", image)
        table = root / "bb_landmark" / f"loose_bb_{part}.csv"
        table.parent.mkdir(exist_ok=True)
        rows = [f'"{person}/{image:04d}_01",5,5,20,20' for image in range(2)]
        table.write_text("\n".join([BOX_COLUMNS, *rows]) + "\n")
    return root


def checked(name: str, root: Path) -> tuple[list[str], list[str]]:
    return check_images(
        name, load([f"stage1.root={root}", f"stage2.roots.folders={root}", f"stage2.roots.raf_db={root}"])
    )


def test_complete_sets_have_no_findings(folders: Path, faces: Path):
    inventory, wrong = checked("folders", folders)
    assert inventory == ["10 images of 2 classes, 5 people; 6 to learn from, 4 to validate on", "calm 5, glad 5"]
    assert wrong == []
    inventory, wrong = checked("vggface2", faces)
    assert inventory[0] == "4 images of 2 classes, 2 people"
    assert inventory[-1].startswith("published: 3.31 million")
    assert wrong == []


def test_a_corrupt_image_is_named(folders: Path):
    bad = folders / "train" / "calm" / "train1_calm.jpg"
    bad.write_bytes(bad.read_bytes()[:-50])
    assert checked("folders", folders)[1] == [f"1 of 10 images looked at cannot be read: {bad} is a JPEG cut short"]


def test_a_class_without_validation_images_is_named(folders: Path):
    for path in (folders / "validation" / "glad").iterdir():
        path.unlink()
    assert checked("folders", folders)[1] == ["1 classes have no validation image: glad"]


def test_a_box_outside_its_image_and_an_image_without_a_box_are_named(faces: Path):
    table = faces / "bb_landmark" / "loose_bb_train.csv"
    table.write_text(table.read_text().replace('0000_01",5,5', '0000_01",50,5'))
    write(faces / "train" / "n000001" / "0009_01.jpg")
    outside, skipped = checked("vggface2", faces)[1]
    assert outside == "1 of 4 face boxes looked at lie outside their image: train/n000001/0000_01.jpg (line 2)"
    assert skipped == ("1 images are skipped, such as train/n000001/0009_01.jpg: no row in loose_bb_train.csv")


def test_a_faulty_list_is_named_with_its_line(faces: Path):
    table = faces / "bb_landmark" / "loose_bb_test.csv"
    table.write_text(table.read_text() + '"n000002/0007_01",5,5,20,20\n')
    inventory, (wrong,) = checked("vggface2", faces)
    assert inventory == []
    assert f"{table}, line 4" in wrong


def test_a_missing_folder_is_a_finding(tmp_path: Path):
    inventory, (wrong,) = checked("raf_basic", tmp_path / "nowhere")
    assert inventory == []
    assert str(tmp_path / "nowhere") in wrong


def test_the_command_tells_of_each_set(folders: Path, faces: Path, capsys):
    arguments = [f"stage1.root={faces}", f"stage2.roots.folders={folders}"]
    assert check_data.run(load(["check.sets=[vggface2,folders]", *arguments])).exit_status == 0
    told = capsys.readouterr().out
    assert "vggface2 is complete" in told
    assert "folders is complete" in told
    (folders / "train" / "calm" / "train1_calm.jpg").write_bytes(b"")
    assert check_data.run(load(["check.sets=[vggface2,folders]", *arguments])).exit_status == 1
    assert "folders has 1 problems" in capsys.readouterr().out


@pytest.mark.parametrize("sets", ["[vggface]", "[]", "[cfee,cfee]"])
def test_unknown_and_repeated_sets_are_refused(sets: str):
    with pytest.raises(PainlitError, match=r"check\.sets"):
        load([f"check.sets={sets}"])
