"""A teacher's outputs: fed as it wants, whitened, of the same face as the student's crop."""

import pickle

import numpy as np
import pytest
import torch
from made_up_teacher import SIZE, write_teacher

from painlit.config import ImagesConfig, load
from painlit.config.pretraining import TeacherConfig
from painlit.errors import PainlitError
from painlit.images.augment import augmented_crop, is_mirrored
from painlit.images.dataset import FaceImages
from painlit.images.teacher import Teacher, fit_targets
from painlit.training.sampling import Draw


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return str(write_teacher(tmp_path_factory.mktemp("teacher") / "quarters.onnx"))


def noise(seed: int, side: int = 40) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3), np.uint8)


def quarters(crop: np.ndarray) -> np.ndarray:
    """What the teacher gives: of each colour, the means of upper left, upper right, lower left and lower right."""
    half = len(crop) // 2
    return crop.reshape(2, half, 2, half, 3).mean((1, 3)).transpose(2, 0, 1).ravel()


def test_colours_are_scaled_and_in_the_order_of_rgb(file):
    crop = noise(0, SIZE)
    mean, std = [0.1, 0.2, 0.3], [0.5, 0.25, 2.0]
    found = Teacher(TeacherConfig(file=file, size=SIZE, mean=mean, std=std)).outputs(crop)
    expected = (quarters(crop / 255).reshape(3, 4) - np.array(mean)[:, None]) / np.array(std)[:, None]
    assert found.dtype == np.float32
    assert found == pytest.approx(expected.ravel(), abs=1e-5)


def test_it_sees_the_face_with_its_own_margin_and_mirrored_where_the_student_does(file):
    image = noise(1)
    teacher = Teacher(TeacherConfig(file=file, size=SIZE, margin=1.0))
    box = np.array([16, 16, 20, 20], float)  # a square of 8 px with this margin
    face = image[14:22, 14:22] / 255
    assert teacher.of_face(image, box, mirrored=False) == pytest.approx(quarters(face), abs=1e-5)
    assert teacher.of_face(image, box, mirrored=True) == pytest.approx(quarters(face[:, ::-1]), abs=1e-5)


def test_targets_are_uncorrelated_with_a_variance_of_one_largest_first(file):
    teacher = Teacher(TeacherConfig(file=file, size=SIZE, components=5))
    outputs = [teacher.outputs(noise(k, SIZE)) for k in range(200)]
    targets = fit_targets(teacher, outputs)
    projected = np.array([(values - targets.mean) @ targets.axes for values in outputs])
    assert targets.size == 5
    assert np.cov(projected.T, bias=True) == pytest.approx(np.eye(5), abs=1e-3)
    variances = np.sort(np.linalg.eigvalsh(np.cov(np.array(outputs).T, bias=True)))[::-1][:5]
    assert 1 / np.linalg.norm(targets.axes, axis=0) ** 2 == pytest.approx(variances, rel=1e-3)


def test_no_more_components_than_the_outputs_have(file):
    teacher = Teacher(TeacherConfig(file=file, size=SIZE, components=30))
    assert fit_targets(teacher, [teacher.outputs(noise(k, SIZE)) for k in range(50)]).size == 12
    assert fit_targets(teacher, [teacher.outputs(noise(k, SIZE)) for k in range(4)]).size == 3


def test_a_batch_has_the_targets_of_its_faces(photographs, build, file):
    source = photographs(6)
    index = build(source, "whole")
    teacher = Teacher(TeacherConfig(file=file, size=SIZE, components=3))
    config = ImagesConfig(shift=0.2, rotation=90)
    plain = FaceImages([index], [index.labels], 16, 0, config)
    targets = fit_targets(teacher, [teacher.of_face(*plain.image(Draw(0, row, -1)), False) for row in range(6)])
    images = pickle.loads(pickle.dumps(FaceImages([index], [index.labels], 16, 0, config, targets)))  # as to a worker
    seeds = [*range(-20, 20)]
    draws = [Draw(0, row, seed) for row in (4, 1) for seed in seeds]
    batch, again = images[draws], images[draws]
    assert torch.equal(batch["images"], plain[draws]["images"])
    assert torch.equal(batch["teacher"], again["teacher"])
    mirrored = [seed >= 0 and is_mirrored(config, seed) for seed in seeds]
    assert {True, False} == set(mirrored)
    for k, (row, turned) in enumerate((row, turned) for row in (4, 1) for turned in mirrored):
        expected = targets.of_face(*plain.image(Draw(0, row, -1)), turned)
        assert batch["teacher"][k].numpy() == pytest.approx(expected, abs=1e-6)
    assert images[[]]["teacher"].shape == (0, 3)


