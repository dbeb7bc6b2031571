import io
import shutil

import cv2
import numpy as np
import pytest
from PIL import Image

from painlit.images.duplicates import LOOK, SAME, look_of, similarities, without_validation_images
from painlit.images.reading import decode, read_image
from painlit.images.source import VALIDATION

EMPTY = np.empty(0, np.int64)


@pytest.fixture
def two(photographs, build, tmp_path):
    """Two sets of 8 and 4 images, rows 6 and 7 and row 3 for validation; `same((set, row), (set, row))` copies."""
    first = photographs()
    second = photographs(8, seed=100, name="others", root=tmp_path / "others")
    for number, record in enumerate(first.listed):
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


def turned(image: np.ndarray, degrees: float) -> np.ndarray:
    height, width = image.shape[:2]
    turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1)
    return cv2.warpAffine(image, turn, (width, height), borderMode=cv2.BORDER_REPLICATE)


def compressed(image: np.ndarray, quality: int) -> np.ndarray:
    data = io.BytesIO()
    Image.fromarray(image).save(data, "JPEG", quality=quality)
    return decode(data.getvalue(), "x.jpg")


EDITS = {
    "mirrored": lambda image: image[:, ::-1],
    "compressed": lambda image: compressed(image, 40),
    "turned by 3": lambda image: turned(image, 3),
    "turned by -3": lambda image: turned(image, -3),
    "turned by 1": lambda image: turned(image, 1),
    "half": lambda image: cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA),
    "twice as wide": lambda image: cv2.resize(image, None, fx=2, fy=1),
    "darker": lambda image: (image * 0.7 + 20).astype(np.uint8),
    "grey": lambda image: cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB),
    "all at once": lambda image: compressed(turned((image[:, ::-1] * 0.8).astype(np.uint8), 3), 60),
}


@pytest.mark.parametrize("edit", EDITS)
def test_edited_copies_of_validation_images_are_left_out(shared_data, edit: str, photographs, build):
    faces = [read_image(path) for path in sorted((shared_data / "faces/london/neutral").iterdir())[:4]]
    source = photographs(8)
    for number, record in enumerate(source.listed):
        image = EDITS[edit](faces[number - 4]) if number in (5, 6) else faces[number % 4]
        cv2.imwrite(str(source.root / record.path), image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])
    index = build(source, digests=True)
    kept, pairs = without_validation_images([index], [np.array([0, 5, 6])], [np.array([1, 2, 3])])
    assert kept[0].tolist() == [0]
    assert pairs == [(index.where(5), index.where(1)), (index.where(6), index.where(2))]


def test_other_people_and_other_photographs_of_a_person_stay(shared_data):
    paths = sorted((shared_data / "faces/orl").glob("s[1-9]/*.pgm"))
    looks = np.array([look_of(read_image(path)) for path in paths])
    alike = similarities(looks, looks)
    person = np.array([path.parent.name for path in paths])
    assert (np.diag(alike) > 0.999).all()
    assert alike[person[:, None] != person].max() < SAME - 0.03
    assert (alike[~np.eye(len(paths), dtype=bool)] < SAME).all()


def test_images_without_content_are_like_no_other():
    flat = np.array([np.full((LOOK, LOOK), grey, np.uint8) for grey in (0, 128, 255)])
    flat[1, ::2] += 1  # the noise of a compression
    assert np.abs(similarities(flat, flat)).max() == 0


def test_an_index_without_looks_is_compared_by_digests_alone(photographs, build):
    plain, read = build(photographs()), build(photographs(), digests=True)
    kept, pairs = without_validation_images([plain, read], [np.arange(4), EMPTY], [EMPTY, np.arange(8)])
    assert ([rows.tolist() for rows in kept], pairs) == ([[0, 1, 2, 3], []], [])
