"""Recordings of every kind that may be given, each assessed or refused by name; with random weights."""

import shutil
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pandas as pd
import pytest
import torch
from inference_runs import tiny_config

import painlit
from data_modules.demo.clips import make_recording
from painlit.clips.embedded_frames import EmbeddedFrames
from painlit.config import EmbedConfig
from painlit.errors import ClipError, PainlitError
from painlit.inference.bundles.bundle import Bundle
from painlit.inference.face_windows import FaceWindows
from painlit.inference.live import Camera, LiveDecoding
from painlit.inference.video_windows import VideoWindows
from painlit.native.area import area_resize
from painlit.signals.video.decoding import open_footage
from painlit.system.stopwatch import Stopwatch


@pytest.fixture(scope="module")
def model(made_once):
    return painlit.load(made_once, "cpu")


@pytest.fixture(scope="module")
def recording(tmp_path_factory) -> tuple[Path, Path]:
    """9 s of a drawn face, and its ECG."""
    config = tiny_config("fusion", "clip.frames=null", "clip.video_fps=4")
    return make_recording(tmp_path_factory.mktemp("recording"), config.clip, 50, [(3, 6)], 9)


def frames_of(video: Path) -> list[np.ndarray]:
    with av.open(str(video)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def write(path: Path, frames: list[np.ndarray], fps: float = 4) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(fps))
        stream.height, stream.width, stream.pix_fmt = *frames[0].shape[:2], "yuv420p"
        for number, frame in enumerate(frames):
            picture = av.VideoFrame.from_ndarray(frame, format="rgb24")
            picture.pts, picture.time_base = number, 1 / Fraction(fps)
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    return path


def test_the_table_has_a_row_for_each_second(model, recording):
    reported: list[tuple[float, float]] = []
    result = model.assess(*recording, step=1, progress=lambda done, of: reported.append((done, of)))
    table = result.table
    assert list(table["start"]) == [0, 1, 2, 3, 4, 5, 6]
    assert list(table.columns[:6]) == ["start", "end", "p_NP", "p_P4", "score", "prediction"]
    assert set(table["used"]) == {"video+heart_rate"}
    assert table["face_found"].min() == 1
    assert table["heart_rate"].between(55, 110).all()
    assert reported[-1][0] == pytest.approx(9, abs=0.3)
    assert result.evidence.frames["time"].is_monotonic_increasing
    assert result.evidence.ecg is not None
    assert len(result.evidence.heart_rates) >= 6
    assert result.about["seconds"] == pytest.approx(9, abs=0.3)
    assert set(result.about["seconds_taken"]) >= {"decode", "detect", "crop", "embed", "signal", "score", "all"}


