"""A clip that is a folder of pictures."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from refusals import refusal

from painlit.config import ClipConfig
from painlit.errors import ClipError
from painlit.signals.video.decoding import probe, read_clip

# Folders of pictures


def folder(path: Path, frames: dict[str, np.ndarray]) -> Path:
    path.mkdir()
    for name, frame in frames.items():
        Image.fromarray(frame).save(path / name)
    return path


PICTURES = ClipConfig(seconds=1.2, image_fps=25)


@pytest.mark.parametrize("name", ["{:03d}.png", "frame{}.png", "s1-{:d}.jpg", "{:05d}.BMP", "img_2024_{:06d}.tif"])
def test_a_folder_of_numbered_pictures_is_a_clip(tmp_path, numbered_frame, numbers, name):
    path = folder(tmp_path / "clip", {name.format(k + 7): numbered_frame(k) for k in range(30)})
    (path / "._0001.png").write_bytes(b"Mac")
    (path / "Thumbs.db").write_bytes(b"Windows")
    reader = read_clip(path, PICTURES)
    assert numbers(reader) == list(range(30))
    assert reader.notes == ()
    info = probe(path, image_fps=25)
    assert (info.width, info.height, info.fps, info.frame_count, info.seconds) == (64, 48, 25, 30, 1.2)


@pytest.mark.parametrize(("orientation", "degrees"), [(1, 0), (3, 180), (6, 270), (8, 90)])
def test_pictures_are_turned_as_exif_says(tmp_path, numbered_frame, numbers, orientation, degrees):
    (tmp_path / "clip").mkdir()
    exif = Image.Exif()
    exif[0x0112] = orientation
    for k in range(30):
        stored = Image.fromarray(np.rot90(numbered_frame(k), k=-degrees // 90))
        stored.save(tmp_path / "clip" / f"{k}.jpg", exif=exif, quality=95)
    reader = read_clip(tmp_path / "clip", PICTURES)
    frames = list(reader)
    assert {frame.shape for frame in frames} == {(48, 64, 3)}
    assert numbers(frames) == list(range(30))
    assert any(f"turned upright as its display matrix says ({degrees}°)" in note for note in reader.notes) == bool(
        degrees
    )


def test_pictures_have_a_step_gaps_and_another_rate(tmp_path, numbered_frame, numbers):
    kept = [k for k in range(60) if k != 20]
    path = folder(tmp_path / "clip", {f"{10 * k:04d}.png": numbered_frame(k) for k in kept})
    assert numbers(read_clip(path, ClipConfig(seconds=1.2, image_fps=50))) == [
        2 * k if k != 10 else 19 for k in range(30)
    ]
    assert numbers(read_clip(path, PICTURES, start=1.0))[:3] == [25, 26, 27]


def test_a_folder_that_is_no_clip_says_why(tmp_path, numbered_frame):
    frames = {f"{k}.png": numbered_frame(k) for k in range(30)}
    assert "does not say how many are shown a second" in refusal(folder(tmp_path / "a", frames))
    with pytest.raises(ClipError, match=r"set clip\.image_fps \(to assess it, assess\.image_fps\)"):
        probe(tmp_path / "a")
    assert "without pictures" in refusal(folder(tmp_path / "b", {}), PICTURES)
    path = folder(tmp_path / "c", frames)
    (path / "7.png").write_bytes((path / "7.png").read_bytes()[:60])
    reader = read_clip(path, PICTURES)
    assert sum(1 for _ in reader) == 30
    assert any("7.png does not decode" in note for note in reader.notes)
    for name, what in (("7.jpg", "has the same number"), ("face.png", "no number")):
        Image.fromarray(numbered_frame(0)).save(path / name)
        with pytest.raises(ClipError, match=what):
            list(read_clip(path, PICTURES))
        (path / name).unlink()
    for picture in path.iterdir():
        picture.write_bytes(b"no picture")
    assert "no picture decodes" in refusal(path, PICTURES)


@pytest.mark.parametrize("cut", [0.3, 0.8])
def test_a_jpeg_cut_short_is_not_filled_up(tmp_path, textured, cut):
    path = folder(tmp_path / "clip", {f"{k}.jpg": textured[k] for k in range(30)})
    data = (path / "9.jpg").read_bytes()
    (path / "9.jpg").write_bytes(data[: int(cut * len(data))])
    reader = read_clip(path, PICTURES)
    assert sum(1 for _ in reader) == 30
    assert any("9.jpg does not decode" in note or "damaged" in note for note in reader.notes)