def test_mirrored_is_what_the_crop_is():
    image, square = noise(3), np.array([0, 0, 40])
    still = ImagesConfig(shift=0, scale=0, rotation=0, light=0)
    for seed in range(20):
        crop = augmented_crop(image, square, 40, still, seed)
        assert np.array_equal(crop, image[:, ::-1] if is_mirrored(still, seed) else image)
    assert not any(is_mirrored(ImagesConfig(flip=False), seed) for seed in range(20))


def test_what_cannot_teach_is_refused_by_name(file, tmp_path):
    with pytest.raises(PainlitError, match=r"nothing\.onnx is no file"):
        Teacher(TeacherConfig(file=str(tmp_path / "nothing.onnx")))
    with pytest.raises(PainlitError, match=r"weights\.pt is no file that ends in \.onnx or \.tflite"):
        Teacher(TeacherConfig(file=str(tmp_path / "weights.pt")))
    (tmp_path / "broken.onnx").write_bytes(b"no network")
    with pytest.raises(PainlitError, match=r"broken\.onnx cannot be run on 8 x 8 px"):
        Teacher(TeacherConfig(file=str(tmp_path / "broken.onnx"), size=8))
    with pytest.raises(PainlitError, match="cannot be run"):
        Teacher(TeacherConfig(file=file, size=SIZE, output="no such layer"))
    silent = Teacher(TeacherConfig(file=str(write_teacher(tmp_path / "silent.onnx", constant=True)), size=SIZE))
    with pytest.raises(PainlitError, match="gives the same outputs for all 9 images"):
        fit_targets(silent, [silent.outputs(noise(k, SIZE)) for k in range(9)])


def test_another_file_in_its_place_is_noticed_by_whoever_reads_it(tmp_path):
    path = write_teacher(tmp_path / "quarters.onnx")
    teacher = pickle.loads(pickle.dumps(Teacher(TeacherConfig(file=str(path), size=SIZE))))
    write_teacher(path, constant=True)
    with pytest.raises(PainlitError, match=r"quarters\.onnx was replaced during the training"):
        teacher.outputs(noise(0, SIZE))
    path.unlink()
    with pytest.raises(PainlitError, match="No such file"):
        teacher.outputs(noise(0, SIZE))


def test_outputs_of_no_or_another_number_are_refused(file, monkeypatch):
    teacher = Teacher(TeacherConfig(file=file, size=SIZE))
    for outputs in ([], [np.zeros(12), np.zeros(11)], [np.zeros(11)]):
        with pytest.raises(PainlitError, match="gave no 12 values of each"):
            fit_targets(teacher, outputs)
    monkeypatch.setattr("painlit.images.teacher.MOST_VALUES", 11)
    with pytest.raises(PainlitError, match="gives 12 values, more than 11"):
        Teacher(TeacherConfig(file=file, size=SIZE))


@pytest.mark.parametrize("bad", ["size=0", "components=0", "std=[1,1,0]", "mean=[0,0]", "margin=-2"])
def test_settings_that_make_no_sense_are_refused(bad: str):
    with pytest.raises(PainlitError, match=r"stage2\.teacher\." + bad.partition("=")[0]):
        load([f"stage2.teacher.{bad}"])


def test_photographs_without_labels_need_a_teacher():
    with pytest.raises(PainlitError, match=r"stage2\.unlabelled=\['x'\] without a teacher"):
        load(["stage2.unlabelled=[x]"])