def test_two_faces_one_is_followed(model, recording, tmp_path):
    frames = frames_of(recording[0])
    small = [cv2.resize(frame, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA) for frame in frames]
    both = [
        np.hstack([a, np.pad(b, ((0, a.shape[0] - b.shape[0]), (0, 0), (0, 0)))])
        for a, b in zip(frames, small, strict=True)
    ]
    both = [frame[:, : frame.shape[1] // 2 * 2] for frame in both]
    two = model.assess(write(tmp_path / "two.mp4", both)).table
    assert set(two["faces"]) == {2}
    assert two["face_found"].min() == 1
    one = model.assess(write(tmp_path / "one.mp4", frames)).table
    assert two["score"].to_numpy() == pytest.approx(one["score"].to_numpy(), abs=0.02)


def test_a_turned_phone_video_is_upright(model, recording, tmp_path):
    """Stored on its side with a note of that, as phones do."""
    turned = write(tmp_path / "stored.mp4", [np.ascontiguousarray(np.rot90(f, -1)) for f in frames_of(recording[0])])
    noted = tmp_path / "noted.mp4"
    with av.open(str(turned)) as old, av.open(str(noted), "w") as new:
        stream = new.add_stream_from_template(old.streams.video[0])
        for packet in old.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                new.mux(packet)
    data = bytearray(noted.read_bytes())
    at = data.index(b"tkhd") + 4 + 4 + 36  # version and flags, then what stands before the matrix
    matrix = [0, -1, 0, 1, 0, 0, 0, 0, 16384]
    data[at : at + 36] = b"".join((65536 * v).to_bytes(4, "big", signed=True) for v in matrix)
    noted.write_bytes(data)
    assert model.assess(noted).table["face_found"].min() == 1
    assert model.assess(turned).table["face_found"].min() < 1


def audio(path: Path) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def test_what_is_no_video_is_refused_by_name(model, recording, tmp_path):
    picture = tmp_path / "face.jpg"
    cv2.imwrite(str(picture), frames_of(recording[0])[0])
    with pytest.raises(ClipError, match=r"face\.jpg: a single picture"):
        model.assess(picture)
    with pytest.raises(ClipError, match=r"sound\.m4a: there is no video in it, only audio"):
        model.assess(audio(tmp_path / "sound.m4a"))
    with pytest.raises(ClipError, match=r"gone\.mp4: no such file"):
        model.assess(tmp_path / "gone.mp4")


def test_no_face_is_no_score(model, tmp_path):
    empty = write(tmp_path / "empty.mp4", [np.full((96, 128, 3), 90, np.uint8)] * 24)
    table = model.assess(empty).table
    assert set(table["reason"]) == {"video: no face"}
    assert table["score"].isna().all()


def test_clocks_that_do_not_overlap(model, recording, tmp_path):
    late = tmp_path / "late.csv"
    lines = recording[1].read_text().splitlines()
    moved = [f"{float(line.split(',')[0]) + 1000:.6f},{line.split(',')[1]}" for line in lines[1:]]
    late.write_text("\n".join([lines[0], *moved]))
    with pytest.raises(ClipError, match="no time in common"):
        model.assess(recording[0], late)
    assert set(model.assess(recording[0], late, offset=1000).table["used"]) == {"video+heart_rate"}


def test_rates_of_a_device(model, recording, tmp_path):
    rates = tmp_path / "watch.csv"
    rates.write_text("time (s),heart rate (bpm)\n" + "".join(f"{k},{[70, 0, 400][k // 4]}\n" for k in range(12)))
    table = model.assess(recording[0], heart_rate=rates).table
    assert table["used"][0] == "video+heart_rate"
    assert table["ecg_quality"].isna().all()
    assert list(table["used"] == "video") == [False, False, False, True, True, True, True]
    assert "has a heart rate in 1 of the window's 3 seconds, under half" in table["reason"][3]


def test_signals_alone(model, recording):
    table = model.assess(ecg=recording[1], step=2).table
    assert list(table["start"]) == [0, 2, 4, 6]
    assert set(table["used"]) == {"heart_rate"}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "give a video"),
        ({"ecg": "a", "heart_rate": "b"}, "not both"),
        ({"video": "a", "start": -1}, "start is -1"),
        ({"video": "a", "start": 3, "end": 2}, "end after it"),
        ({"video": "a", "step": 0}, "step is 0"),
        ({"video": "a", "start": float("nan")}, "start is nan"),
        ({"video": "a", "offset": "0,8"}, "offset is '0,8', no number"),
        ({"video": "a", "offset": float("inf")}, "offset is inf"),
    ],
)
def test_impossible_arguments(model, given, message):
    for kind in (PainlitError, ValueError):
        with pytest.raises(kind, match=message):
            model.assess(**given)


class Frames:
    """A camera that takes these pictures, 0.25 s one after the other."""

    def __init__(self, pictures):
        self.pictures = iter(pictures)

    def isOpened(self):  # noqa: N802 - OpenCV's name
        return True

    def read(self):
        picture = next(self.pictures, None)
        return picture is not None, picture

    def release(self):
        pass


def test_a_camera(model, recording, monkeypatch):
    pictures = [frame[..., ::-1] for frame in frames_of(recording[0])]
    clock = iter(np.arange(0, 1000, 0.25))
    monkeypatch.setattr(cv2, "VideoCapture", lambda number: Frames(pictures))
    monkeypatch.setattr(
        "painlit.inference.live.time", type("Clock", (), {"monotonic": staticmethod(lambda: float(next(clock)))})
    )
    rows = list(model.stream(Camera(0)))
    later = model.assess(recording[0]).table
    assert [row["start"] for row in rows] == list(later["start"])
    assert [row["score"] for row in rows] == pytest.approx(list(later["score"]), abs=1e-6)


