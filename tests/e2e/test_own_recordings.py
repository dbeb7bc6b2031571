"""A table that mixes phones, cameras and devices: every time and heart rate equals one worked out by other means."""

import json
from fractions import Fraction
from pathlib import Path

import av
import edfio
import numpy as np
import pytest
import wfdb
from conftest import TINY, tiny

from data_modules.demo.clips import _beat, make_demo
from data_modules.recordings.check import check_recordings
from data_modules.recordings.clips import read_clips
from experiments import embed, finetune, loso, prepare
from painlit.clips.table import open_table
from painlit.config import load
from painlit.signals.video.decoding import read_clip
from painlit.system.csv_files import write_csv

SECONDS = 3
SETTINGS = [setting for setting in TINY if not setting.startswith("data.")]


def faces(place: Path) -> list[np.ndarray]:
    """Frames of a face, 25 a second for 3 s."""
    root = make_demo(place / "demo", load(TINY).clip, subjects=1, clips_per_class=1)
    with av.open(str(next(root.rglob("*.mp4")))) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def film(path: Path, frames: list[np.ndarray], times: list[float], codec: str, rotation: int = 0) -> None:
    """Show of each time the frame that 25 a second would show; stored turned by `rotation`."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=Fraction(30 if rotation else 25))
        stream.width, stream.height, stream.pix_fmt = frames[0].shape[1], frames[0].shape[0], "yuv420p"
        if rotation:
            stream.set_display_rotation(rotation)
        if codec != "mpeg2video":
            stream.codec_context.time_base = Fraction(1, 90_000)
        for time in times:
            shown = np.ascontiguousarray(np.rot90(frames[min(int(25 * time), len(frames) - 1)], -rotation // 90))
            picture = av.VideoFrame.from_ndarray(shown, format="rgb24")
            picture.time_base = Fraction(1, 90_000 if codec != "mpeg2video" else 25)
            picture.pts = round(time / picture.time_base)
            container.mux(stream.encode(picture))
        container.mux(stream.encode())


def ecg(beats: list[float], rate: int, seconds: float) -> np.ndarray:
    """Millivolts with R peaks at these times in s."""
    beat = _beat(rate)
    peak = int(beat.argmax())
    signal = np.zeros(int(seconds * rate) + 4 * len(beat))
    for time in beats:
        first = round(time * rate) - peak + len(beat)
        signal[first : first + len(beat)] += beat
    return signal[len(beat) :][: int(seconds * rate)]


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Path:
    """Three people of two clips each, no two recordings alike."""
    place = tmp_path_factory.mktemp("study")
    frames = faces(place)
    steady = [k / 30 for k in range(30 * 7)]
    film(place / "phone.mov", [f for f in frames for _ in range(3)], steady, "libx264", rotation=90)
    uneven = np.cumsum(np.random.default_rng(0).choice([0.02, 0.03, 0.05, 0.07], 80)).tolist()
    film(place / "browser.webm", frames, [0.0, *uneven], "libvpx-vp9")
    film(place / "camera.mpg", frames, [k / 25 for k in range(80)], "mpeg2video")

    # EDF, 75 bpm in the first clip and 100 in the second, 2 s ahead of the phone's clock
    beats = [2 + 0.1 + 0.8 * k for k in range(4)] + [2 + 3.6 + 0.6 * k for k in range(7)]
    edfio.Edf([edfio.EdfSignal(ecg(beats, 256, 10), 256, label="ECG", physical_dimension="mV")]).write(place / "a.edf")
    # WFDB, 80 bpm, upside down
    upside = -ecg([0.2 + 0.75 * k for k in range(8)], 500, 5)
    options = {"fs": 500, "units": ["mV"], "sig_name": ["II"], "fmt": ["16"], "p_signal": upside[:, None]}
    wfdb.wrsamp("b", write_dir=str(place), **options)
    # text with decimal commas, in volts, 60 bpm
    lines = [f"{k / 250:.3f};{v / 1000:.7f}".replace(".", ",") for k, v in enumerate(ecg([0.5, 1.5, 2.5, 3.5], 250, 4))]
    (place / "b2.csv").write_text("\n".join(["Zeit (s);EKG (V)", *lines]))
    # a watch that gives a rate each second, and a belt that gives the ms between beats
    watch = [f"2026-03-01T10:00:{k:02},{70 + 10 * k}" for k in range(4)]
    (place / "watch.csv").write_text("\n".join(["time,heart rate (bpm)", *watch]))
    (place / "belt.csv").write_text("\n".join(["rr_ms", *map(str, (800, 800, 900, 900))]))

    (place / "clips.csv").write_text(
        "clip;subject;label;video;ecg;heart_rate;start;end;offset;sex;age\n"
        "a1;ann;rest;phone.mov;a.edf;;0;3;2;f;30\n"
        "a2;ann;pain;phone.mov;a.edf;;3,5;6,5;2;f;30\n"
        "b1;bob;rest;browser.webm;b.hea;;;;;m;40\n"
        "b2;bob;pain;camera.mpg;b2.csv;;;;;m;40\n"
        "c1;cid;rest;browser.webm;;watch.csv;0,2;;-0,2;m;50\n"
        "c2;cid;pain;camera.mpg;;belt.csv;;;;m;50\n"
    )
    # one recording at one time is of one person: cid has copies
    for name in ("browser.webm", "camera.mpg"):
        (place / f"c-{name}").write_bytes((place / name).read_bytes())
    text = (place / "clips.csv").read_text()
    for clip, name in (("c1", "browser.webm"), ("c2", "camera.mpg")):
        line = next(line for line in text.splitlines() if line.startswith(clip))
        text = text.replace(line, line.replace(name, f"c-{name}"))
    (place / "clips.csv").write_text(text)
    return place


RATES = {
    "a1": (75, 75, 75),
    "a2": (100, 100, 100),
    "b1": (80, 80, 80),
    "b2": (60, 60, 60),
    "c1": (70, 80, 90),
    "c2": (60 / 0.8, 60 / (0.6 * 0.8 + 0.4 * 0.9), 60 / 0.9),  # beats at 0, 0.8, 1.6, 2.5 and 3.4 s
}
"""Heart rate of each second, by hand."""


@pytest.fixture(scope="module")
def arguments(study: Path, tmp_path_factory) -> list[str]:
    place = [f"data.table={study}/clips.csv", f"runs={tmp_path_factory.mktemp('own')}"]
    return [*SETTINGS, "data.layout=table", "data.name=own", "task=rest_vs_pain", *place]


@pytest.fixture(scope="module")
def config(arguments):
    return load(arguments)


@pytest.fixture(scope="module")
def prepared(config):
    prepare.run(config)
    return open_table(config).clips()


def test_everything_is_there(config):
    inventory, wrong = check_recordings(config)
    assert wrong == []
    assert inventory[0] == ("6 clips of 3 subjects: rest 3, pain 3; 6 with video, 4 with ECG, 2 with heart rates")


@pytest.mark.parametrize("name", RATES)
def test_heart_rates_are_those_worked_out_by_hand(prepared, name: str):
    assert prepared[name].signal_problem == ""
    np.testing.assert_allclose(prepared[name].bpm, RATES[name], rtol=0.006)


@pytest.mark.parametrize("name", RATES)
def test_frames_are_those_nearest_by_ffmpegs_time_stamps(config, prepared, name: str):
    """Of all frames that FFmpeg decodes, the one nearest to each wanted time."""
    assert prepared[name].video_problem == ""
    assert prepared[name].found.all()
    clip = next(clip for clip in read_clips(config)[1] if clip.name == name)
    with av.open(str(clip.video)) as container:
        stamps = np.array([float(frame.pts * frame.time_base) for frame in container.decode(video=0)])
    stamps -= stamps.min()
    wanted = clip.stretch.start + np.array([0, 25, 49, 74]) / 25
    nearest = stamps[np.abs(stamps - wanted[:, None]).argmin(axis=1)]
    reader = read_clip(clip.video, config.clip, *clip.stretch[:2])
    shapes = {frame.shape for frame in reader}
    assert len(shapes) == 1
    np.testing.assert_allclose(reader.times, nearest, atol=1e-6)


def test_a_turned_phone_shows_faces_upright(config, prepared):
    """The demo's portrait looks out of the middle: its box is about as wide as high, and higher than wide."""
    x1, y1, x2, y2 = prepared["a1"].boxes.mean(0)
    u1, v1, u2, v2 = prepared["b1"].boxes.mean(0)
    np.testing.assert_allclose([x1, y1, x2, y2], [u1, v1, u2, v2], atol=12)


