import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from data_modules.photographs.affectnet import AffectNet
from painlit.errors import PainlitError
from painlit.images.source import TRAIN, VALIDATION, Record, Skipped

HEADER = "subDirectory_filePath,face_x,face_y,face_width,face_height,facial_landmarks,expression,valence,arousal"
ROW = "689/a.jpg,134,135,899,899,181.6;530.9;188.3,1,0.785714,-0.055556"


def write_image(root: Path, path: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).touch()


@pytest.fixture
def arrays(tmp_path: Path) -> Callable[..., Path]:
    """Writes the 8-class release: `arrays(train={id: expression}, val={...})`."""

    def write(train: dict[str, object], val: dict[str, object]) -> Path:
        for folder, expressions in (("train_set", train), ("val_set", val)):
            (tmp_path / folder / "images").mkdir(parents=True)
            (tmp_path / folder / "annotations").mkdir()
            for image, expression in expressions.items():
                write_image(tmp_path, f"{folder}/images/{image}.jpg")
                np.save(tmp_path / folder / f"annotations/{image}_exp.npy", np.array(expression))
                np.save(tmp_path / folder / f"annotations/{image}_val.npy", np.array("0.5"))
        return tmp_path

    return write


@pytest.fixture
def tables(tmp_path: Path) -> Callable[..., Path]:
    """Writes the original layout: training.csv of these rows below the header, and the images they name."""

    def write(*rows: str, header: str = HEADER, images: str = "", encoding: str = "utf-8") -> Path:
        validation = "12/v.png,1,2,3,4,5;6,7,0,0"
        for name, lines in (("training.csv", rows), ("validation.csv", (validation,))):
            top = header if name == "training.csv" else HEADER
            (tmp_path / name).write_bytes("".join(f"{line}\n" for line in (top, *lines)).encode(encoding))
            for row in lines:
                write_image(tmp_path, images + row.partition(",")[0].strip('"'))
        return tmp_path

    return write


def test_the_classes_are_in_the_data_sets_order(arrays):
    expected = ("neutral", "happy", "sad", "surprise", "fear", "disgust", "anger", "contempt")
    assert AffectNet(arrays({}, {})).classes == expected


def test_arrays_give_labels_and_parts(arrays):
    source = AffectNet(arrays({"0": "1", "12": 7, "3": 2.0, "4": b"5"}, {"0": ["6"]}))
    assert (source.name, source.has_boxes, source.has_split, source.steps()) == ("affectnet", False, True, 2)
    advanced = []
    assert list(source.records(lambda: advanced.append(1))) == [
        Record("train_set/images/0.jpg", 1, "", TRAIN),
        Record("train_set/images/12.jpg", 7, "", TRAIN),
        Record("train_set/images/3.jpg", 2, "", TRAIN),
        Record("train_set/images/4.jpg", 5, "", TRAIN),
        Record("val_set/images/0.jpg", 6, "", VALIDATION),
    ]
    assert len(advanced) == 2


@pytest.mark.parametrize("expression", ["11", "-1", "happy", 3.5, float("nan"), ["1", "2"]])
def test_an_array_of_another_value_is_named(arrays, expression: object):
    with pytest.raises(PainlitError, match=r"train_set/annotations/5_exp\.npy"):
        list(AffectNet(arrays({"5": expression}, {})).records())


def test_arrays_of_objects_are_not_unpickled(arrays):
    root = arrays({"5": "1"}, {})
    np.save(root / "train_set/annotations/5_exp.npy", np.array(None, dtype=object))
    with pytest.raises(PainlitError, match=r"5_exp\.npy is no array of one value: .*allow_pickle=False"):
        list(AffectNet(root).records())


def test_an_array_cut_short_is_named(arrays):
    root = arrays({"5": "1"}, {})
    (root / "train_set/annotations/5_exp.npy").write_bytes(b"")
    with pytest.raises(PainlitError, match=r"5_exp\.npy is no array of one value"):
        list(AffectNet(root).records())


def test_an_image_without_annotation_is_named(arrays):
    root = arrays({"5": "1"}, {})
    write_image(root, "train_set/images/6.jpg")
    with pytest.raises(PainlitError, match=r"images/6\.jpg has no annotation .*annotations/6_exp\.npy"):
        list(AffectNet(root).records())


def test_an_annotation_without_image_is_named(arrays):
    root = arrays({"5": "1", "6": "1"}, {})
    (root / "train_set/images/6.jpg").unlink()
    with pytest.raises(PainlitError, match=r"annotations/6_exp\.npy belongs to no image"):
        list(AffectNet(root).records())


@pytest.mark.parametrize("images", ["", "Manually_Annotated_Images/"])
def test_tables_give_labels_boxes_and_lines(tables, images: str):
    source = AffectNet(tables(ROW, ROW.replace("a.jpg", "b.BMP").replace(",1,", ",6,"), images=images))
    assert (source.has_boxes, source.has_split, source.steps()) == (True, True, 2)
    assert list(source.records()) == [
        Record(f"{images}689/a.jpg", 1, "", TRAIN, (134, 135, 1033, 1034), 2),
        Record(f"{images}689/b.BMP", 6, "", TRAIN, (134, 135, 1033, 1034), 3),
        Record(f"{images}12/v.png", 7, "", VALIDATION, (1, 2, 4, 6), 2),
    ]


