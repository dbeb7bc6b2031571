from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from data_modules.photographs.identities import BOX_COLUMNS, IdentityTree
from painlit.config import ImagesConfig, load
from painlit.images.augment import augmented_crop, face_square
from painlit.images.build_index import open_index
from painlit.images.dataset import FaceImages
from painlit.images.reading import read_image
from painlit.signals.video.crops import crop_face, face_squares
from painlit.training.sampling import Draw, MixedBatches

STILL = ImagesConfig(workers=0, flip=False, shift=0, scale=0, rotation=0, light=0)


@pytest.fixture
def photograph() -> np.ndarray:
    y, x = np.mgrid[0:120, 0:160]
    return np.stack([x, 2 * y, 255 - x], axis=-1).clip(0, 255).astype(np.uint8)


def test_all_changes_off_is_the_crop_of_a_video_frame(photograph):
    square = face_squares(np.array([[40.0, 30, 90, 100]]), 0.3)[0]
    assert np.array_equal(face_square(np.array([40.0, 30, 90, 100]), photograph.shape, 0.3), square)
    expected = crop_face(photograph, square, 64)
    assert np.array_equal(augmented_crop(photograph, square, 64, STILL, 5), expected)


def test_changes_follow_from_the_seed_alone(photograph):
    square = face_square(np.array([40.0, 30, 90, 100]), photograph.shape, 0.3)
    changes = ImagesConfig(grey=0.5, erase=0.5)
    first = [augmented_crop(photograph, square, 64, changes, seed) for seed in range(6)]
    assert all(np.array_equal(a, augmented_crop(photograph, square, 64, changes, seed)) for seed, a in enumerate(first))
    assert not any(np.array_equal(a, b) for a, b in pairwise(first))


def test_erasing_paints_one_rectangle(photograph):
    square = face_square(np.full(4, np.nan), photograph.shape, 0.3)
    plain = augmented_crop(photograph, square, 64, STILL, 1)
    erased = replace(STILL, erase=1)
    for seed in range(20):
        painted = augmented_crop(photograph, square, 64, erased, seed)
        rows, columns = np.nonzero((painted != plain).any(-1))
        inside = painted[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
        assert len(np.unique(inside)) == 1
        assert 0.05 * 64 < len(inside) <= 0.5 * 64
        assert photograph.max() > 0


def test_a_mirrored_crop_is_the_plain_one_reversed(photograph):
    square = face_square(np.array([40.0, 30, 90, 100]), photograph.shape, 0.0)
    flips = replace(STILL, flip=True)
    plain = augmented_crop(photograph, square, 32, STILL, 0)
    found = [np.array_equal(augmented_crop(photograph, square, 32, flips, s), plain[:, ::-1]) for s in range(200)]
    assert 60 < sum(found) < 140


def test_a_scaled_crop_stays_about_its_centre(photograph):
    square = np.array([50, 20, 60])  # colours are linear there, so their mean gives where the crop is
    plain = augmented_crop(photograph, square, 64, STILL, 0).mean((0, 1))
    scales = replace(STILL, scale=0.3)
    crops = [augmented_crop(photograph, square, 64, scales, seed) for seed in range(10)]
    assert np.ptp([np.ptp(crop[..., 0]) for crop in crops]) > 5, "they are of several sizes"
    assert np.abs([crop.mean((0, 1)) - plain for crop in crops]).max() < 2


@pytest.fixture
def faces(tmp_path: Path, photograph) -> FaceImages:
    root = tmp_path / "VGGFace2"
    big = cv2.resize(photograph, (1280, 960))
    rows = []
    for image in range(3):
        path = root / "train" / "n000001" / f"{image:04d}_01.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), big[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])
        rows.append(f"n000001/{image:04d}_01,320,240,400,560")
    (root / "bb_landmark").mkdir()
    (root / "bb_landmark" / "loose_bb_train.csv").write_text("\n".join([BOX_COLUMNS, *rows]) + "\n")
    index = open_index(IdentityTree(root), tmp_path / "index", "auto", load().face)
    return FaceImages([index], [index.labels], 64, 0.3, STILL)


def test_a_reduced_jpeg_gives_the_crop_of_the_whole_one(faces: FaceImages):
    index = faces.indices[0]
    whole = read_image(index.path(0))
    expected = crop_face(whole, face_square(np.asarray(index.boxes[0], float), whole.shape, 0.3), 64)
    found = faces.crop(Draw(0, 0, -1))
    assert np.abs(found.astype(int) - expected).mean() < 3


def test_a_batch_leaves_out_what_cannot_be_read_and_says_so(faces: FaceImages):
    path = faces.indices[0].path(1)
    path.write_bytes(path.read_bytes()[:-100])
    batch = faces[[Draw(0, 0, -1), Draw(0, 1, 7), Draw(0, 2, 7)]]
    assert batch["images"].shape == (2, 3, 64, 64)
    assert batch["label"].tolist() == [0, 0]
    assert batch["unreadable"] == [f"{path} is a JPEG cut short (line 3 of the list)"]
    nothing = faces[[Draw(0, 1, 7)]]
    assert nothing["images"].shape == (0, 3, 64, 64)


def test_a_photograph_is_augmented_otherwise_in_each_epoch_and_the_same_when_an_epoch_is_repeated(faces: FaceImages):
    changing = FaceImages(faces.indices, faces.labels, 64, 0.3, ImagesConfig(workers=0))
    draws = MixedBatches([np.arange(3)], [np.zeros(3, int)], 3, balanced=False, seed=1)

    def crops(epoch: int) -> list[bytes]:  # of three copies of one photograph
        draws.set_epoch(epoch)
        return [crop.numpy().tobytes() for batch in draws for crop in changing[batch]["images"]]

    second = crops(1)
    assert len({*crops(0), *second, *crops(2)}) == 9
    assert crops(1) == second
