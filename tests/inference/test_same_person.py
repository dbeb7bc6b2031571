"""One person through all windows, whoever else comes into the picture."""

import numpy as np

from painlit.inference.same_person import SamePerson
from painlit.signals.video.face_track import track_face

SHAPE = (480, 640)


def face(x: float, y: float = 200, side: float = 100, score: float = 1.0) -> list[float]:
    return [x, y, x + side, y + side, score]


def follow(frames: list[list[list[float]]], length: int = 6, hop: int = 2) -> list:
    """The tracks of all windows over frames, each a list of faces."""
    person = SamePerson()
    boxes = [np.array(faces, np.float64).reshape(-1, 5) for faces in frames]
    starts = range(0, len(frames) - length + 1, hop)
    return [person.track(range(k, k + length), boxes[k : k + length], SHAPE) for k in starts]


def lefts(track) -> list[float]:
    return [float(x) for x in track.boxes[track.found, 0]]


def test_a_single_window_is_what_a_clip_gives():
    generator = np.random.default_rng(0)
    frames = [[face(100 + generator.normal(0, 3)), face(400, side=60)] for _ in range(6)]
    (track,) = follow(frames)
    expected = track_face([np.array(faces) for faces in frames], SHAPE)
    assert np.array_equal(track.boxes, expected.boxes)
    assert np.array_equal(track.found, expected.found)


def test_a_larger_face_that_comes_later_does_not_take_over():
    alone, joined = [[face(100)]] * 8, [[face(100), face(350, side=180)]] * 20
    assert all(lefts(track) == [100] * 6 for track in follow(alone + joined))


def test_a_person_lost_beside_others_is_taken_up_again_in_their_place():
    other = face(400, side=70)
    frames = [[face(100), other]] * 8 + [[other]] * 12 + [[face(110), other]] * 8
    tracks = follow(frames)
    assert [track is None for track in tracks].count(True) == 4
    assert lefts(tracks[-1]) == [110] * 6
    assert all(track is None or set(lefts(track)) <= {100, 110} for track in tracks)


def test_who_was_beside_them_is_not_taken_for_them_when_alone():
    other = face(400, side=120)
    tracks = follow([[face(100, side=150), other]] * 8 + [[other]] * 20)
    assert tracks[-1] is None


def test_a_person_who_comes_back_elsewhere_alone_is_the_same():
    frames = [[face(100)]] * 8 + [[]] * 10 + [[face(400)]] * 8
    tracks = follow(frames)
    assert lefts(tracks[-1]) == [400] * 6


def test_no_face_at_all_is_no_track():
    assert follow([[]] * 8) == [None, None]
