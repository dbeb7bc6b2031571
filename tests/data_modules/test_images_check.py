"""What `check_images` counts and finds in a set of photographs."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from made_up_photographs import edit, write_image

from data_modules.photographs.check import SAMPLE, check_images
from data_modules.photographs.expression_folders import ExpressionFolders
from data_modules.photographs.identities import IdentityTree
from data_modules.photographs.raf_db import RAF_BASIC_CLASSES, RAFDB
from painlit.images.source import TRAIN, VALIDATION, Record, Skipped
from painlit.system.even_sample import EvenSample


@dataclass
class Given:
    """A source of given records."""

    given: list[Record | Skipped]
    classes: tuple[str, ...] = ("calm", "cross")
    has_split: bool = False
    root: Path = Path("nowhere")
    name: str = "given"
    has_boxes: bool = False
    read: list[str] = field(default_factory=list)

    def steps(self) -> int:
        return 1

    def records(self, advance=lambda: None) -> Iterator[Record | Skipped]:
        yield from self.given
        advance()

    def stamp(self) -> dict[str, object]:
        return {}


def test_identities_that_are_complete(vggface2):
    inventory, findings = check_images(IdentityTree(vggface2, "vggface2"))
    assert inventory == [
        "vggface2: 6 images of 3 people, 3 classes: n000001 2, n000002 2, n000003 2",
        "  published: 3.31 M images of 9,131 people",
    ]
    assert findings == []


def test_expressions_that_are_complete(raf):
    inventory, findings = check_images(RAFDB(raf))
    classes = ", ".join(f"{name} 2 + 1" for name in RAF_BASIC_CLASSES)
    assert inventory[0] == f"raf_basic: 21 images (14 to train on, 7 to validate with), 7 classes: {classes}"
    assert "15,339" in inventory[1]
    assert findings == []


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """Two expressions of three people to learn from and two to validate with."""
    for part, people in (("train", 3), ("validation", 2)):
        for look in ("calm", "glad"):
            for person in range(people):
                write_image(tmp_path / "looks" / part / look / f"{part}{person}_{look}.jpg")
    return tmp_path / "looks"


def test_folders_of_expressions(folders):
    source = ExpressionFolders(folders, "folders")
    parts = "10 images (6 to train on, 4 to validate with) of 5 people"
    assert check_images(source) == ([f"folders: {parts}, 2 classes: calm 3 + 2, glad 3 + 2"], [])
    for path in (folders / "validation/glad").iterdir():
        path.unlink()
    assert check_images(source)[1] == ["1 classes without validation images: glad"]


def test_a_tree_of_ones_own_has_no_published_count(vggface2):
    assert len(check_images(IdentityTree(vggface2, "mine"))[0]) == 1


def test_many_classes_are_summed_up(tmp_path):
    for person in range(40):
        for image in range(1 + person % 3):
            write_image(tmp_path / f"p{person:02d}/{image}.png")
    inventory, findings = check_images(IdentityTree(tmp_path, "mine"))
    assert inventory == ["mine: 79 images of 40 people, 40 classes of 1 to 3 images, 2 on average"]
    assert findings == []


def test_a_readers_error_is_a_finding_that_names_file_and_line(raf):
    table = raf / "basic/EmoLabel/list_patition_label.txt"
    edit(table, "train_00002.jpg 2", "train_00002.jpg 9")
    inventory, findings = check_images(RAFDB(raf))
    assert findings == [f"{table}, line 4: label 9 is unknown; it must be 1 to 7"]
    assert inventory[0].startswith("raf_basic: 3 images (2 to train on, 1 to validate with)")
    assert inventory[-1] == "  these are the images before the error below"


def test_images_left_out_are_counted_and_are_nothing_wrong(vggface2):
    edit(vggface2 / "bb_landmark/loose_bb_train.csv", '"n000003/0001_01",5,6,20,20\n', "")
    inventory, findings = check_images(IdentityTree(vggface2, "vggface2"))
    example = "train/n000003/0001_01.jpg: no row in loose_bb_train.csv"
    assert inventory[-1] == f"  1 images are left out, such as {example}"
    assert findings == []


def test_a_name_that_is_no_utf8_is_left_out(tmp_path):
    write_image(tmp_path / "p1/1.png")
    write_image(tmp_path / "p1/ä.png")
    odd = os.fsencode(tmp_path / "p1") + b"/\xe4.png"
    try:
        with open(odd, "wb"):
            pass
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    inventory, findings = check_images(IdentityTree(tmp_path))
    assert inventory[0].startswith("identities: 2 images")
    assert inventory[1] == r"  1 images are left out, such as 'p1/\udce4.png': its name is no UTF-8"
    assert findings == []


def test_classes_without_training_images(vggface2):
    for image in ("0001_01", "0002_01"):
        edit(vggface2 / "bb_landmark/loose_bb_train.csv", f'"n000003/{image}",5,6,20,20\n', "")
    assert check_images(IdentityTree(vggface2))[1] == ["1 classes without training images: n000003"]


def test_classes_without_images_in_either_part_of_an_official_split(raf):
    table = raf / "basic/EmoLabel/list_patition_label.txt"
    for line in ("train_00001.jpg 1", "train_00008.jpg 1", "test_0003.jpg 3", "test_0004.jpg 4"):
        edit(table, f"{line}\n", "")
    assert check_images(RAFDB(raf))[1] == [
        "1 classes without training images: surprise",
        "2 classes without validation images: disgust, happiness",
    ]


def test_only_the_first_empty_classes_are_named():
    classes = tuple(f"p{number}" for number in range(9))
    _, findings = check_images(Given([], classes))
    assert findings == ["9 classes without training images: p0, p1, p2, p3, p4 and 4 more"]


def test_corrupt_images_are_named(raf):
    folder = raf / "basic/Image/aligned"
    cut, empty, text = (folder / f"train_0000{number}_aligned.jpg" for number in (1, 2, 3))
    cut.write_bytes(cut.read_bytes()[:-100])
    empty.write_bytes(b"")
    text.write_text("no image")
    (finding,) = check_images(RAFDB(raf))[1]
    assert finding == (
        f"3 of 21 images decoded cannot be read: {cut} is a JPEG cut short; {empty} is empty; "
        f"{text} is no image that can be decoded"
    )


@pytest.mark.parametrize(
    ("box", "extent"),
    [
        ("-30,6,20,20", "from -30, 6, -10, 26"),
        ("5,-20,20,20", "from 5, -20, 25, 0"),
        ("40,6,20,20", "from 40, 6, 60, 26 of 40 x 30 px"),
        ("5,31.5,20,20", "from 5, 31.5, 25, 51.5 of 40 x 30 px"),
    ],
)
def test_a_box_wholly_outside_its_image_is_named(vggface2, box: str, extent: str):
    edit(vggface2 / "bb_landmark/loose_bb_train.csv", '"n000002/0002_01",5,6,20,20', f'"n000002/0002_01",{box}')
    (finding,) = check_images(IdentityTree(vggface2))[1]
    where = "train/n000002/0002_01.jpg (line 3 of its list)"
    assert finding == f"1 face boxes lie wholly outside their images: {where} {extent}"


def test_a_box_that_reaches_over_the_edge_is_nothing_wrong(vggface2):
    edit(vggface2 / "bb_landmark/loose_bb_train.csv", '"n000002/0002_01",5,6,20,20', '"n000002/0002_01",-9,-9,90,90')
    assert check_images(IdentityTree(vggface2))[1] == []


def test_boxes_left_of_every_image_are_found_beyond_the_sample():
    records = [Record(f"{n}.jpg", n % 2, "", TRAIN, (-9, 0, -1 if n == 777 else 9, 9), n + 2) for n in range(1000)]
    findings = check_images(Given(records))[1]
    assert findings[-1].endswith("outside their images: 777.jpg (line 779 of its list) from -9, 0, -1, 9")
    assert findings[0].startswith(f"{SAMPLE} of {SAMPLE} images decoded cannot be read: nowhere/0.jpg")


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 199, 200, 201, 399, 400, 12345])
def test_the_sample_is_spread_evenly_over_all(count: int):
    sample = EvenSample(100)
    for number in range(count):
        sample.add(number)
    places = np.array(sample.chosen())
    assert len(places) == min(count, 100)
    if count > 1:
        assert np.diff(places).min() > 0
        assert np.diff(places, append=count).max() <= 3 * count / 100 + 1
    assert sample.chosen() == sample.chosen()


def test_orl(shared_data: Path):
    inventory, findings = check_images(IdentityTree(shared_data / "faces/orl", "orl"))
    assert inventory[0].startswith("orl: 400 images of 40 people")
    assert findings == []


def test_both_parts_are_counted():
    records = [Record("a", 0), Record("b", 1), Record("c", 0, "", VALIDATION), Skipped("d", "why")]
    inventory, findings = check_images(Given(records, has_split=True))
    assert inventory == [
        "given: 3 images (2 to train on, 1 to validate with), 2 classes: calm 1 + 1, cross 1 + 0",
        "  1 images are left out, such as d: why",
    ]
    assert findings[0] == "1 classes without validation images: cross"
