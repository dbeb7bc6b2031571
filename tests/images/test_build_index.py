import csv
import os
import shutil
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from painlit.config import FaceConfig
from painlit.errors import PainlitError
from painlit.images import build_index
from painlit.images.build_index import list_images, open_index
from painlit.images.source import VALIDATION, Record, Skipped


def paths(index) -> list[str]:
    return [index.relative_path(row) for row in range(len(index))]


def problems(folder: Path) -> dict[str, str]:
    with open(folder / "problems.csv", newline="") as handle:
        return {row["image"]: row["problem"] for row in csv.DictReader(handle)}


@pytest.fixture
def found_boxes(monkeypatch) -> dict[int, list[list[float]]]:
    """What the face detector finds in an image, by the red of its first pixel; one small face in all others."""
    boxes: dict[int, list[list[float]]] = {}

    class Detector:
        def detect(self, images):
            found = boxes.get(int(images[0, 0, 0, 0]), [[1.5, 2, 21, 30, 0.99]])
            return [np.array(found, np.float32).reshape(-1, 5)]

    monkeypatch.setattr(build_index, "face_detector", lambda shape, face, device: Detector())
    return boxes


def test_every_field_of_a_record_is_in_the_index(photographs, build):
    source = photographs(5, has_boxes=True)
    box = (-1.5, 2, 30, 40)
    source.listed[1] = Record("1/0001.jpg", 1, "", VALIDATION, box, 17)
    source.listed[3:3] = [Skipped("notes.jpg", "two faces")]
    index = build(source, "auto")
    assert paths(index) == ["0/0000.jpg", "1/0001.jpg", "0/0002.jpg", "1/0003.jpg", "0/0004.jpg"]
    assert index.labels.tolist() == [0, 1, 0, 1, 0]
    assert index.about["persons"] == ["p0", "p1", "p2"]
    assert index.persons.tolist() == [0, -1, 1, 1, 2]
    assert index.parts.tolist() == [0, VALIDATION, 0, 0, 0]
    assert index.lines.tolist() == [0, 17, 0, 0, 0]
    assert index.boxes[1].tolist() == list(box)
    assert np.isnan(index.boxes[[0, 2, 3, 4]]).all()
    assert not index.digests.any()
    assert (index.about["left_out"], index.about["has_split"], index.root) == (1, True, source.root.resolve())
    assert problems(index.folder) == {"notes.jpg": "two faces"}


def test_faces_whole_leaves_the_boxes_of_the_set_out(photographs, build):
    source = photographs(4, has_boxes=True)
    source.listed = [record._replace(box=(1, 2, 3, 4)) for record in source.listed]
    assert np.isnan(build(source, "whole").boxes).all()
    assert not np.isnan(build(source, "auto").boxes).any()


def test_an_index_is_opened_again_without_being_built(photographs, build, in_process, capsys):
    source = photographs()
    first = build(source, digests=True)
    assert sorted(in_process) == list(range(8))
    capsys.readouterr()
    again = build(source, digests=True)
    assert (len(in_process), len(source.listings)) == (8, 1)
    assert capsys.readouterr().out == ""
    assert again.about == first.about
    assert np.array_equal(again.digests, first.digests)


def test_an_index_is_built_anew_when_the_set_changes(photographs, build):
    source = photographs()
    first = build(source)
    source.version, source.listed = 1, source.listed[:6]
    second = build(source)
    assert first.folder == second.folder
    assert (len(first), len(second), len(source.listings)) == (8, 6, 2)
    assert first.about["content"] != second.about["content"]


def test_settings_and_roots_have_indices_of_their_own(photographs, build, found_boxes, tmp_path):
    source = photographs()
    elsewhere = replace(source, root=shutil.copytree(source.root, tmp_path / "copy"))
    indices = [build(source), build(source, digests=True), build(source, "detect"), build(elsewhere)]
    assert len({index.folder for index in indices}) == 4
    larger = open_index(source, tmp_path / "index", "detect", FaceConfig(min_face=0.4))
    assert larger.folder not in {index.folder for index in indices}
    assert build(source).about["content"] == build(elsewhere).about["content"]


def test_the_same_folder_by_another_path_has_the_same_index(photographs, build, tmp_path, monkeypatch):
    source = photographs()
    (tmp_path / "link").symlink_to(source.root)
    monkeypatch.chdir(tmp_path)
    folders = {build(replace(source, root=Path(root))).folder for root in (source.root, "link", "photographs")}
    assert len(folders) == 1


def test_digests_differ_as_contents_do(photographs, build):
    source = photographs()
    shutil.copy(source.root / "0/0000.jpg", source.root / "1/0005.jpg")
    digests = build(source, digests=True).digests
    assert digests[0] == digests[5]
    assert len(set(digests.tolist())) == 7
    assert digests.all()


def test_the_largest_face_is_taken_and_images_without_one_are_left_out(photographs, build, found_boxes, in_process):
    source = photographs()
    reds = [int(build_index.decode((source.root / r.path).read_bytes(), "")[0, 0, 0]) for r in source.listed]
    assert len(set(reds)) == 8
    found_boxes[reds[0]] = [[0, 0, 10, 10, 0.9], [5, 6, 25.5, 28, 0.9], [0, 0, 12, 12, 0.9]]
    found_boxes[reds[3]] = []
    index = build(source, "auto")
    assert index.boxes[0].tolist() == [5, 6, 25.5, 28]
    assert index.boxes[1].tolist() == [1.5, 2, 21, 30]
    assert paths(index) == [r.path for i, r in enumerate(source.listed) if i != 3]
    assert index.labels.tolist() == [0, 1, 0, 0, 1, 0, 1]
    assert index.persons.tolist() == [0, 0, 1, 2, 2, 3, 3]
    assert "no face found of 20 px or more" in problems(index.folder)["1/0003.jpg"]
    assert index.digests.all()  # the file was read anyway


