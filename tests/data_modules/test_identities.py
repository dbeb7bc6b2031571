import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from made_up_photographs import touch

from data_modules.photographs.identities import IdentityTree
from painlit.errors import PainlitError
from painlit.images.source import TRAIN, Note, Record, Skipped

TRAIN_TABLE = """NAME_ID,X,Y,W,H
"n000002/0001_01",161,140,224,324
"n000002/0002_01",-3,4.5,10,20
"n000003/0001_01",1,2,30,40
"""
TEST_TABLE = """NAME_ID,X,Y,W,H
"n000001/0001_01",60,60,79,109
"""


@pytest.fixture
def vggface2(tmp_path: Path) -> Callable[..., Path]:
    """Writes VGGFace2 in miniature, with other tables on demand."""

    def write(train: str = TRAIN_TABLE, test: str = TEST_TABLE, encoding: str = "utf-8") -> Path:
        touch(
            tmp_path,
            *("train/n000002/0001_01.jpg", "train/n000002/0002_01.jpg", "train/n000003/0001_01.jpg"),
            *("test/n000001/0001_01.jpg", "identity_meta.csv", "samples/loose_crop/x.jpg"),
        )
        (tmp_path / "bb_landmark").mkdir(exist_ok=True)
        (tmp_path / "bb_landmark/loose_bb_train.csv").write_bytes(train.encode(encoding))
        (tmp_path / "bb_landmark/loose_bb_test.csv").write_bytes(test.encode(encoding))
        return tmp_path

    return write


def test_both_divisions_of_vggface2_are_training_records_with_boxes(vggface2):
    tree = IdentityTree(vggface2(), "vggface2")
    assert tree.name == "vggface2"
    assert tree.classes == ("n000001", "n000002", "n000003")
    assert (tree.has_boxes, tree.has_split, tree.steps()) == (True, False, 3)
    advanced = []
    assert list(tree.records(lambda: advanced.append(1))) == [
        Record("train/n000002/0001_01.jpg", 1, "n000002", TRAIN, (161, 140, 385, 464), 2),
        Record("train/n000002/0002_01.jpg", 1, "n000002", TRAIN, (-3, 4.5, 7, 24.5), 3),
        Record("train/n000003/0001_01.jpg", 2, "n000003", TRAIN, (1, 2, 31, 42), 4),
        Record("test/n000001/0001_01.jpg", 0, "n000001", TRAIN, (60, 60, 139, 169), 2),
    ]
    assert len(advanced) == 3


@pytest.mark.parametrize(
    "table",
    [
        TRAIN_TABLE.replace('"', ""),
        TRAIN_TABLE.replace("\n", "\r\n"),
        TRAIN_TABLE.rstrip("\n"),
        '"NAME_ID","X","Y","W","H"\n' + TRAIN_TABLE.partition("\n")[2],
        TRAIN_TABLE.replace(',4.5,10,20\n"', ",4.5,10,20\n\n  \n"),
    ],
    ids=["unquoted", "windows", "last line without end", "quoted header", "blank lines"],
)
def test_how_a_table_is_written_does_not_matter(vggface2, table: str):
    boxes = [record.box for record in IdentityTree(vggface2(table)).records()]
    assert boxes == [(161, 140, 385, 464), (-3, 4.5, 7, 24.5), (1, 2, 31, 42), (60, 60, 139, 169)]


def test_a_byte_order_mark_is_no_problem(vggface2):
    assert len(list(IdentityTree(vggface2(encoding="utf-8-sig")).records())) == 4


def test_rows_may_be_in_any_order(vggface2):
    ordered = list(IdentityTree(vggface2()).records())
    header, first, second, third = TRAIN_TABLE.splitlines()
    mixed = list(IdentityTree(vggface2("\n".join([header, second, third, first]))).records())
    assert [record.box for record in mixed] == [record.box for record in ordered]
    assert [record.line for record in mixed] == [4, 2, 3, 2]


def test_an_image_without_a_row_is_skipped(vggface2):
    tree = IdentityTree(touch(vggface2(), "train/n000002/0003_01.jpg", "train/n000009/0001_01.jpg"))
    assert [record for record in tree.records() if isinstance(record, Skipped)] == [
        Skipped("train/n000002/0003_01.jpg", "no row in loose_bb_train.csv"),
        Skipped("train/n000009/0001_01.jpg", "no row in loose_bb_train.csv"),
    ]


@pytest.mark.parametrize("image", ["n000002/0007_01", "n000008/0001_01"])
def test_a_row_without_its_image_is_named(vggface2, image: str):
    root = vggface2(TRAIN_TABLE + f'"{image}",1,2,3,4\n')
    with pytest.raises(PainlitError, match=rf"loose_bb_train\.csv, line 5: there is no image train/{image}"):
        list(IdentityTree(root).records())


@pytest.mark.parametrize(
    "row",
    [
        '"n000003/0001_01",1,2,30',
        '"n000003/0001_01",1,2,30,40,5',
        '"n000003/0001_01",1,2,thirty,40',
        '"n000003/0001_01",1,2,0,40',
        '"n000003/0001_01",1,2,30,-4',
        '"n000003/0001_01",nan,2,30,40',
        '"n000003/0001_01",1,inf,30,40',
        '"n000003",1,2,30,40',
        "n000003",
    ],
)
def test_a_malformed_row_is_named_with_its_line(vggface2, row: str):
    root = vggface2("\n".join([*TRAIN_TABLE.splitlines()[:3], row, '"n000003/0001_01",1,2,30,40']))
    with pytest.raises(PainlitError, match=r"loose_bb_train\.csv, line 4: .*n000003.* is not NAME_ID,X,Y,W,H"):
        list(IdentityTree(root).records())


