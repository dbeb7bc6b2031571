"""Pictures that are kept as decoded read like the array that they would have been, whichever part is read."""

from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from av.filter import Graph
from av.video.frame import VideoFrame
from refusals import CLIP

from painlit.config import ClipConfig, FaceConfig
from painlit.errors import ClipError
from painlit.signals.video import rgb
from painlit.signals.video.clip_faces import clip_crops
from painlit.signals.video.decoding import open_footage, read_clip
from painlit.signals.video.key_frame_detector import KeyFrameDetector
from painlit.signals.video.pixels import Pixels, UprightPicture, UprightRgb
from painlit.signals.video.rgb import RgbConverter

PARTS = [
    (slice(0, 1), slice(0, 1)),
    (slice(3, 40), slice(5, 52)),
    (slice(16, 32), slice(16, 32)),
    (slice(None, 7), slice(33, None)),
    (slice(-9, None), slice(-17, -2)),
    (slice(20, 500), slice(40, 500)),
    (slice(None), slice(None)),
    (slice(30, 30), slice(10, 2)),
]


@pytest.fixture
def converted(monkeypatch) -> list[int]:
    """Of each conversion to RGB the number of pixels."""
    sizes: list[int] = []
    whole = RgbConverter.whole

    def counted(self, picture: VideoFrame, width: int, height: int) -> np.ndarray:
        sizes.append(width * height)
        return whole(self, picture, width, height)

    monkeypatch.setattr(RgbConverter, "whole", counted)
    rgb._exact.cache_clear()
    return sizes


def noise(kind: str, width: int = 70, height: int = 50) -> VideoFrame:
    """A picture of random bytes."""
    picture, numbers = VideoFrame(width, height, kind), np.random.default_rng(0)
    for plane in picture.planes:
        plane.update(numbers.bytes(plane.buffer_size))
    return picture


def pictures_of(video: Path) -> list[tuple[np.ndarray, Pixels]]:
    """Of a few frames all pixels at once, and the picture that is kept."""
    footage, once, later = open_footage(video, 25), UprightRgb(video), UprightRgb(video)
    frames = [frame.picture for frame in footage.frames()][:3]
    aspect = footage.claims.aspect
    made = [(once(picture, aspect), later.kept(picture, aspect)) for picture in frames]
    assert later.notes == once.notes
    return made


def assert_reads_like(picture: Pixels, array: np.ndarray) -> None:
    assert (picture.shape, picture.ndim, picture.dtype) == (array.shape, array.ndim, array.dtype)
    assert np.array_equal(np.asarray(picture), array)
    assert array.flags.c_contiguous
    assert np.array_equal(np.asarray(picture, np.float32), array)
    for rows, columns in PARTS:
        part = picture[rows, columns]
        assert part.size < 4 or part.strides[1:] == (3, 1)  # as faces are made smaller fast
        assert part.dtype == np.uint8
        assert np.array_equal(part, array[rows, columns]), (rows, columns)


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_a_turned_or_flipped_picture_reads_upright(tmp_path, write_video, textured, degrees, flip):
    def turned(stream) -> None:
        stream.set_display_rotation(degrees, hflip=flip)

    for array, picture in pictures_of(write_video(tmp_path / "a.mp4", textured[:3], prepare=turned)):
        assert isinstance(picture, UprightPicture)
        assert_reads_like(picture, array)


