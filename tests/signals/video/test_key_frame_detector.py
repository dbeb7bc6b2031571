"""Faces followed between key frames: agreement with the cascade, how often it is needed, what must not be missed."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torchvision.ops import box_iou

from painlit.config import ClipConfig, FaceConfig
from painlit.signals.video.clip_faces import clip_faces
from painlit.signals.video.decoding import read_clip
from painlit.signals.video.face_detector import FaceDetector, Faces
from painlit.signals.video.face_track import track_face
from painlit.signals.video.key_frame_detector import KeyFrameDetector
from painlit.signals.video.mtcnn_sampler import AreaSampler, FrameCrops

SMALLEST = 60  # px
SHAPE = (240, 360, 3)
Frames = list[np.ndarray]


@pytest.fixture(scope="module")
def cascade() -> FaceDetector:
    return FaceDetector(SMALLEST)


class Counted(KeyFrameDetector):
    """Counts the frames that the whole cascade sees."""

    def __init__(self, *given):
        super().__init__(*given)
        self.batches: list[int] = []  # which threads append to

    def _detect_batch(self, frames: list[np.ndarray]):
        self.batches.append(len(frames))
        return super()._detect_batch(frames)

    @property
    def whole(self) -> int:
        return sum(self.batches)


@pytest.fixture
def detector() -> Counted:
    return Counted(SMALLEST)


@pytest.fixture(scope="module")
def speakers(shared_data: Path) -> list[Frames]:
    """Two people who speak, 50 frames each of 288 x 360 px."""
    return [list(read_clip(shared_data / f"videos/{name}.mpg", ClipConfig(seconds=2))) for name in ("lbax4n", "sbwe5n")]


def placed(speaker: np.ndarray, x: float, y: float = 120, beside: np.ndarray | None = None) -> np.ndarray:
    """A frame with the middle of a speaker's face at x, y in px, at half its size, on grey or in another frame."""
    frame = np.full(SHAPE, 110, np.uint8) if beside is None else beside.copy()
    move = np.array([[0.5, 0, x - 0.5 * 180], [0, 0.5, y - 0.5 * 170]])
    size = SHAPE[1::-1]
    there = cv2.warpAffine(np.full(speaker.shape[:2], 255, np.uint8), move, size, flags=cv2.INTER_NEAREST) > 0
    frame[there] = cv2.warpAffine(speaker, move, size)[there]
    return frame


def overlaps(found: Sequence[np.ndarray], expected: Sequence[np.ndarray]) -> np.ndarray:
    """IoU of each expected box with the best of those found, all frames after each other."""
    best = []
    for ours, theirs in zip(found, expected, strict=True):
        assert len(ours) == len(theirs)
        if len(theirs):
            best += box_iou(*(torch.from_numpy(boxes[:, :4]) for boxes in (theirs, ours))).amax(1).tolist()
    return np.array(best)


def test_follows_speakers_as_the_cascade_finds_them(detector: Counted, cascade: FaceDetector, speakers: list[Frames]):
    for frames in speakers:
        detector.batches.clear()
        found = list(detector.detect_faces(iter(frames)))
        assert detector.whole <= 8  # 0, 11, 23, 35, 47 and 49, and a little more
        expected = list(cascade.detect_faces(frames))
        agree = overlaps([faces.boxes for faces in found], [faces.boxes for faces in expected])
        assert (agree >= 0.9).mean() >= 0.9
        assert agree.min() > 0.8
        for ours, theirs in zip(found, expected, strict=True):
            side = np.ptp(theirs.boxes[0, [0, 2]])
            np.testing.assert_allclose(ours.landmarks, theirs.landmarks, atol=0.1 * side)
            assert ours.boxes.dtype == ours.landmarks.dtype == np.float32


def test_follows_a_face_that_moves(detector: Counted, cascade: FaceDetector, speakers: list[Frames]):
    frames = [placed(speakers[0][k], 80 + 4 * k) for k in range(50)]
    agree = overlaps(detector.detect(frames), cascade.detect(frames))
    assert agree.min() > 0.85
    assert detector.whole < 20


def test_jumps_are_left_to_the_cascade(detector: Counted, cascade: FaceDetector, speakers: list[Frames]):
    frames = [placed(speakers[0][k], 180 + 90 * np.sin(k * np.pi / 2)) for k in range(20)]
    assert overlaps(detector.detect(frames), cascade.detect(frames)).min() > 0.8
    assert detector.whole > 15


@pytest.mark.parametrize("away", [range(3, 30), range(14, 18)], ids=["across key frames", "between two"])
def test_another_scene(detector: Counted, cascade: FaceDetector, speakers: list[Frames], away: range):
    ours, other = speakers
    frames = [placed(other[k], 270) if k in away else placed(ours[k], 90) for k in range(36)]
    assert overlaps(detector.detect(frames), cascade.detect(frames)).min() > 0.8
    assert detector.whole < 20


