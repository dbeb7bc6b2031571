import csv
import json
import pickle

import numpy as np
import pytest

from painlit.errors import PainlitError
from painlit.images.index import FIELDS, LOOK, ImageIndex, write_index, write_problems

PATHS = ["a/1.jpg", "ä/ö ü.jpg", "b/日本.png", "b/x,y.jpg"]
ABOUT = {"name": "faces", "root": "/data/faces", "classes": ["a", "b"], "persons": ["p"], "has_split": False}


def columns() -> dict[str, np.ndarray]:
    text = [path.encode() for path in PATHS]
    return {
        "paths": np.frombuffer(b"".join(text), np.uint8),
        "ends": np.cumsum([len(path) for path in text]),
        "labels": np.array([0, 0, 1, 1]),
        "persons": np.array([0, -1, 0, -1]),
        "parts": np.array([0, 1, 0, 0]),
        "boxes": np.array([[1, 2, 3.5, 4], [np.nan] * 4, [-1, -2, 3, 4], [0, 0, 1, 1]]),
        "lines": np.array([2, 0, 7, 0]),
        "digests": np.array([2**64 - 1, 0, 1, 2], np.uint64),
        "looks": np.arange(4 * LOOK * LOOK).reshape(4, -1).astype(np.uint8),
        "places": np.array([[0, 0, 9], [1, 2**40, 8], [0, 9, 2**31 - 1], [1, 3, 4]]),
        "pages": np.array([[0, 0, 0], [10, 2, 8], [0, 0, 0], [9, 0, 1]]),
    }


@pytest.fixture
def index(tmp_path) -> ImageIndex:
    write_index(tmp_path / "index", ABOUT, columns())
    return ImageIndex(tmp_path / "index")


def check(index: ImageIndex) -> None:
    assert len(index) == 4
    for name, dtype in FIELDS.items():
        found = getattr(index, name)
        assert isinstance(found, np.memmap)
        assert found.dtype == dtype
        assert np.array_equal(found, columns()[name], equal_nan=name == "boxes"), name
    assert [index.relative_path(row) for row in range(4)] == PATHS
    assert str(index.path(1)) == "/data/faces/ä/ö ü.jpg"
    assert (index.name, index.classes, index.about["images"]) == ("faces", ["a", "b"], 4)


def test_round_trip(index):
    check(index)


def test_another_process_maps_the_same_files(index):
    message = pickle.dumps(index)
    assert len(message) < 1000  # not the arrays
    check(pickle.loads(message))


def test_images_are_named_with_their_line(index):
    assert index.where(0) == "/data/faces/a/1.jpg (line 2 of the list)"
    assert index.where(3) == "/data/faces/b/x,y.jpg"


def test_the_content_is_a_digest_of_all_columns(index):
    contents = {index.about["content"]}
    for name in FIELDS:
        changed = columns()
        changed[name] = np.array(changed[name])
        changed[name][-1] += 1
        write_index(index.folder, ABOUT, changed)
        contents.add(ImageIndex(index.folder).about["content"])
    assert len(contents) == 1 + len(FIELDS)
    write_index(index.folder, ABOUT, columns())
    assert ImageIndex(index.folder).about["content"] == index.about["content"]


def test_a_run_that_has_it_open_keeps_the_former_one(index):
    other = {name: column[:0] if name == "paths" else column[:1] * 0 for name, column in columns().items()}
    write_index(index.folder, ABOUT, other | {"paths": np.frombuffer(b"z", np.uint8), "ends": np.array([1])})
    check(index)
    assert ImageIndex(index.folder).relative_path(0) == "z"


@pytest.mark.parametrize("name", FIELDS)
def test_a_damaged_file_is_named(index, name: str):
    file = index.folder / f"{name}.npy"
    whole = file.read_bytes()
    for damage in (whole[:-1], whole[:20], b""):
        file.write_bytes(damage)
        with pytest.raises(PainlitError, match=f"the index {index.folder} is damaged"):
            ImageIndex(index.folder)
    file.unlink()
    with pytest.raises(PainlitError, match=rf"{name}\.npy"):
        ImageIndex(index.folder)


def test_a_full_disk_is_named_and_leaves_no_index(index, full_disk):
    many = {name: np.zeros((10_000, *column.shape[1:])) for name, column in columns().items()}
    with full_disk(20_000), pytest.raises(PainlitError, match=r"\.npy: .*File too large"):
        write_index(index.folder, ABOUT, many)
    assert not (index.folder / "index.json").exists()
    assert not list(index.folder.glob(".*.part"))


def test_problems_are_a_table(tmp_path):
    problems = [("a/1.jpg", 'cut, "short"'), ("b,c.jpg", "line\nbreak"), ("ä.jpg", "empty")]
    write_problems(tmp_path, problems)
    with open(tmp_path / "problems.csv", newline="") as handle:
        assert [tuple(row) for row in csv.reader(handle)] == [("image", "problem"), *problems]


def test_index_json_is_plain(index):
    about = json.loads((index.folder / "index.json").read_text())
    assert about.items() >= ABOUT.items()