def test_images_are_examined_in_other_processes(photographs, tmp_path, monkeypatch):
    monkeypatch.setattr(build_index, "cores", lambda: 1)  # one other, which takes seconds to start
    source = photographs(20)
    (source.root / "0/0002.jpg").write_bytes(b"")
    with pytest.raises(PainlitError, match="1 of 20 images of photographs cannot be read, such as 0/0002"):
        open_index(source, tmp_path / "index", "whole", FaceConfig(), digests=True)


def test_unreadable_images_are_left_out_and_listed(photographs, build, capsys):
    source = photographs(100)
    (source.root / "1/0051.jpg").write_bytes((source.root / "1/0051.jpg").read_bytes()[:-9])
    index = build(source, digests=True)
    assert (len(index), index.about["left_out"]) == (99, 1)
    assert "1/0051.jpg" not in paths(index)
    assert list(problems(index.folder)) == ["1/0051.jpg"]
    assert "cut short" in problems(index.folder)["1/0051.jpg"]
    assert f"99 images of 2 classes; 1 left out, see {index.folder / 'problems.csv'}" in capsys.readouterr().out


def test_more_than_one_percent_unreadable_is_an_error(photographs, build, in_process, tmp_path):
    source = photographs(100)
    (source.root / "1/0051.jpg").write_bytes(b"")
    (source.root / "0/0070.jpg").unlink()
    with pytest.raises(PainlitError, match="2 of 100 images of photographs cannot be read") as caught:
        build(source, digests=True)
    assert "0/0070.jpg: No such file" in str(caught.value)
    assert "1/0051.jpg is empty" in str(caught.value)
    (folder,) = (tmp_path / "index").iterdir()
    assert str(folder / "problems.csv") in caught.value.remedy
    assert problems(folder).keys() == {"0/0070.jpg", "1/0051.jpg"}
    assert sorted(in_process) == list(range(80)), "the last of seven chunks is not read: it is known by then"
    shutil.copy(source.root / "1/0001.jpg", source.root / "1/0051.jpg")  # mended: only the two are read again
    in_process.clear()
    assert len(build(source, digests=True)) == 99
    assert sorted(in_process) == [51, 70, *range(80, 100)]


def test_what_the_source_skips_or_shows_no_face_is_not_unreadable(photographs, build, found_boxes):
    source = photographs(8)
    source.listed += [Skipped(f"{number}.jpg", "two faces") for number in range(5)]
    found_boxes[int(build_index.decode((source.root / "1/0001.jpg").read_bytes(), "")[0, 0, 0])] = []
    index = build(source, "detect")
    assert (len(index), index.about["left_out"]) == (7, 6)


@pytest.mark.parametrize("part", [VALIDATION, None])
def test_a_class_without_training_images_is_an_error(photographs, build, part):
    source = photographs(6)
    listed = [r._replace(part=VALIDATION) if r.label else r for r in source.listed]
    source.listed = listed if part else [r for r in listed if not r.label]
    with pytest.raises(PainlitError, match="no usable training image of class glad") as caught:
        build(source)
    assert str(source.root) in str(caught.value)


def test_many_empty_classes_are_shortened(photographs, build):
    classes = ("calm", "glad", *(f"class {number}" for number in range(20)))
    with pytest.raises(PainlitError, match="of class class 0, class 1, class 2, class 3, class 4 and 15 more"):
        build(photographs(4, classes=classes))


def test_a_set_without_images_is_an_error(photographs, build):
    with pytest.raises(PainlitError, match="no usable training image"):
        build(photographs(0))


def test_who_wants_the_same_index_waits(photographs, build):
    source = photographs()
    listing, go_on = threading.Event(), threading.Event()
    records = source.records

    def slow(advance):
        listing.set()
        assert go_on.wait(10)
        return records(advance)

    source.records = slow
    opened = []
    threads = [threading.Thread(target=lambda: opened.append(build(source))) for _ in range(3)]
    for thread in threads:
        thread.start()
    assert listing.wait(10)
    threads[1].join(0.2)
    assert not opened
    go_on.set()
    for thread in threads:
        thread.join(10)
    assert [len(index) for index in opened] == [8, 8, 8]
    assert len(source.listings) == 1


def test_errors_of_the_source_come_through_and_free_the_index(photographs, build):
    source = photographs()

    def faulty(advance):
        yield source.listed[0]
        raise PainlitError("list.txt, line 2: no such image", "restore it")

    records, source.records = source.records, faulty
    with pytest.raises(PainlitError, match=r"list\.txt, line 2"):
        build(source)
    source.records = records
    assert len(build(source)) == 8


def test_a_name_that_is_no_utf8_is_left_out(photographs, build):
    source = photographs()
    source.listed.append(Record(os.fsdecode("0/andr\xe9.jpg".encode("latin-1")), 0, "p0"))
    index = build(source)
    assert len(index) == 8
    assert problems(index.folder) == {r"'0/andr\udce9.jpg'": "its name is no UTF-8"}


def test_paths_are_kept_as_bytes(photographs):
    source = photographs(0)
    source.listed = [Record(f"n{i // 300:06d}/{i:06d}_01.jpg", i % 2, f"n{i // 300:06d}") for i in range(20_000)]
    listing = list_images(source)
    assert len(listing.columns["paths"]) < 25 * 20_000
    assert (len(listing.columns["labels"]), len(listing.names)) == (20_000, 67)