def test_columns_are_read_by_name_and_quotes_do_not_matter(tables):
    header = "expression,more,face_height,face_width,face_y,face_x,subDirectory_filePath"
    root = tables('"3","x","40","30","2","1","689/a.jpg"', header=header, encoding="utf-8-sig")
    write_image(root, "689/a.jpg")
    assert next(AffectNet(root).records()) == Record("689/a.jpg", 3, "", TRAIN, (1, 2, 31, 42), 2)


@pytest.mark.parametrize("expression", ["8", "9", "10"])
def test_images_without_an_expression_are_left_out_whatever_their_box(tables, expression: str):
    other = ROW.replace("a.jpg", "b.jpg").replace(",1,0.78", f",{expression},0.78").replace("134", "NULL")
    root = tables(other, ROW)
    (root / "689/b.jpg").unlink()
    assert [(r.path, r.line) for r in AffectNet(root).records()] == [("689/a.jpg", 3), ("12/v.png", 2)]


@pytest.mark.parametrize("expression", ["11", "-1", "1.5", "happy", "", "nan"])
def test_an_unknown_expression_is_named_with_its_line(tables, expression: str):
    root = tables(ROW, ROW.replace(",1,0.78", f",{expression},0.78"))
    with pytest.raises(PainlitError, match=rf"training\.csv, line 3: expression '{expression}' is unknown"):
        list(AffectNet(root).records())


@pytest.mark.parametrize("face", ["NULL,NULL,NULL,NULL", ",,,", "134,135,0,899", "134,135,899,-1"])
def test_an_image_without_a_face_box_is_skipped(tables, face: str):
    root = tables(ROW.replace("134,135,899,899", face))
    assert next(AffectNet(root).records()) == Skipped("689/a.jpg", "no face box in training.csv")


@pytest.mark.parametrize("face", ["134,135,wide,899", "134,nan,899,899"])
def test_a_face_box_that_is_no_numbers_is_named_with_its_line(tables, face: str):
    with pytest.raises(PainlitError, match=r"training\.csv, line 2: face_x, … face_height are 134, .*no numbers"):
        list(AffectNet(tables(ROW.replace("134,135,899,899", face))).records())


def test_a_row_of_another_length_is_named_with_its_line(tables):
    with pytest.raises(PainlitError, match=r"training\.csv, line 3: 8 fields instead of 9"):
        list(AffectNet(tables(ROW, ROW.rpartition(",")[0])).records())


def test_a_listed_image_that_is_missing_is_named_with_its_line(tables):
    root = tables(ROW, ROW.replace("a.jpg", "b.jpg"))
    (root / "689/b.jpg").unlink()
    with pytest.raises(PainlitError, match=r"training\.csv, line 3: there is no image 689/b\.jpg"):
        list(AffectNet(root).records())


@pytest.mark.parametrize(
    ("header", "missing"),
    [(HEADER.replace("face_x", "x"), "face_x"), (ROW, "subDirectory_filePath"), ("", "subDirectory_filePath")],
)
def test_a_missing_column_is_named(tables, header: str, missing: str):
    with pytest.raises(PainlitError, match=rf"training\.csv: column {missing}.* is missing; the header is"):
        list(AffectNet(tables(header=header)).records())


def test_a_folder_of_neither_layout_is_refused(tmp_path):
    with pytest.raises(PainlitError, match="is no AffectNet") as caught:
        AffectNet(tmp_path)
    assert "train_set/images" in caught.value.remedy
    assert "training.csv" in caught.value.remedy


def test_a_folder_of_both_layouts_is_refused(arrays, tables):
    arrays({}, {})
    with pytest.raises(PainlitError, match="both of AffectNet's layouts") as caught:
        AffectNet(tables())
    assert "val_set/annotations" in caught.value.remedy
    assert "validation.csv" in caught.value.remedy


def test_half_a_layout_is_refused(arrays, tables):
    root = arrays({}, {})
    shutil.rmtree(root / "val_set/annotations")
    with pytest.raises(PainlitError, match="lacks val_set/annotations"):
        AffectNet(root)
    for folder in ("train_set", "val_set"):
        shutil.rmtree(root / folder)
    tables()
    (root / "validation.csv").unlink()
    with pytest.raises(PainlitError, match=r"lacks validation\.csv"):
        AffectNet(root)


def test_the_stamp_changes_with_the_tables(tables):
    stamp = AffectNet(tables(ROW)).stamp()
    assert AffectNet(tables(ROW, ROW.replace("a.jpg", "b.jpg"))).stamp() != stamp


def test_the_stamp_changes_with_the_annotations(arrays):
    root = arrays({"5": "1"}, {})
    os.utime(root / "train_set/annotations", ns=(0, 0))  # times are coarser than the tests are fast
    stamp = AffectNet(root).stamp()
    assert AffectNet(root).stamp() == stamp
    (root / "train_set/annotations/5_exp.npy").rename(root / "train_set/annotations/6_exp.npy")
    assert AffectNet(root).stamp() != stamp