def test_all_steps_run_on_it(arguments, config, prepared):
    embed.run(config)
    for folds, more in ((3, []), (2, ["loso.protocol=kfold", "loso.folds=2", "task=multilevel", "name=two"])):
        result = loso.run(load([*arguments, *more]))
        assert result.failed == {}
        assert result.results["folds_done"] == result.results["folds"] == folds
        assert set(result.results["subgroups"]) == {"sex", "age"}
        assert (result.folder / "report.html").is_file()
        assert not any("stand-in" in remark for remark in result.results["remarks"])
    assert finetune.run(config).weights.is_file()


def test_biovids_layout_as_a_table_gives_the_very_predictions(tiny_data, trained_once, tmp_path):
    columns = ("clip", "subject", "label", "video", "ecg", "sex", "age")
    rows = [
        (c.name, c.subject, c.label, c.video, c.ecg, c.person.sex, c.person.age)
        for c in read_clips(tiny(tiny_data, trained_once))[1]
    ]
    (tmp_path / "table").mkdir()
    table = tmp_path / "table" / "clips.csv"
    write_csv(table, [columns, *rows])
    as_table = tiny(tiny_data, tmp_path / "other", "data.layout=table", f"data.table={table}", "data.classes=[NP,P4]")
    prepare.run(as_table)
    embed.run(as_table)
    ours, biovid = loso.run(as_table).folder, trained_once / "loso" / "fusion"
    for place in (biovid / "folds").iterdir():
        other = ours / "folds" / place.name / "predictions.csv"
        assert other.read_bytes() == (place / "predictions.csv").read_bytes()
    one, other = (json.loads((folder / "results.json").read_text())["subgroups"] for folder in (ours, biovid))
    assert one == other
