import pickle

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from painlit.config import ImagesConfig
from painlit.images import build_index
from painlit.images.augment import face_square
from painlit.images.dataset import FaceImages
from painlit.images.reading import UnreadableImageError, read_image
from painlit.images.source import Record
from painlit.signals.video.crops import crop_face, face_squares
from painlit.training.datamodule import as_is
from painlit.training.sampling import Draw

BOXES = [(20, 10, 50, 48), (-6, -4, 20, 31), (40, 30, 70, 66), (10.4, 11.6, 33.3, 30.2)]


@pytest.fixture
def faces(photographs, build):
    """`faces(boxes, ...)`: a data set of images with these boxes, written by cv2 in one format."""

    def made(boxes=BOXES, ending: str = ".png", shape=(72, 96), size: int = 16, margin: float = 0.3, **images):
        source = photographs(0, has_boxes=True)
        for number, box in enumerate(boxes):
            colours = np.random.default_rng(number).integers(0, 256, (6, 8, 3), np.uint8)
            path = f"{number}{ending}"
            source.root.mkdir(exist_ok=True)
            cv2.imwrite(str(source.root / path), cv2.resize(colours, shape[::-1], interpolation=cv2.INTER_CUBIC))
            source.listed.append(Record(path, number % 2, box=box, line=10 + number if number else 0))
        index = build(source, "auto")
        return FaceImages([index], [index.labels + 5], size, margin, ImagesConfig(**images))

    return made


def drawn(*rows: int, seed: int = -1) -> list[Draw]:
    return [Draw(0, row, seed) for row in rows]


@pytest.mark.parametrize("margin", [0, 0.3])
def test_crops_are_those_of_video_frames(faces, margin: float):
    images = faces(margin=margin)
    batch = images[drawn(2, 0, 3, 1)]
    assert (batch["images"].shape, batch["images"].dtype) == ((4, 3, 16, 16), torch.uint8)
    assert (batch["label"].tolist(), batch["task"].tolist()) == ([5, 5, 6, 6], [0] * 4)
    assert (batch["label"].dtype, batch["task"].dtype, batch["unreadable"]) == (torch.int64, torch.int64, [])
    for found, row in zip(batch["images"], (2, 0, 3, 1), strict=True):
        frame = read_image(images.indices[0].path(row))
        square = face_squares(np.array([BOXES[row]], np.float32), margin)[0]
        assert np.array_equal(found.permute(1, 2, 0).numpy(), crop_face(frame, square, 16))


@pytest.mark.parametrize("own_boxes", [False, True])
@pytest.mark.parametrize("faces_from", ["whole", "detect"])
def test_images_are_upright_unless_boxes_refer_to_them_as_stored(
    photographs, build, monkeypatch, own_boxes: bool, faces_from: str
):
    seen = []

    class Detector:
        def detect(self, images):
            seen.append(images[0])
            return [np.array([[2, 3, 14, 20, 0.99]], np.float32)]

    monkeypatch.setattr(build_index, "face_detector", lambda shape, face, device: Detector())
    source = photographs(2, has_boxes=own_boxes)
    plain = read_image(source.root / "0/0000.jpg")
    exif = Image.Exif()
    exif[0x0112] = 6
    for record in source.listed:
        Image.fromarray(plain).save(source.root / record.path, "JPEG", quality=100, subsampling=0, exif=exif)
    source.listed = [record._replace(box=(2, 3, 14, 20) if own_boxes else None) for record in source.listed]
    index = build(source, "auto" if own_boxes else faces_from)
    images = FaceImages([index], [index.labels], 16, 0, ImagesConfig())
    shown = plain if own_boxes else plain.swapaxes(0, 1)[:, ::-1]
    whole = not own_boxes and faces_from == "whole"
    square = face_square(np.full(4, np.nan) if whole else np.array([2.0, 3, 14, 20]), shown.shape, 0)
    expected = crop_face(np.ascontiguousarray(shown), square, 16)
    assert np.abs(images.crop(Draw(0, 0, -1)) - expected.astype(int)).max() < 16
    assert (len(seen) > 0) == (faces_from == "detect" and not own_boxes)
    assert all(np.abs(image - shown.astype(int)).max() < 16 for image in seen)


def test_without_a_box_the_whole_image_is_in_the_crop(faces):
    images = faces([None, None], size=96)
    found = images.crop(Draw(0, 0, -1))
    assert np.array_equal(found[12:84], read_image(images.indices[0].path(0)))
    assert (found[:12] == found[12]).all()
    assert (found[84:] == found[83]).all()


