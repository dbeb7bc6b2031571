import os

import pytest
from made_up_photographs import touch

from data_modules.photographs.expression_folders import ExpressionFolders
from painlit.errors import PainlitError
from painlit.images.source import TRAIN, VALIDATION, Note, Record


def test_folders_are_expressions_and_names_are_people(tmp_path):
    touch(tmp_path, "sad/071_left_2.png", "sad/072.jpg", "happy/071.JPG", "info.csv", "sad/.DS_Store", "sad/list.txt")
    source = ExpressionFolders(tmp_path, "own")
    assert (source.name, source.classes, source.has_split, source.has_boxes) == ("own", ("happy", "sad"), False, False)
    advanced = []
    assert list(source.records(lambda: advanced.append(1))) == [
        Record("happy/071.JPG", 0, "071", TRAIN),
        Record("sad/071_left_2.png", 1, "071", TRAIN),
        Record("sad/072.jpg", 1, "072", TRAIN),
        Note("left alone: 1 files of operating systems, such as 'sad/.DS_Store'"),
        Note("left alone: 1 files that are no images, such as 'sad/list.txt'"),
    ]
    assert len(advanced) == source.steps() == 2


@pytest.mark.parametrize("validation", ["validation", "val", "test"])
def test_folders_above_the_expressions_are_an_official_split(tmp_path, validation: str):
    root = touch(
        tmp_path, "train/sad/1.jpg", "train/happy/1.jpg", f"{validation}/happy/2.jpg", f"{validation}/sad/3.jpg"
    )
    source = ExpressionFolders(root)
    assert (source.name, source.classes, source.has_split) == ("expression_folders", ("happy", "sad"), True)
    assert list(source.records()) == [
        Record("train/happy/1.jpg", 0, "1", TRAIN),
        Record("train/sad/1.jpg", 1, "1", TRAIN),
        Record(f"{validation}/happy/2.jpg", 0, "2", VALIDATION),
        Record(f"{validation}/sad/3.jpg", 1, "3", VALIDATION),
    ]
    assert source.steps() == 4


def test_beside_a_validation_part_the_test_part_stays_unread(tmp_path):
    root = touch(tmp_path, "train/sad/1.jpg", "val/sad/2.jpg", "test/sad/3.jpg")
    assert [record.path for record in ExpressionFolders(root).records()] == ["train/sad/1.jpg", "val/sad/2.jpg"]


def test_only_the_training_part_must_have_images_of_each_expression(tmp_path):
    root = touch(tmp_path, "train/sad/1.jpg", "val/sad/notes.txt")
    records = [record for record in ExpressionFolders(root).records() if isinstance(record, Record)]
    assert [record.path for record in records] == ["train/sad/1.jpg"]


@pytest.mark.parametrize("above", ["", "train/"])
def test_an_expression_without_training_images_is_named(tmp_path, above: str):
    touch(tmp_path, f"{above}happy/1.jpg", f"{above}sad/notes.txt")
    if above:
        touch(tmp_path, "val/happy/2.jpg", "val/sad/2.jpg")
    with pytest.raises(PainlitError, match=rf"{above}sad has no images"):
        list(ExpressionFolders(tmp_path).records())


def test_parts_of_other_expressions_are_refused(tmp_path):
    root = touch(tmp_path, "train/happy/1.jpg", "train/sad/1.jpg", "val/happy/1.jpg", "val/angry/1.jpg")
    with pytest.raises(PainlitError, match="train and val differ in angry, sad"):
        ExpressionFolders(root)


def test_a_training_part_alone_is_refused(tmp_path):
    with pytest.raises(PainlitError, match="has train, but none of validation, val, test"):
        ExpressionFolders(touch(tmp_path, "train/sad/1.jpg"))


def test_a_root_without_expressions_is_refused(tmp_path):
    with pytest.raises(PainlitError, match="has no folders of expressions"):
        ExpressionFolders(touch(tmp_path, "1.jpg"))


def test_the_stamp_changes_with_the_images(tmp_path):
    root = touch(tmp_path, "happy/1.jpg", "sad/1.jpg")
    os.utime(root / "sad", ns=(0, 0))  # times are coarser than the tests are fast
    stamp = ExpressionFolders(root).stamp()
    touch(root, "info.csv")
    assert ExpressionFolders(root).stamp() == stamp
    touch(root, "sad/2.jpg")
    assert ExpressionFolders(root).stamp() != stamp


def test_the_real_london_faces_show_the_same_people_in_both_expressions(shared_data):
    source = ExpressionFolders(shared_data / "faces/london", "london")
    assert source.classes == ("neutral", "smiling")
    people = [{record.person for record in source.records() if record.label == label} for label in (0, 1)]
    assert people[0] == people[1]
    assert len(people[0]) == 72