@pytest.mark.parametrize("dark", [range(5, 7), range(10, 40)], ids=["two frames", "longer than a key interval"])
def test_a_face_is_lost_and_found_again(detector: Counted, speakers: list[Frames], dark: range):
    frames = [np.zeros(SHAPE, np.uint8) if k in dark else placed(speakers[0][k], 180) for k in range(45)]
    assert [k for k, boxes in enumerate(detector.detect(frames)) if not len(boxes)] == list(dark)


def test_a_second_person_enters_and_the_track_keeps_the_first(
    detector: Counted, cascade: FaceDetector, speakers: list[Frames]
):
    frames = [placed(image, 100) for image in speakers[0]]
    frames[21:] = [placed(speakers[1][k], 270, 110, beside=frames[k]) for k in range(21, 50)]
    found, expected = detector.detect(frames), cascade.detect(frames)
    assert [len(boxes) for boxes in found] == [1] * 21 + [2] * 29
    assert overlaps(found, expected).min() > 0.8
    assert all((np.diff(boxes[:, 4]) <= 0).all() for boxes in found)
    ours, theirs = track_face(found, SHAPE), track_face(expected, SHAPE)
    assert ours.found.all()
    assert box_iou(*(torch.from_numpy(track.boxes) for track in (ours, theirs))).diagonal().min() > 0.8


def test_reads_a_stream_piece_by_piece_and_sees_no_key_frame_twice(detector: Counted, speakers: list[Frames]):
    read = []

    def stream():
        for k in range(200):
            read.append(k)
            yield speakers[0][0]

    faces = detector.detect_faces(stream())
    next(faces)
    assert len(read) == 48
    assert sum(1 for _ in faces) == 199
    assert detector.whole == 1 + 200 // 12 + 1  # the first, each 12th and the last


def test_a_list_gives_what_a_stream_gives_and_each_thread_a_share_of_its_key_frames(
    detector: Counted, speakers: list[Frames], request: pytest.FixtureRequest
):
    frames = [*speakers[0], *speakers[1], *speakers[0]]  # 14 key frames, and those about the two cuts
    expected = list(detector.detect_faces(iter(frames)))
    whole = detector.whole
    request.addfinalizer(partial(torch.set_num_threads, torch.get_num_threads()))
    for threads, shares in ((1, [7, 7]), (3, [4, 5, 5]), (9, [2] * 7)):
        detector.batches.clear()
        torch.set_num_threads(threads)
        found = list(detector.detect_faces(frames))
        assert sorted(detector.batches[: len(shares)]) == shares
        assert detector.whole == whole
        for ours, theirs in zip(found, expected, strict=True):
            np.testing.assert_allclose(ours.boxes, theirs.boxes, atol=1e-3)
            np.testing.assert_allclose(ours.landmarks, theirs.landmarks, atol=1e-3)