def test_an_unclosed_quote_does_not_swallow_the_lines_below(vggface2):
    boxes = [record.box for record in IdentityTree(vggface2(TRAIN_TABLE.replace('_01",161', "_01,161"))).records()]
    assert boxes[:3] == [(161, 140, 385, 464), (-3, 4.5, 7, 24.5), (1, 2, 31, 42)]


def test_a_second_row_of_an_image_is_named_with_both_lines(vggface2):
    with pytest.raises(PainlitError, match=r"line 5: n000003/0001_01 has a row at line 4 already"):
        list(IdentityTree(vggface2(TRAIN_TABLE + '"n000003/0001_01",1,2,3,4\n')).records())


def test_a_table_without_its_header_is_refused(vggface2):
    with pytest.raises(PainlitError, match=r"loose_bb_train\.csv, line 1: the header is 'n000002/0001_01,161"):
        list(IdentityTree(vggface2(TRAIN_TABLE.partition("\n")[2])).records())


def test_a_missing_table_is_named_at_once(vggface2):
    root = vggface2()
    (root / "bb_landmark/loose_bb_test.csv").unlink()
    with pytest.raises(PainlitError, match=r"loose_bb_test\.csv does not exist"):
        IdentityTree(root)


def test_one_division_of_vggface2_is_enough(vggface2):
    root = vggface2()
    shutil.rmtree(root / "test")
    assert [record.line for record in IdentityTree(root).records()] == [2, 3, 4]


def test_without_tables_vggface2_has_no_boxes(vggface2):
    root = vggface2()
    shutil.rmtree(root / "bb_landmark")
    tree = IdentityTree(root)
    assert not tree.has_boxes
    assert [(record.box, record.line) for record in tree.records()] == [(None, 0)] * 4
    assert tree.classes == ("n000001", "n000002", "n000003")


def test_tables_without_identities_are_refused(tmp_path):
    with pytest.raises(PainlitError, match="has bb_landmark, but no identities in train or test"):
        IdentityTree(touch(tmp_path, "bb_landmark/loose_bb_train.csv", "n000002/0001_01.jpg"))


def test_any_tree_of_identities_is_read_sorted_and_without_other_files(tmp_path):
    touch(tmp_path, "README", "s2/10.pgm", "s2/1.PGM", "s2/notes.txt", "s2/.DS_Store", "s2/._1.pgm", ".hidden/1.jpg")
    touch(tmp_path, *(f"s1/{n}" for n in ("a.jpg", "b.JPEG", "c.png", "d.bmp", "e.webp", "f.gif", "g.dng")))
    touch(tmp_path, "__MACOSX/s1/a.jpg", "s1/Thumbs.db", "s1/desktop.ini")
    tree = IdentityTree(tmp_path)
    assert (tree.name, tree.classes, tree.has_boxes, tree.steps()) == ("identities", ("s1", "s2"), False, 2)
    *records, left_out, of_system, others = tree.records()
    assert [record.path for record in records] == [
        *("s1/a.jpg", "s1/b.JPEG", "s1/c.png", "s1/d.bmp", "s1/e.webp", "s1/f.gif", "s2/1.PGM", "s2/10.pgm")
    ]
    assert [record.person for record in records][-2:] == ["s2", "s2"]
    assert left_out == Skipped("s1/g.dng", ".dng is not read: export it as JPEG or PNG")
    assert of_system == Note("left alone: 4 files of operating systems, such as 's1/Thumbs.db'")
    assert others == Note("left alone: 1 files that are no images, such as 's2/notes.txt'")


def test_people_called_train_and_test_are_people(tmp_path):
    assert IdentityTree(touch(tmp_path, "train/1.jpg", "test/1.jpg")).classes == ("test", "train")


def test_an_identity_without_images_is_named(tmp_path):
    root = touch(tmp_path, "s1/1.pgm", "s2/notes.txt")
    with pytest.raises(PainlitError, match=r"s2 has no images\n.*delete or restore it"):
        list(IdentityTree(root).records())


@pytest.mark.parametrize(("folder", "message"), [(".", "has no folders of identities"), ("no", "does not exist")])
def test_a_root_without_identities_is_refused(tmp_path, folder: str, message: str):
    with pytest.raises(PainlitError, match=message):
        IdentityTree(touch(tmp_path, "1.jpg") / folder)


def test_the_stamp_changes_with_images_and_tables_only(vggface2):
    root = vggface2()
    os.utime(root / "train/n000002", ns=(0, 0))  # times are coarser than the tests are fast
    stamp = IdentityTree(root).stamp()
    (root / "identity_meta.csv").write_text("more")
    assert IdentityTree(root).stamp() == stamp
    touch(root, "train/n000002/0003_01.jpg")
    more = IdentityTree(root).stamp()
    assert more != stamp
    vggface2(TRAIN_TABLE + '"n000002/0003_01",1,2,3,4\n')
    assert IdentityTree(root).stamp() != more


def test_the_real_orl_faces_are_forty_people_with_ten_images(shared_data):
    tree = IdentityTree(shared_data / "faces/orl", "orl")
    records = list(tree.records())
    assert len(tree.classes) == 40
    assert [sum(record.label == label for record in records) for label in range(40)] == [10] * 40
