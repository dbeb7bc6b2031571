from pathlib import Path

import cv2
import numpy as np
import pytest

import data_modules.demo.clips
from data_modules.demo.clips import make_demo
from data_modules.recordings.biovid import read_samples
from data_modules.recordings.check import check_recordings
from painlit.config import ClipConfig, load
from painlit.signals import heart_rate
from painlit.signals.files import read_ecg
from painlit.signals.video.decoding import read_clip

SHORT = ClipConfig(seconds=2, video_fps=3)


@pytest.fixture(scope="module")
def demo(tmp_path_factory) -> Path:
    return make_demo(tmp_path_factory.mktemp("demo") / "PartA", ClipConfig(), subjects=2, clips_per_class=1)


def test_it_is_a_complete_biovid_folder(demo: Path):
    clips = read_samples(demo)
    assert [clip.label for clip in clips] == ["NP", "P4", "NP", "P4"]
    assert len({clip.subject for clip in clips}) == 2
    for signals in ("biosignals_filtered", "biosignals_raw"):
        assert check_recordings(load([f"data.root={demo}", f"data.signals={signals}"]))[1] == []


def test_videos_have_the_nominal_frames(demo: Path):
    for clip in read_samples(demo):
        capture = cv2.VideoCapture(str(clip.video))
        frames = 0
        while capture.grab():
            frames += 1
        assert frames == 138
        assert capture.get(cv2.CAP_PROP_FPS) == 25


def test_the_heart_beats_faster_in_pain(demo: Path):
    rates = {"NP": [], "P4": []}
    for clip in read_samples(demo):
        rates[clip.label].append(heart_rate(read_ecg(clip.ecg).values, 512.0))
    assert all(40 < rate < 130 for each in rates.values() for rate in np.concatenate(each))
    assert np.mean(rates["P4"]) > np.mean(rates["NP"]) + 5


def change(video: Path) -> float:
    """Mean change of eyes, nose and mouth, in grey levels, between the first frame and the last; the head returns."""
    first, last = (
        cv2.GaussianBlur(frame, (9, 9), 0).astype(float)
        for frame in read_clip(video, ClipConfig(video_fps=2, frames=2))
    )
    return float(np.abs(first - last)[70:170, 90:170].mean())


def changes(root: Path) -> dict[str, list[float]]:
    """Label -> the change in each of its clips, of three subjects."""
    make_demo(root, ClipConfig(video_fps=2), subjects=3, clips_per_class=4)
    found: dict[str, list[float]] = {"NP": [], "P4": []}
    for clip in read_samples(root):
        found[clip.label].append(change(clip.video))
    return found


def test_the_face_shows_more_in_pain(tmp_path: Path, monkeypatch):
    shown = changes(tmp_path / "shown")
    assert np.mean(shown["P4"]) > 1.4 * np.mean(shown["NP"])
    assert min(shown["NP"]) > 1, "a face also moves where there is no pain"
    monkeypatch.setattr(data_modules.demo.clips, "PAIN_LIKE", {})
    hidden = changes(tmp_path / "hidden")
    assert np.mean(shown["P4"]) > 1.4 * np.mean(hidden["P4"])
    assert np.mean(shown["NP"]) < 1.2 * np.mean(hidden["NP"])


def content(root: Path) -> dict[str, bytes]:
    files = {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*.csv")}
    videos = {
        str(p.relative_to(root)): np.stack(list(read_clip(p, ClipConfig(seconds=1, video_fps=5)))).tobytes()
        for p in root.rglob("*.mp4")
    }
    return files | videos


def small(root: Path, seed: int, subjects: int = 1) -> Path:
    return make_demo(root, SHORT, subjects=subjects, clips_per_class=1, classes=(0, 2), seed=seed)


def test_it_follows_from_the_seed(tmp_path: Path):
    one, same, other = (content(small(tmp_path / name, seed)) for name, seed in (("a", 1), ("b", 1), ("c", 2)))
    assert len(one) == 1 + 2 * 2 + 2
    assert one == same
    assert one.keys() == other.keys()
    assert all(one[name] != other[name] for name in one if "samples" not in name)


def test_a_complete_folder_is_left_alone_and_an_incomplete_one_is_made(tmp_path: Path):
    root = small(tmp_path, seed=1)
    times = {p: p.stat().st_mtime_ns for p in root.rglob("*")}
    small(tmp_path, seed=2, subjects=3)
    assert {p: p.stat().st_mtime_ns for p in root.rglob("*")} == times
    before = content(root)
    (root / "starting_point" / "samples.csv").unlink()
    next(root.rglob("*.mp4")).unlink()
    assert content(small(tmp_path, seed=1)) == before
    assert [p.name for p in root.rglob(".*")] == []


def test_progress_counts_every_clip(tmp_path: Path):
    advances: list[int] = []
    make_demo(tmp_path, SHORT, subjects=1, clips_per_class=2, classes=(0, 1, 4), advance=lambda: advances.append(1))
    names = [clip.name.split("-", 1)[1] for clip in read_samples(tmp_path)]
    assert names == ["BL1-081", "BL1-082", "PA1-001", "PA1-002", "PA4-003", "PA4-004"]
    assert len(advances) == 6