@pytest.mark.parametrize(
    ("name", "cut", "options"),
    [
        ("a.mp4", True, {}),
        ("a.mp4", True, {"pix_fmt": "yuv422p"}),
        ("a.mp4", False, {"pix_fmt": "yuv444p"}),
        ("a.mp4", True, {"pix_fmt": "gray"}),
        ("a.mp4", False, {"pix_fmt": "yuv420p10le"}),
        ("a.mp4", False, {"x264-params": "interlaced=1"}),
        ("a.mp4", True, {"x264-params": "colormatrix=bt709:range=pc"}),
        ("a.mp4", False, {"codec": "libx264rgb"}),
        ("a.avi", True, {"codec": "mjpeg"}),
        ("a.avi", True, {"codec": "mjpeg", "pix_fmt": "yuvj422p"}),
        ("a.mp4", True, {"codec": "mpeg4"}),
        ("a.mkv", True, {"codec": "ffv1"}),
        ("a.mov", False, {"codec": "prores_ks"}),
        ("a.gif", False, {"codec": "gif"}),
        ("a.webm", True, {"codec": "libvpx-vp9"}),
    ],
)
def test_pictures_of_every_format_read_the_same(tmp_path, write_video, textured, name, cut, options):
    for array, picture in pictures_of(write_video(tmp_path / name, textured[:3], **options)):
        assert isinstance(picture, UprightPicture) == cut
        assert_reads_like(picture, array)


@pytest.mark.parametrize("size", [(70, 51), (69, 50), (64, 50), (5, 3), (1, 1), (2, 2), (130, 200), (70, 201)])
@pytest.mark.parametrize("kind", rgb._CUT)
def test_pictures_of_every_size_read_the_same(kind, size):
    picture = noise(kind, *size)
    assert_reads_like(UprightRgb("a").kept(picture, None), UprightRgb("a")(picture, None))


@pytest.mark.parametrize("colour_range", [0, 1, 2])
@pytest.mark.parametrize("matrix", [1, 2, 5, 7, 9])
def test_colours_are_those_that_the_picture_names(matrix, colour_range):
    picture = noise("yuv420p")
    picture.colorspace, picture.color_range = matrix, colour_range
    kept = UprightRgb("a").kept(picture, None)
    assert isinstance(kept, UprightPicture)
    assert_reads_like(kept, UprightRgb("a")(picture, None))


def test_a_picture_whose_rows_are_stored_from_the_last(tmp_path):
    graph = Graph()
    source, flip, sink = (
        graph.add_buffer(width=70, height=50, format="yuv420p", time_base=Fraction(1)),
        *map(graph.add, ("vflip", "buffersink")),
    )
    graph.link_nodes(source, flip, sink).configure()
    graph.push(noise("yuv420p"))
    picture = graph.pull()
    assert picture.planes[0].line_size < 0
    array = UprightRgb("a")(noise("yuv420p"), None)
    assert_reads_like(UprightRgb("a").kept(picture, None), np.ascontiguousarray(array[::-1]))


@pytest.mark.parametrize("aspect", ["4/3", "1/2"])
def test_pixels_that_are_not_square_are_made_so(tmp_path, write_video, textured, aspect):
    def shape(stream) -> None:
        stream.codec_context.sample_aspect_ratio = Fraction(aspect)
        stream.set_display_rotation(90)

    for array, picture in pictures_of(write_video(tmp_path / "a.mp4", textured[:3], prepare=shape)):
        assert_reads_like(picture, array)


def test_pictures_that_change_size_all_have_the_first_ones():
    convert = UprightRgb("a")
    convert.kept(noise("yuv420p"), None)
    larger = noise("yuv420p", 90, 60)
    assert_reads_like(convert.kept(larger, None), convert(larger, None))
    assert convert.kept(larger, None).shape == (50, 70, 3)


@pytest.mark.parametrize("kind", rgb._CUT)
def test_little_more_is_converted_than_is_read(converted, kind):
    picture = UprightRgb("a").kept(noise(kind, 640, 480), None)
    converted.clear()
    picture[101:200, 50:151]
    assert converted == [(200 - 100) * (160 - 48)]


@pytest.mark.parametrize("part", [(slice(0, 9, 2), slice(9)), (slice(9), slice(9, 0, -1)), (slice(9),) * 3])
def test_other_ways_to_read_are_refused(part):
    with pytest.raises(IndexError, match="a slice of rows and one of columns"):
        UprightRgb("a").kept(noise("yuv420p"), None)[part]


def test_nothing_is_converted_before_it_is_read(converted):
    UprightRgb("a").kept(noise("yuv420p"), None)  # what can be cut is found out once
    converted.clear()
    UprightRgb("a").kept(noise("yuv420p"), None)
    assert converted == []