def test_few_frames_are_the_cascades(detector: Counted, cascade: FaceDetector, speakers: list[Frames]):
    for frames in ([], speakers[0][:1], speakers[0][:2]):
        for ours, theirs in zip(detector.detect(frames), cascade.detect(frames), strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_frames_of_several_sizes_are_refused(detector: Counted, speakers: list[Frames]):
    frames = speakers[0][:5]
    with pytest.raises(ValueError, match="differ in size"):
        detector.detect([*frames[:2], frames[2][:-1], *frames[3:]])


def test_crops_are_the_area_samplers(speakers: list[Frames]):
    frames, cpu = [people[0] for people in speakers], torch.device("cpu")
    index, corners = torch.tensor([1, 0, 0]), torch.tensor([[100, 90, 196, 186], [3, 5, 147, 149], [264, 0, 360, 96]])
    samplers = FrameCrops(frames, cpu), AreaSampler(frames, cpu)
    ours, theirs = (sampler.crops(index, corners, 48) for sampler in samplers)
    torch.testing.assert_close(ours, theirs, atol=0.51 / 128, rtol=0)  # a rounded grey level


def test_the_setting_chooses(shared_data: Path, monkeypatch: pytest.MonkeyPatch):
    seen: list[str] = []

    def recorded(kind: type[FaceDetector]) -> Callable[..., FaceDetector]:
        return lambda **given: seen.append(kind.__name__) or kind(**given)

    video, clip = shared_data / "videos/lbax4n.mpg", ClipConfig(seconds=1, frames=3)
    kinds = {"every_frame": recorded(FaceDetector), "key_frames": recorded(KeyFrameDetector)}
    monkeypatch.setattr("painlit.signals.video.clip_faces.DETECTORS", kinds)
    tracks = [clip_faces(video, clip, FaceConfig(detection=kind, min_face=0.31), "cpu")[0] for kind in kinds]
    assert seen == ["FaceDetector", "KeyFrameDetector"]
    assert tracks[0].found.all()
    assert tracks[1].found.all()
    assert not np.array_equal(tracks[0].boxes[1], tracks[1].boxes[1])


class MadeUp(KeyFrameDetector):
    """Networks that know where the faces are: frame k is filled with k, and `faces[k]` (n, 5) are in it."""

    def __init__(self, faces: Sequence[np.ndarray]):
        super().__init__(SMALLEST)
        self.faces, self.keys = faces, []

    @property
    def frames(self) -> Frames:
        return [np.full((8, 8, 3), k, np.uint8) for k in range(len(self.faces))]

    def _detect_batch(self, frames):
        self.keys += [int(frame[0, 0, 0]) for frame in frames]
        return [
            Faces(self.faces[k], np.zeros((len(self.faces[k]), 5, 2), np.float32)) for k in self.keys[-len(frames) :]
        ]

    def _finish(self, sampler, index, boxes):
        """The face that overlaps each box most; without one, the box itself and a score of 0."""
        found, scores = boxes.clone(), torch.zeros(len(boxes))
        for at, (frame, box) in enumerate(zip(index.tolist(), boxes, strict=True)):
            faces = torch.from_numpy(self.faces[int(sampler.frames[frame][0, 0, 0])])
            overlap = box_iou(box[None], faces[:, :4])[0]
            if len(faces) and overlap.max() > 0.1:
                found[at], scores[at] = faces[overlap.argmax(), :4], faces[overlap.argmax(), 4]
        return found, scores, found[:, None, :2].expand(-1, 5, 2)


def face(x: float, score: float = 1.0, side: float = 40) -> list[float]:
    return [x, 10, x + side, 10 + side, score]


def array(*faces: list[float]) -> np.ndarray:
    return np.array(faces, np.float32).reshape(-1, 5)


@pytest.mark.parametrize("count", [1, 2, 11, 12, 13, 48, 49, 50, 97])
def test_key_frames_of_a_still_face(count: int):
    detector = MadeUp([array(face(20))] * count)
    found = detector.detect(iter(detector.frames))
    assert detector.keys == sorted({0, *range(11, count, 12), *range(47, count, 48), count - 1})
    np.testing.assert_allclose(found, detector.faces, atol=1e-4)


def test_the_mean_of_the_straight_line_and_the_last_networks_box():
    """Of two faces, each with its own partner in the other key frame; the better score is first."""
    first, last = array(face(0), face(100, 0.95)), array(face(104), face(8, 0.95))
    between = [array(face(2 * k + 3, 0.95), face(100 + k + 3, 0.99)) for k in (1, 2, 3)]  # 3 px beside the line
    detector = MadeUp([first, *between, last])
    found = list(detector.detect_faces(detector.frames))
    assert detector.keys == [0, 4]
    for k, boxes, marks in (
        (1, array(face(2.5, 0.975), face(101.5, 0.97)), [3.5, 52.5]),  # halfway; landmarks of key frames are 0 here
        (2, array(face(103, 0.99), face(5, 0.95)), [105, 7]),
        (3, array(face(103.5, 0.995), face(6.5, 0.95)), [52.5, 3.5]),
    ):
        np.testing.assert_allclose(found[k].boxes, boxes, atol=1e-4)
        np.testing.assert_allclose(found[k].landmarks[:, 0, 0], marks)


@pytest.mark.parametrize(("beside", "keys"), [(3, [0, 4]), (6, [0, 4, 2])], ids=["IoU 0.86", "IoU 0.74"])
def test_the_last_network_must_agree_with_the_line(beside: float, keys: list[int]):
    detector = MadeUp([array(face(20 + beside * (k == 2))) for k in range(5)])
    boxes = detector.detect(detector.frames)
    assert detector.keys[:3] == keys
    assert boxes[2][0, 0] == pytest.approx(21 if beside == 3 else 26)


@pytest.mark.parametrize(("to", "keys"), [(10, [0, 2]), (16, [0, 2, 1])], ids=["IoU 0.6", "IoU 0.43"])
def test_a_face_in_two_key_frames_must_overlap(to: float, keys: list[int]):
    detector = MadeUp([array(face(0)), array(face(to / 2)), array(face(to))])
    detector.detect(detector.frames)
    assert detector.keys == keys


def test_two_faces_are_no_one_face():
    """Whose boxes both overlap one of those in the other key frame most."""
    detector = MadeUp([array(face(0), face(6)), array(face(3), face(200)), array(face(3), face(200))])
    detector.detect(detector.frames)
    assert detector.keys == [0, 2, 1]


@pytest.mark.parametrize(("score", "followed"), [(0.95, 3), (0.85, 0)])
def test_a_face_that_the_last_network_doubts_is_not_followed(monkeypatch, score, followed):
    detector = KeyFrameDetector(20)
    face = Faces(np.array([[10, 10, 50, 50, 1.0]], np.float32), np.zeros((1, 5, 2), np.float32))

    def finish(sampler, index, boxes):
        return boxes, torch.full((len(boxes),), score), torch.zeros(len(boxes), 5, 2)

    monkeypatch.setattr(detector, "_finish", finish)
    frames = [np.zeros((64, 64, 3), np.uint8)] * 3
    assert len(detector._follow((frames, face, face))) == followed
