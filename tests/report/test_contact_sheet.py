"""Which crops a preparation shows, and what of them is in the file."""

import base64
from dataclasses import replace

import cv2
import numpy as np
import pytest

from painlit.clips.clip import Clip
from painlit.config import load
from painlit.report import contact_sheet as sheets
from painlit.report.contact_sheet import box_doubts, clips_to_look_at, contact_sheet, data_uri

SETTINGS = ("clip.seconds=4", "clip.video_fps=5", "prepare.workers=2")


def pixels(image: str) -> np.ndarray:
    head, data = image.split(",")
    assert head in ("data:image/jpeg;base64", "data:image/png;base64")
    return cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR)


def looked_at(preparation) -> list:
    return clips_to_look_at(preparation.rows, preparation.clips)


def strips_of(preparation, *settings: str) -> dict:
    found = contact_sheet(load([*SETTINGS, *settings]), preparation.clips, looked_at(preparation))
    return {strip.row.name: strip for strips in found.values() for strip in strips}


def still(frames: int) -> np.ndarray:
    return np.tile(np.array([10.0, 10, 50, 50]), (frames, 1))


@pytest.mark.parametrize(("edge", "by"), [(slice(0, 4), 4), (slice(2, 4), -4), (slice(3, 4), 8)])
def test_the_most_doubtful_found_box_is_the_one_off_the_line_between_its_neighbours(edge: slice, by: float):
    boxes = still(9) + np.arange(9)[:, None]  # the head moves evenly
    boxes[5, edge] += by
    doubts = box_doubts(boxes)
    assert doubts.argmax() == 5
    assert doubts[5] == pytest.approx(abs(by) / (boxes[5, 2:] - boxes[5, :2]).max())
    assert doubts[[0, 1, 2, 7, 8]] == pytest.approx(0)


def test_of_boxes_that_were_not_found_the_farthest_from_a_found_one_is_worst():
    found = np.array([1, 0, 1, 1, 0, 0, 0, 1, 0, 1], bool)
    boxes = still(10)
    boxes[3] += 30  # a jump counts less than a face that is not there
    assert box_doubts(boxes, found).argmax() == 5
    late = np.array([1] * 6 + [0] * 4, bool)
    assert box_doubts(still(10), late).argmax() == 9
    assert box_doubts(still(1)).tolist() == [0]
    assert box_doubts(still(2), np.array([True, False])).tolist() == [0, 2]


def test_each_subject_has_its_most_doubtful_clip_and_doubtful_ones_more(preparation):
    assert looked_at(preparation)[0].name == "c"
    rows = {row.name: row for row in preparation.rows}
    rows["b"].boxes[3] += 12  # 30 % of its side
    assert [row.name for row in looked_at(preparation)] == [
        "c",
        "b",
        preparation.odd_name,
    ]
    rows["a"].boxes[3] += 9
    rows["a"].found[7] = False
    assert [row.name for row in looked_at(preparation)] == [
        "c",
        "a",
        "b",
        preparation.odd_name,
    ]


def test_the_number_of_clips_is_bounded_and_the_worst_are_among_them(preparation):
    calm = preparation.rows[0]
    rows = [replace(calm, name=f"{s}-{k}") for s in range(300) for k in range(2)]
    clips = {row.name: Clip(row.name, row.name.partition("-")[0], "NP") for row in rows}
    for row in rows[-80:]:
        object.__setattr__(row, "found", np.arange(20) != 4)
    chosen = clips_to_look_at(rows, clips)
    assert len(chosen) == sheets.MOST_SUBJECTS + sheets.MOST_MORE
    assert len({clips[row.name].subject for row in chosen}) == sheets.MOST_SUBJECTS
    assert {clips[row.name].subject for row in rows[-80:]} <= {clips[row.name].subject for row in chosen}


def test_the_first_middle_last_and_worst_frames_are_those(preparation):
    strips = strips_of(preparation)
    lost = strips["c"]
    assert [(t.role, t.frame, t.found) for t in lost.thumbnails] == [
        ("first", 1, True),
        ("middle", 11, True),
        ("last", 20, True),
        ("worst", 7, False),
    ]
    for thumbnail in lost.thumbnails:
        image = pixels(thumbnail.image)
        assert image.shape == (sheets.SIDE, sheets.SIDE, 3)
        assert image.mean() == pytest.approx(20 + 10 * (thumbnail.frame - 1), abs=4)
    assert (lost.missed, lost.frames) == (4, 20)
    assert lost.jump == pytest.approx(0.05)
    assert [t.frame for t in strips["a"].thumbnails] == [1, 11, 20, 13]
    assert "d" not in strips, "it has no boxes"


def test_a_clip_of_one_frame_is_shown_once(preparation):
    rows = [replace(r, boxes=r.boxes[:1], found=r.found[:1]) for r in preparation.rows[:1]]
    config = load(["clip.seconds=4", "clip.video_fps=5", "clip.frames=1"])
    ((strip,),) = contact_sheet(config, preparation.clips, rows).values()
    assert [(t.role, t.frame) for t in strip.thumbnails] == [("first, middle, last", 1)]
    assert pixels(strip.thumbnails[0].image).mean() == pytest.approx(120, abs=4)


@pytest.mark.parametrize("size", [8, 64, 128, 400])
def test_no_more_of_a_blurred_face_is_in_the_file_than_shows_where_it_is(size: int):
    crop = np.random.default_rng(0).integers(0, 256, (size, size, 3), np.uint8)
    blurred = pixels(data_uri(crop, "blur"))
    assert blurred.shape == (8, 8, 3)
    assert blurred.std() <= 3 + crop.std() * 8 / size, "each pixel is the mean of many"
    assert pixels(data_uri(crop, "show")).shape == crop.shape


def test_colours_stay_what_they_are():
    crop = np.zeros((32, 32, 3), np.uint8)
    crop[..., 0] = 200  # red
    for faces in ("show", "blur"):
        assert pixels(data_uri(crop, faces))[16 % 8, 0] == pytest.approx([0, 0, 200], abs=6)


def test_faces_that_are_left_out_are_not_even_decoded(preparation, monkeypatch):
    monkeypatch.setattr(sheets, "clip_crops", lambda *_: pytest.fail("decoded"))
    assert all(not strip.thumbnails for strip in strips_of(preparation, "report.faces=none").values())


@pytest.mark.parametrize("damage", ["gone", "empty", "short", "unreadable"])
def test_a_video_that_can_no_longer_be_read_has_its_reason_and_the_others_their_crops(preparation, damage: str):
    video = preparation.clips["c"].video
    if damage == "gone":
        video.unlink()
    elif damage == "unreadable":
        video.unlink()
        video.mkdir()
    else:
        video.write_bytes(b"" if damage == "empty" else video.read_bytes()[:300])
    strips = strips_of(preparation)
    assert str(video) in strips["c"].problem
    assert not strips["c"].thumbnails
    assert len(strips["a"].thumbnails) == 4