@pytest.mark.parametrize("step", ["_ROWS", "_COLUMNS"])
def test_of_a_picture_whose_parts_would_differ_the_array_is_kept(monkeypatch, step):
    rgb._exact.cache_clear()
    monkeypatch.setattr(rgb, step, 1)  # chroma of 4:2:0 is of two pixels
    kept = UprightRgb("a").kept(noise("yuv420p"), None)
    rgb._exact.cache_clear()
    assert isinstance(kept, np.ndarray)
    assert np.array_equal(kept, UprightRgb("a")(noise("yuv420p"), None))


def test_threads_read_one_picture_at_once_and_leave_it_as_it_was():
    picture = noise("yuv420p", 320, 240)
    picture.color_trc, picture.colorspace = 16, 1  # PQ, which libswscale is not to look at
    kept, array = UprightRgb("a").kept(picture, None), UprightRgb("a")(picture, None)

    def read(number: int) -> bool:
        if number % 2:
            return np.array_equal(np.asarray(kept), array)
        return np.array_equal(kept[number : number + 50, 100:150], array[number : number + 50, 100:150])

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(read, range(150)))
    assert (picture.color_trc, picture.colorspace) == (16, 1)


@pytest.mark.parametrize(("kind", "matrix"), [("y210be", 2), ("yuv420p", 3), ("yuv422p", 8)])
def test_what_cannot_be_converted_is_refused(kind, matrix):
    picture = noise(kind, 64, 48)
    picture.colorspace = matrix
    with pytest.raises(ClipError, match=rf"a\.mp4: pixels of the format {kind} cannot be converted"):
        UprightRgb("a.mp4").kept(picture, None)


def test_a_clip_is_read_by_parts_as_it_is_read_whole(tmp_path, write_video, textured):
    path = write_video(tmp_path / "a.mp4", textured[:29], prepare=lambda stream: stream.set_display_rotation(90))
    whole, kept = read_clip(path, CLIP), read_clip(path, CLIP)
    for array, picture in zip(whole, kept.kept(), strict=True):
        assert isinstance(picture, UprightPicture)
        assert_reads_like(picture, array)
    assert (kept.times, kept.notes) == (whole.times, whole.notes)
    assert len(kept.notes) == 2  # turned, and padded with the last frame


def test_of_a_clip_only_the_crops_that_are_wanted_are_converted(tmp_path, write_video, textured, converted):
    path, face = write_video(tmp_path / "a.mp4", textured[:30]), FaceConfig(smooth=0, margin=0)
    boxes = np.tile([35, 21, 75, 61], (30, 1))
    every = list(clip_crops(path, boxes, CLIP, face, 40))  # what can be cut is found out once
    converted.clear()
    some = list(clip_crops(path, boxes, CLIP, face, 40, positions=[3, 20]))
    assert converted == [(80 - 32) * (62 - 20)] * 2
    assert np.array_equal(some, [every[3], every[20]])
    assert np.array_equal(every, [frame[21:61, 35:75] for frame in read_clip(path, CLIP)])


def test_the_faces_of_a_clip_are_those_of_arrays_and_pictures_are_whole_at_key_frames_alone(
    shared_data, converted, monkeypatch
):
    batches: list[int] = []  # of the whole cascade; threads append to it
    cascade = KeyFrameDetector._detect_batch

    def counted(self, frames: list[np.ndarray]):
        batches.append(len(frames))
        return cascade(self, frames)

    monkeypatch.setattr(KeyFrameDetector, "_detect_batch", counted)
    reader, detector = read_clip(shared_data / "videos/lbax4n.mpg", ClipConfig(seconds=2)), KeyFrameDetector(60)
    pictures, arrays = list(reader.kept()), list(reader)
    converted.clear()
    found = detector.detect(pictures)
    assert 0 < converted.count(288 * 360) == sum(batches) < len(pictures) / 4
    assert len(converted) > len(pictures) / 3
    assert all(np.array_equal(a, b) for a, b in zip(found, detector.detect(arrays), strict=True))
