import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torchvision.ops import box_iou

from experiments.bench.faces import compare_with_reference, recall_on_photographs
from painlit.config import ClipConfig
from painlit.signals.video import mtcnn_sampler
from painlit.signals.video.decoding import read_clip
from painlit.signals.video.face_detector import FaceDetector


@pytest.fixture(scope="module")
def detector() -> FaceDetector:
    return FaceDetector()


@pytest.fixture
def frames(shared_data: Path) -> np.ndarray:
    return np.stack(list(read_clip(shared_data / "videos" / "lbax4n.mpg", ClipConfig(seconds=1)))[:11:5])


def test_agrees_with_an_independent_implementation(detector: FaceDetector, shared_data: Path):
    some = ("faces/boxes", "videos/sbwe5n.mpg", "faces/london/smiling/0")
    parity = compare_with_reference(detector, shared_data, lambda name: name.startswith(some))
    assert parity.boxes >= 25
    assert parity.found == parity.boxes
    assert parity.mean_iou > 0.999
    assert parity.extra == 0


def test_landmarks_agree_too(detector: FaceDetector, shared_data: Path):
    name = "faces/boxes/2008_001322.jpg"
    expected = json.loads((shared_data / "reference" / "mtcnn_boxes.json").read_text())["detections"][name]
    photograph = cv2.cvtColor(cv2.imread(str(shared_data / name)), cv2.COLOR_BGR2RGB)
    (faces,) = detector.detect_faces([photograph])
    for face in expected:
        nearest = np.abs(faces.boxes[:, :4] - face["box"]).sum(1).argmin()
        np.testing.assert_allclose(faces.landmarks[nearest], face["landmarks"], atol=0.1)
        assert faces.boxes[nearest, 4] == pytest.approx(face["score"], abs=1e-4)


def test_finds_the_annotated_faces(detector: FaceDetector, shared_data: Path):
    recall = recall_on_photographs(detector, shared_data)
    assert recall.faces == 18
    assert recall.found >= 16


def test_a_batch_gives_what_frames_give_one_by_one(detector: FaceDetector, frames: np.ndarray):
    batched = detector.detect(frames)
    assert len(batched) == 3
    for boxes, frame in zip(batched, frames, strict=True):
        (alone,) = detector.detect([frame])
        assert boxes.dtype == np.float32
        assert boxes.shape == alone.shape == (1, 5)
        np.testing.assert_allclose(boxes, alone, atol=1e-2)


def test_takes_a_stream_and_reads_it_only_as_far_as_needed(frames: np.ndarray):
    read = []

    def stream():
        for index in range(50):
            read.append(index)
            yield frames[0]

    next(FaceDetector(min_face_size=60, batch_frames=2).detect_faces(stream()))
    assert len(read) == 2


def test_batches_take_turns_in_the_same_memory(frames: np.ndarray, monkeypatch: pytest.MonkeyPatch):
    rooms: list[np.ndarray] = []
    monkeypatch.setattr(mtcnn_sampler, "_rooms", rooms)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    detector, seen = FaceDetector(min_face_size=60, batch_frames=1), []
    for _ in detector.detect_faces([frames[0]] * 3):
        seen += rooms
    assert len(rooms) == 1
    assert all(room is rooms[0] for room in seen)


def test_relative_minimum_finds_the_one_near_face(frames: np.ndarray, detector: FaceDetector):
    for near, full in zip(FaceDetector(min_face_size=None).detect(frames), detector.detect(frames), strict=True):
        assert near.shape == (1, 5)
        assert box_iou(torch.from_numpy(near[:, :4]), torch.from_numpy(full[:, :4])).item() > 0.8


def test_pictures_without_a_face_and_too_small_for_one(detector: FaceDetector):
    noise = np.random.default_rng(0).integers(0, 256, (2, 60, 80, 3), np.uint8)
    for frames in (noise, noise[:, :10, :10], np.zeros((1, 40, 40, 3), np.uint8)):
        for faces in detector.detect_faces(frames):
            assert faces.boxes.shape == (0, 5)
            assert faces.landmarks.shape == (0, 5, 2)
    assert detector.detect([]) == []


def test_what_is_not_a_frame_is_refused(detector: FaceDetector):
    with pytest.raises(ValueError, match="must be uint8"):
        detector.detect(np.zeros((1, 40, 40, 3), np.float32))
    with pytest.raises(ValueError, match="must be uint8"):
        detector.detect(np.zeros((40, 40, 3), np.uint8))  # one frame without its axis
    with pytest.raises(ValueError, match="differ in size"):
        detector.detect([np.zeros((40, 40, 3), np.uint8), np.zeros((41, 40, 3), np.uint8)])
    with pytest.raises(ValueError, match="min_face_size"):
        FaceDetector(min_face_size=5)


def test_device_is_honoured():
    detector = FaceDetector(device="meta")
    assert all(p.is_meta for net in (detector.pnet, detector.rnet, detector.onet) for p in net.parameters())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_gpu_gives_the_same_boxes(frames: np.ndarray, detector: FaceDetector):
    for ours, theirs in zip(FaceDetector(device="cuda").detect(frames), detector.detect(frames), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=0.1)