def test_no_camera(model):
    with pytest.raises(ClipError, match="camera 63 cannot be opened"):
        list(model.stream(Camera(63)))


def test_a_stream_that_is_no_video(model, tmp_path):
    nothing = tmp_path / "nothing.mkv"
    nothing.write_bytes(b"no video at all" * 100)
    with pytest.raises(ClipError, match="no video that can be read as it comes"):
        list(model.stream(LiveDecoding(nothing, idle=0.2)))
    with pytest.raises(ClipError, match="no video that can be read as it comes"):
        list(model.stream(LiveDecoding(tmp_path / "never.mkv", idle=0.2)))


def test_scores_by_openvino_are_those_of_torch(model, made_once, recording):
    pytest.importorskip("openvino")
    fast = painlit.load(made_once, "cpu", backend="openvino")
    expected, found = model.assess(*recording, step=3), fast.assess(*recording, step=3, maps="gradient")
    np.testing.assert_allclose(found.table["score"], expected.table["score"], atol=1e-4)
    assert found.evidence.pictures[0].map is not None  # by gradients, which torch alone has


@pytest.mark.skipif(not any(map(shutil.which, ("g++", "clang++", "c++"))), reason="no C++ compiler")
def test_scores_by_native_are_those_of_torch(model, made_once, recording, monkeypatch):
    made, area = Counter[int](), area_resize()

    def counted(picture: np.ndarray, size: int) -> np.ndarray:
        made[size] += 1
        return area(picture, size)

    monkeypatch.setattr("painlit.inference.model.area_resize", lambda: counted)
    fast = painlit.load(made_once, "cpu", backend="native")
    expected, found = model.assess(*recording, step=3), fast.assess(*recording, step=3)
    np.testing.assert_allclose(found.table["score"], expected.table["score"], atol=1e-4)
    assert made == {64: 4 * expected.table["score"].notna().sum()}  # what is embedded: no pictures for the page


def test_of_every_few_frames_one_is_embedded(made_once, recording):
    """A window has the embeddings that a clip of the same frames gets; the assessment says that some are missing."""
    bundle, counted = Bundle.open(made_once), list[int]()
    embedder, clip = bundle.embedder("spatial"), bundle.config.clip
    embedder.spatial.register_forward_pre_hook(lambda module, inputs: counted.append(len(inputs[0])))
    window = next(iter(VideoWindows(open_footage(recording[0], None), "it", clip, 1.0)))

    def embedded(every: int) -> np.ndarray:
        config = replace(bundle.config, embed=EmbedConfig(every=every))
        face = FaceWindows(config, {"spatial": (embedder, True)}, torch.device("cpu"), Stopwatch()).window(window)
        return face.embeddings("spatial")

    some, frames = embedded(30), EmbeddedFrames.of(clip.frame_indices, 30)
    assert sum(counted) == 5 * 3, "of four frames 25 places apart, the second is left out"
    whole = embedded(1)
    np.testing.assert_allclose(some, frames.with_others(whole[:, frames.positions]), atol=2e-3)
    assert abs(some - whole).max() > 0.01

    few = painlit.load(made_once, "cpu", every=30).assess(recording[0], end=3)
    assert "every=30" in " ".join(few.about["notes"])
    assert few.table["score"][0] != painlit.load(made_once, "cpu").assess(recording[0], end=3).table["score"][0]
    with pytest.raises(PainlitError, match="every=0 is too small"):
        painlit.load(made_once, "cpu", every=0)


def test_threads_of_a_server_share_a_model(model, recording):
    def assess(number: int):
        return model.assess(*recording, start=number, end=number + 4, maps="gradient")

    expected = [assess(number) for number in range(2)]
    with ThreadPoolExecutor(2) as threads:
        for ours, theirs in zip(threads.map(assess, range(2)), expected, strict=True):
            pd.testing.assert_frame_equal(ours.table, theirs.table)
            maps = [[p.map for p in made.evidence.pictures if p.map is not None] for made in (ours, theirs)]
            np.testing.assert_allclose(*maps, atol=1e-4)
            assert maps[0]
