import cv2
import numpy as np
import pytest

from painlit.signals.video.crops import crop_face, face_squares


def plain_crop(frame: np.ndarray, square: tuple[int, int, int]) -> np.ndarray:
    """Pad the whole frame far enough, then cut."""
    x, y, side = square
    far = side + abs(x) + abs(y)
    padded = np.pad(frame, ((far, far), (far, far), (0, 0)), mode="edge")
    return padded[y + far : y + far + side, x + far : x + far + side]


@pytest.fixture
def frame() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8)


@pytest.mark.parametrize(
    "square",
    [(5, 4, 20), (-7, 3, 20), (30, 20, 25), (-5, -6, 60), (3, -9, 12), (-50, 10, 20), (45, 40, 8), (39, 29, 1)],
)
def test_borders_are_repeated(frame: np.ndarray, square: tuple[int, int, int]):
    assert np.array_equal(crop_face(frame, np.array(square), square[2]), plain_crop(frame, square))


@pytest.mark.parametrize(("size", "method"), [(8, cv2.INTER_AREA), (50, cv2.INTER_CUBIC)])
def test_crop_is_resized(frame: np.ndarray, size: int, method: int):
    crop = crop_face(frame, np.array([2, 3, 20]), size)
    assert crop.shape == (size, size, 3)
    assert crop.dtype == np.uint8
    assert np.array_equal(crop, cv2.resize(frame[3:23, 2:22], (size, size), interpolation=method))


def test_square_is_about_the_boxs_centre():
    squares = face_squares(np.array([[100.0, 50, 180, 150], [10, 10, 50, 30]]), margin=0.3)
    assert squares.tolist() == [[75, 35, 130], [4, -6, 52]]
    assert np.issubdtype(squares.dtype, np.integer)


def test_one_square_per_clip_holds_the_moving_head():
    boxes = np.array([[100.0 + 40 * np.sin(t / 5), 50, 160 + 40 * np.sin(t / 5), 130] for t in range(60)], np.float32)
    squares = face_squares(boxes, margin=0.3, mode="per_clip")
    assert squares.shape == (60, 3)
    assert (squares == squares[0]).all()
    x, y, side = squares[0]
    assert x <= boxes[:, 0].min()
    assert boxes[:, 2].max() <= x + side
    assert y <= 50
    assert y + side >= 130


def test_one_false_box_does_not_enlarge_the_clips_square():
    boxes = np.tile(np.float32([100, 50, 160, 130]), (60, 1))
    steady = face_squares(boxes, mode="per_clip")
    boxes[7] = 0, 0, 400, 300
    assert np.array_equal(face_squares(boxes, mode="per_clip"), steady)


def test_unknown_mode_is_refused():
    with pytest.raises(ValueError, match="per_frame"):
        face_squares(np.ones((1, 4)), mode="union")  # type: ignore[arg-type]