@pytest.mark.parametrize(
    ("side", "reduction"), [(15, 1), (24, 1), (25, 2), (49, 2), (50, 4), (98, 4), (99, 8), (250, 8)]
)
def test_a_jpeg_is_never_decoded_smaller_than_its_crop(faces, side: int, reduction: int, monkeypatch):
    images = faces([(10, 10, 10 + side, 10 + side // 2)] * 2, ending=".jpg", shape=(300, 300))
    asked = []
    decode = images.crop.__globals__["decode"]
    monkeypatch.setitem(images.crop.__globals__, "decode", lambda *a: asked.append(a[2]) or decode(*a))
    assert images.crop(Draw(0, 0, -1)).shape == (16, 16, 3)
    assert asked == [reduction]


@pytest.mark.parametrize("offset", [0, 3, 5])
@pytest.mark.parametrize("factor", [1, 2, 4, 8])
def test_reduced_decoding_leaves_the_box_in_its_place(photographs, build, factor: int, offset: int):
    """A white face on black: the crop shows it centred, of the same size, at any reduction and odd image size."""
    side = 32 * factor
    left, top = 8 * factor + offset, 16 * factor + offset
    picture = np.zeros((top + 2 * side + offset, left + 2 * side + 1, 3), np.uint8)
    picture[top : top + side, left : left + side] = 255
    source = photographs(2, has_boxes=True)
    cv2.imwrite(str(source.root / "0/0000.jpg"), picture, [cv2.IMWRITE_JPEG_QUALITY, 98])
    source.listed[0] = Record("0/0000.jpg", 0, box=(left, top, left + side, top + side))
    index = build(source, "auto")
    images = FaceImages([index], [index.labels], 32, 1.0, ImagesConfig())
    found = images.crop(Draw(0, 0, -1))[..., 0].astype(float)
    for profile in (found.mean(0), found.mean(1)):
        assert (profile * np.arange(32)).sum() / profile.sum() == pytest.approx(
            15.5, abs=0.55
        )  # squares are of whole px
        assert profile.sum() / profile.max() == pytest.approx(16, abs=0.5)


def test_other_formats_are_decoded_whole(faces):
    images = faces([(0, 0, 200, 200)] * 2, shape=(300, 300), margin=0)
    square = np.array([0, 0, 200])
    assert np.array_equal(images.crop(Draw(0, 0, -1)), crop_face(read_image(images.indices[0].path(0)), square, 16))


def test_unreadable_images_are_named_and_left_out(faces):
    images = faces()
    index = images.indices[0]
    index.path(1).write_bytes(b"no image")
    index.path(0).unlink()
    batch = images[drawn(0, 1, 2, 1, 3)]
    assert batch["label"].tolist() == [5, 6]
    assert batch["images"].shape == (2, 3, 16, 16)
    assert torch.equal(batch["images"], images[drawn(2, 3)]["images"])
    missing, *damaged = batch["unreadable"]
    assert missing == f"{index.path(0)}: No such file or directory"
    assert damaged == [f"{index.path(1)} is no image that can be decoded (line 11 of the list)"] * 2
    with pytest.raises(UnreadableImageError):
        images.crop(Draw(0, 1, -1))


def test_a_batch_may_be_left_empty(faces):
    images = faces()
    images.indices[0].path(0).write_bytes(b"")
    batch = images[drawn(0)]
    assert batch["images"].shape == (0, 3, 16, 16)
    assert (batch["label"].shape, len(batch["unreadable"])) == ((0,), 1)


def test_augmentation_follows_from_the_seed(faces):
    images = faces()
    plain, first, again, other = (images.crop(Draw(0, 0, seed)) for seed in (-1, 7, 7, 8))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert not np.array_equal(first, plain)


def test_sets_are_numbered_by_task(faces, build, photographs):
    one = faces()
    source = photographs(4, name="others")
    index = build(source)
    images = FaceImages([*one.indices, index], [*one.labels, index.labels], 16, 0.3, ImagesConfig())
    assert len(images) == 8
    batch = images[[Draw(1, 1, -1), Draw(0, 1, -1), Draw(1, 0, -1)]]
    assert (batch["task"].tolist(), batch["label"].tolist()) == ([1, 0, 1], [1, 6, 0])
    assert torch.equal(batch["images"][1], one[drawn(1)]["images"][0])


def test_it_travels_to_another_process(faces):
    images = faces()
    other = pickle.loads(pickle.dumps(images))
    batch = images[drawn(0, 1, seed=4)]
    assert torch.equal(other[drawn(0, 1, seed=4)]["images"], batch["images"])
    assert as_is(batch) is batch
