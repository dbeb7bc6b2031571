import shutil

import numpy as np
import pytest

from painlit.images.duplicates import without_validation_images
from painlit.images.source import VALIDATION

EMPTY = np.empty(0, np.int64)


@pytest.fixture
def two(photographs, build, tmp_path):
    """Two sets of 8 and 4 images, rows 6 and 7 and row 3 for validation; `same((set, row), (set, row))` copies."""
    first = photographs()
    second = photographs(8, name="others", root=tmp_path / "others")
    shutil.copytree(first.root, second.root)
    for number, record in enumerate(second.listed):
        (second.root / record.path).write_bytes((first.root / record.path).read_bytes() + b"other")
        first.listed[number] = record._replace(line=number + 1, part=VALIDATION if number > 5 else 0)
    second.listed = second.listed[:4]
    sources = [first, second]

    def same(*places: tuple[int, int]):
        paths = [sources[which].root / sources[which].listed[row].path for which, row in places]
        for path in paths[1:]:
            shutil.copy(paths[0], path)

    def divided():
        indices = [build(source, digests=True) for source in sources]
        train, validation = [np.arange(6), np.arange(3)], [np.arange(6, 8), np.array([3])]
        kept, pairs = without_validation_images(indices, train, validation)
        return [rows.tolist() for rows in kept], pairs, indices

    return same, divided


def test_different_images_all_stay(two):
    _, divided = two
    kept, pairs, _ = divided()
    assert (kept, pairs) == ([[0, 1, 2, 3, 4, 5], [0, 1, 2]], [])


def test_within_a_set_and_across_sets_both_ways(two):
    same, divided = two
    same((0, 6), (0, 2))
    same((1, 3), (0, 5))
    same((0, 7), (1, 1))
    kept, pairs, (first, second) = divided()
    assert kept == [[0, 1, 3, 4], [0, 2]]
    assert pairs == [
        (first.where(2), first.where(6)),
        (first.where(5), second.where(3)),
        (second.where(1), first.where(7)),
    ]
    assert pairs[0][0].endswith("0/0002.jpg (line 3 of the list)")


def test_copies_within_training_or_within_validation_stay(two):
    same, divided = two
    same((0, 0), (0, 1), (1, 2))
    same((0, 6), (0, 7), (1, 3))
    kept, pairs, _ = divided()
    assert (kept, pairs) == ([[0, 1, 2, 3, 4, 5], [0, 1, 2]], [])


def test_all_copies_of_a_validation_image_go(two):
    same, divided = two
    same((0, 6), (0, 7), (1, 3), (0, 0), (0, 3), (1, 0))
    kept, pairs, (first, _) = divided()
    assert kept == [[1, 2, 4, 5], [1, 2]]
    assert {validation for _, validation in pairs} == {first.where(6)}


def test_without_digests_nothing_counts_as_the_same(photographs, build):
    index = build(photographs())
    kept, pairs = without_validation_images([index], [np.arange(4)], [np.arange(4, 8)])
    assert (kept[0].tolist(), pairs) == ([0, 1, 2, 3], [])


def test_without_validation_images_all_stay(two, photographs, build):
    index = build(photographs(), digests=True)
    kept, pairs = without_validation_images([index, index], [np.arange(4), EMPTY], [EMPTY, EMPTY])
    assert ([rows.tolist() for rows in kept], pairs) == ([[0, 1, 2, 3], []], [])
