import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from data_modules.photographs.raf_db import RAFDB
from painlit.errors import PainlitError
from painlit.images.source import TRAIN, VALIDATION, Record

LINES = ("train_00001.jpg 5", "train_00002.jpg 7", "test_0001.jpg 1")


@pytest.fixture
def raf(tmp_path: Path) -> Callable[..., Path]:
    """Writes RAF-DB in miniature: a list of these lines and the images that LINES name."""

    def write(*lines: str, part: str = "basic", folders: tuple[str, ...] = ("aligned", "original")) -> Path:
        (tmp_path / part / "EmoLabel").mkdir(parents=True)
        (tmp_path / part / "EmoLabel/list_patition_label.txt").write_text("".join(f"{line}\n" for line in lines))
        for folder in folders:
            (tmp_path / part / "Image" / folder).mkdir(parents=True)
            for line in LINES:
                stem = line.partition(".")[0] + ("_aligned" if folder == "aligned" else "")
                (tmp_path / part / "Image" / folder / f"{stem}.jpg").touch()
        return tmp_path

    return write


def test_the_basic_list_gives_labels_from_one_and_parts_from_names(raf):
    source = RAFDB(raf(*LINES))
    assert (source.name, source.has_boxes, source.has_split, source.steps()) == ("raf_basic", False, True, 1)
    advanced = []
    assert list(source.records(lambda: advanced.append(1))) == [
        Record("basic/Image/aligned/train_00001_aligned.jpg", 4, "", TRAIN, None, 1),
        Record("basic/Image/aligned/train_00002_aligned.jpg", 6, "", TRAIN, None, 2),
        Record("basic/Image/aligned/test_0001_aligned.jpg", 0, "", VALIDATION, None, 3),
    ]
    assert len(advanced) == 1


def test_the_classes_are_in_the_data_sets_order(raf):
    source = RAFDB(raf())
    assert source.classes == ("surprise", "fear", "disgust", "happiness", "sadness", "anger", "neutral")


def test_the_compound_list_has_classes_of_its_own(raf):
    source = RAFDB(raf("train_00001.jpg 11", part="compound"), "compound")
    assert (source.name, len(source.classes)) == ("raf_compound", 11)
    assert [source.classes[label - 1] for label in (1, 3, 6, 8, 9, 11)] == [
        *("happily surprised", "sadly fearful", "sadly disgusted"),
        *("fearfully surprised", "angrily surprised", "disgustedly surprised"),
    ]
    (record,) = source.records()
    assert (record.path, record.label) == ("compound/Image/aligned/train_00001_aligned.jpg", 10)


@pytest.mark.parametrize(
    ("images", "folders", "path"),
    [
        ("original", ("aligned", "original"), "basic/Image/original/train_00001.jpg"),
        ("auto", ("original",), "basic/Image/original/train_00001.jpg"),
        ("aligned", ("aligned",), "basic/Image/aligned/train_00001_aligned.jpg"),
    ],
)
def test_aligned_and_original_images(raf, images: str, folders: tuple[str, ...], path: str):
    assert next(RAFDB(raf(*LINES, folders=folders), images=images).records()).path == path


@pytest.mark.parametrize(
    ("part", "label", "allowed"), [("basic", "8", 7), ("basic", "0", 7), ("basic", "-1", 7), ("compound", "12", 11)]
)
def test_a_label_out_of_range_is_named_with_line_and_range(raf, part: str, label: str, allowed: int):
    source = RAFDB(raf(LINES[0], f"train_00002.jpg {label}", part=part), part)
    with pytest.raises(PainlitError, match=rf"list_patition_label\.txt, line 2: label {label} is unknown") as caught:
        list(source.records())
    assert caught.value.remedy == f"it must be 1 to {allowed}"


@pytest.mark.parametrize("line", ["train_00002.jpg", "train_00002.jpg 5 5", "train_00002.jpg,5"])
def test_a_line_of_another_form_is_named(raf, line: str):
    with pytest.raises(PainlitError, match=r"list_patition_label\.txt, line 2: .* is not `name label`"):
        list(RAFDB(raf(LINES[0], line)).records())


@pytest.mark.parametrize("name", ["valid_00002.jpg", "train.jpg", "train"])
def test_a_name_of_neither_part_is_named(raf, name: str):
    with pytest.raises(PainlitError, match=rf"line 2: {name} is neither train_ nor test_"):
        list(RAFDB(raf(LINES[0], f"{name} 5")).records())


def test_a_name_listed_twice_is_named_with_both_lines(raf):
    with pytest.raises(PainlitError, match=r"line 3: train_00001\.jpg is listed at line 1 already"):
        list(RAFDB(raf(LINES[0], LINES[1], LINES[0])).records())


def test_a_listed_image_that_is_missing_is_named_with_its_path(raf):
    root = raf(LINES[0], "train_00009.jpg 5")
    with pytest.raises(PainlitError, match=r"line 2: there is no image .*basic/Image/aligned/train_00009_aligned\.jpg"):
        list(RAFDB(root).records())


def test_an_empty_list_is_refused(raf):
    with pytest.raises(PainlitError, match=r"list_patition_label\.txt lists no images"):
        list(RAFDB(raf()).records())


def test_what_is_not_unpacked_is_named_at_once(raf):
    root = raf(*LINES, folders=("original",))
    with pytest.raises(PainlitError, match="Image/aligned does not exist"):
        RAFDB(root, images="aligned")
    with pytest.raises(PainlitError, match=r"compound/EmoLabel/list_patition_label\.txt does not exist"):
        RAFDB(root, "compound")
    shutil.rmtree(root / "basic/Image")
    with pytest.raises(PainlitError, match="Image/original does not exist"):
        RAFDB(root)


def test_other_parts_and_images_are_refused(raf):
    with pytest.raises(PainlitError, match="part 'Basic'"):
        RAFDB(raf(*LINES), "Basic")
    with pytest.raises(PainlitError, match="images 'cropped'"):
        RAFDB(raf(*LINES, part="compound"), images="cropped")


def test_the_stamp_changes_with_list_and_images(raf):
    root = raf(*LINES)
    os.utime(root / "basic/Image/aligned", ns=(0, 0))  # times are coarser than the tests are fast
    stamp = RAFDB(root).stamp()
    assert RAFDB(root).stamp() == stamp
    (root / "basic/Image/aligned/train_00001_aligned.jpg").unlink()
    fewer = RAFDB(root).stamp()
    assert fewer != stamp
    (root / "basic/EmoLabel/list_patition_label.txt").write_text(LINES[0])
    assert RAFDB(root).stamp() != fewer
