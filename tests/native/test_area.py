"""Pictures made smaller in C++ are OpenCV's to the bit."""

import cv2
import numpy as np
import pytest

from painlit.native import area
from painlit.native.area import area_resize
from painlit.signals.video.crops import crop_face, resized

SIDES = [(65, 64), (95, 64), (127, 64), (129, 64), (96, 64), (191, 64), (200, 61), (449, 448), (695, 448), (900, 97)]


@pytest.fixture(scope="module")
def pictures() -> list[np.ndarray]:
    """Noise, black and white, and a slope, whose sums are ties or close to one."""
    noise = np.random.default_rng(0).integers(0, 256, (1000, 1000, 3), np.uint8)
    slope = (np.arange(1000)[:, None, None] // 7 + np.arange(1000)[:, None] // 3 + np.arange(3)).astype(np.uint8)
    return [noise, (noise > 127) * np.uint8(255), slope]


@pytest.fixture
def resize(instructions):
    resize = area_resize()
    assert resize is not resized
    return resize


@pytest.mark.parametrize(("side", "size"), SIDES)
def test_is_opencvs(resize, pictures: list[np.ndarray], side: int, size: int, monkeypatch: pytest.MonkeyPatch):
    expected = [resized(picture[3 : 3 + side, 40 : 40 + side], size) for picture in pictures]
    monkeypatch.setattr(area, "resized", None)  # so that it computes
    for picture, made in zip(pictures, expected, strict=True):
        np.testing.assert_array_equal(resize(picture[3 : 3 + side, 40 : 40 + side], size), made)


@pytest.mark.parametrize(
    ("side", "size"), [(64, 64), (50, 64), (128, 64), (192, 64)], ids=["same", "larger", "half", "third"]
)
def test_the_rest_is_left_to_opencv(resize, pictures: list[np.ndarray], side: int, size: int):
    picture = pictures[0][:side, :side]
    np.testing.assert_array_equal(resize(picture, size), resized(picture, size))


def test_other_pictures_are_left_to_opencv(resize, pictures: list[np.ndarray]):
    for picture in (pictures[0][:95, :95, ::-1], pictures[0][:190, :190:2][:95], pictures[0][:95, :95] / np.float32(3)):
        np.testing.assert_array_equal(resize(picture, 64), cv2.resize(picture, (64, 64), interpolation=cv2.INTER_AREA))


def test_faces_at_the_border(resize, pictures: list[np.ndarray]):
    for square in ([-30, 20, 300], [900, 850, 211], [-100, -100, 1300]):
        faces = [crop_face(pictures[0], np.array(square), 64, how) for how in (resize, resized)]
        np.testing.assert_array_equal(*faces)


def test_where_opencv_sums_otherwise_it_is_taken(monkeypatch: pytest.MonkeyPatch):
    def other(picture: np.ndarray, size: int) -> np.ndarray:
        return resized(picture, size) ^ (size == 100)

    monkeypatch.setattr(area, "resized", other)
    assert area_resize() is other


def test_without_a_compiler_opencv_is_taken(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    area.compiled.cache_clear()
    assert area_resize() is resized
    area.compiled.cache_clear()
