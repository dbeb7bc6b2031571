import numpy as np
import pytest

from painlit.errors import ClipError
from painlit.signals.video.face_track import NoFaceError, smooth_boxes, track_face

FRAME = 300, 400


def face(x: float, y: float, side: float, score: float = 1.0) -> list[float]:
    return [x - side / 2, y - side / 2, x + side / 2, y + side / 2, score]


def frames(*rows: list[list[float]]) -> list[np.ndarray]:
    return [np.array(row, np.float32).reshape(-1, 5) for row in rows]


def test_follows_a_moving_face():
    detections = frames(*([face(100 + 5 * t, 150, 80)] for t in range(20)))
    track = track_face(detections, FRAME)
    assert track.boxes.dtype == np.float32
    assert track.found.all()
    np.testing.assert_allclose(track.boxes, np.concatenate(detections)[:, :4], atol=1e-4)


def test_a_gap_is_interpolated_and_the_ends_hold():
    nothing: list[list[float]] = []
    track = track_face(frames(nothing, [face(100, 100, 80)], nothing, nothing, [face(130, 100, 80)], nothing), FRAME)
    assert track.found.tolist() == [False, True, False, False, True, False]
    assert track.boxes[:, 0].tolist() == [60, 60, 70, 80, 90, 90]
    assert track.boxes.shape == (6, 4)


def test_a_bystander_does_not_steal_the_track():
    person = [[face(120, 150, 90 + t % 3)] for t in range(30)]
    for t in (9, 10, 11, 12):  # the person looks away, the bystander is there
        person[t] = []
    rows = [[*faces, face(320, 120, 60)] for faces in person]
    track = track_face(frames(*rows), FRAME)
    assert track.found.sum() == 26
    assert np.abs((track.boxes[:, 0] + track.boxes[:, 2]) / 2 - 120).max() < 2


def test_a_larger_face_in_a_few_frames_does_not_steal_the_track():
    rows = [[face(120, 150, 90)] for _ in range(30)]
    for t in (14, 15, 16):
        rows[t].insert(0, face(290, 150, 180))
    track = track_face(frames(*rows), FRAME)
    assert track.found.all()
    np.testing.assert_allclose(track.boxes, np.tile([75, 105, 165, 195], (30, 1)))


def test_of_two_boxes_on_one_face_the_steady_one_is_taken():
    rows = [[face(120, 150, 90)] for _ in range(9)]
    rows[4].append(face(120, 150, 120, score=0.9))
    assert np.ptp(track_face(frames(*rows), FRAME).boxes, axis=0).max() == 0


def test_the_larger_of_two_people_is_followed_in_any_order():
    rows = [[face(80, 150, 60), face(250, 150, 100)] for _ in range(10)]
    for t in range(0, 10, 2):
        rows[t].reverse()
    assert np.allclose(track_face(frames(*rows), FRAME).boxes[:, 0], 200)


def test_boxes_stay_inside_the_frame():
    track = track_face(frames([face(10, 290, 80)]), FRAME)
    assert track.boxes.tolist() == [[0, 250, 50, 300]]


def test_a_clip_without_a_face_is_named():
    with pytest.raises(NoFaceError, match="071309_w_21-PA4-006: no face in any of 3 frames"):
        track_face(frames([], [], []), FRAME, clip="071309_w_21-PA4-006")
    assert issubclass(NoFaceError, ClipError)


def test_smoothing_steadies_centre_and_size_and_moves_neither():
    generator = np.random.default_rng(0)
    boxes = np.tile([75.0, 105, 165, 195], (138, 1)) + generator.normal(0, 2, (138, 4))
    steady = smooth_boxes(boxes, 2.0)
    before, after = (np.abs(np.diff(each, axis=0)).mean() for each in (boxes, steady))
    assert after < before / 4
    np.testing.assert_allclose(steady.mean(axis=0), boxes.mean(axis=0), atol=0.2)
    assert smooth_boxes(boxes, 0) is boxes
    still = np.tile([75.0, 105, 165, 195], (9, 1))
    np.testing.assert_allclose(smooth_boxes(still, 3.0), still)


def test_smoothing_follows_a_head_that_moves():
    x = np.linspace(0, 100, 50)[:, None]
    boxes = np.array([[75.0, 105, 165, 195]]) + x * [1, 0, 1, 0]
    np.testing.assert_allclose(smooth_boxes(boxes, 2.0)[10:40], boxes[10:40], atol=1e-6)
