import os

import pytest
from made_up_photographs import touch

from data_modules.photographs.cfee import CFEE
from painlit.errors import PainlitError
from painlit.images.source import TRAIN, Note, Record

IMAGES = (
    "01-04/Images1/01_126_3963.jpg",
    "01-04/Images1/02_339_3470.JPG",
    "21-26/Images6/26_126_6632.jpg",
)


@pytest.mark.parametrize("above", ["", "CFEE_Database_230/"])
def test_names_give_expression_and_subject(tmp_path, above: str):
    others = ("AU_annotation_all_subjects.xls", "01-04/Images1/Thumbs.db", "01-04/notes/x.jpg")
    source = CFEE(touch(tmp_path, *(above + path for path in (*IMAGES, *others))))
    assert (source.name, source.has_boxes, source.has_split, source.steps()) == ("cfee", False, False, 2)
    advanced = []
    assert list(source.records(lambda: advanced.append(1))) == [
        Record(IMAGES[0], 0, "126", TRAIN),
        Record(IMAGES[1], 1, "339", TRAIN),
        Record(IMAGES[2], 25, "126", TRAIN),
        Note("left alone: 1 files of operating systems, such as '01-04/Images1/Thumbs.db'"),
    ]
    assert (source.root / IMAGES[0]).is_file()
    assert len(advanced) == 2


def test_the_classes_are_the_codes(tmp_path):
    classes = CFEE(touch(tmp_path, *IMAGES)).classes
    assert len(classes) == 26
    assert (classes[0], classes[1], classes[25]) == ("01 neutral", "02", "26")


@pytest.mark.parametrize("code", ["00", "27"])
def test_an_unknown_code_is_named(tmp_path, code: str):
    root = touch(tmp_path, f"21-26/Images6/{code}_126_0001.jpg")
    with pytest.raises(
        PainlitError, match=rf"Images6/{code}_126_0001\.jpg: expression code {code} is unknown"
    ) as caught:
        list(CFEE(root).records())
    assert "01 to 26" in caught.value.remedy


@pytest.mark.parametrize("name", ["1_126_3963.jpg", "01_12_3963.jpg", "01_126.jpg", "01_126_x.jpg", "01_126_1_2.jpg"])
def test_a_name_of_another_form_is_named(tmp_path, name: str):
    root = touch(tmp_path, f"01-04/Images1/{name}")
    with pytest.raises(PainlitError, match=rf"Images1/{name} is not named"):
        list(CFEE(root).records())


def test_a_folder_without_images_is_named(tmp_path):
    root = touch(tmp_path, *IMAGES, "05-08/Images2/Thumbs.db")
    with pytest.raises(PainlitError, match="05-08/Images2 has no images"):
        list(CFEE(root).records())


def test_another_folder_is_refused(tmp_path):
    with pytest.raises(PainlitError, match="has no folders such as 01-04/Images1"):
        CFEE(touch(tmp_path, "01_126_3963.jpg"))


def test_the_stamp_changes_with_the_images(tmp_path):
    root = touch(tmp_path, *IMAGES)
    os.utime(root / "01-04/Images1", ns=(0, 0))  # times are coarser than the tests are fast
    stamp = CFEE(root).stamp()
    assert CFEE(root).stamp() == stamp
    touch(root, "01-04/Images1/03_126_0001.jpg")
    assert CFEE(root).stamp() != stamp
