"""Recordings assessed by trained models: what leave-one-subject-out predicted, and what is missing is reported."""

import json
import re
import shutil
from pathlib import Path

import cv2
import edfio
import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
import torch
from conftest import FOLD, run_assess, tiny

import painlit
from experiments import bundle as bundle_stage
from painlit.errors import PainlitError
from painlit.inference import frame_slopes, spatial_map
from painlit.inference.bundles.bundle import Bundle
from painlit.inference.maps.face_maps import whole_crops
from painlit.inference.pages import page
from painlit.inference.video_windows import VideoWindows
from painlit.loso.results import read_predictions
from painlit.runs.artefact import read_artefact, write_artefact
from painlit.signals.files import read_ecg
from painlit.signals.video.decoding import open_footage
from painlit.system.stopwatch import Stopwatch


def ecg(data: Path, clip: str) -> Path:
    return data / "biosignals_filtered" / FOLD / f"{clip}_bio.csv"


def test_a_clip_gets_what_its_fold_predicted(tiny_data, trained_once, bundle):
    model = painlit.load(bundle, "cpu")
    for part, signals in (("fusion", "both"), ("video", "video"), ("heart_rate", "ecg")):
        predictions = read_predictions([trained_once / "loso" / part / "folds" / FOLD / "predictions.csv"])
        for clip, expected in zip(predictions.clips, predictions.probabilities, strict=True):
            video = None if signals == "ecg" else tiny_data / "video" / FOLD / f"{clip}.mp4"
            result = model.assess(video, None if signals == "video" else ecg(tiny_data, clip), calibrated=False)
            (row,) = result.table.to_dict("records")
            assert [row["p_NP"], row["p_P4"]] == pytest.approx(expected, abs=1e-5)
            assert row["used"] == {"both": "video+heart_rate", "video": "video", "ecg": "heart_rate"}[signals]
            assert row["reason"] == ""


def test_the_examples_of_the_documentation(tiny_data, bundle, recording, tmp_path, monkeypatch):
    docs = Path(__file__).parents[2] / "docs"
    Bundle.open(bundle).save_zip(tmp_path / "study.zip")
    shutil.copy(recording, tmp_path / "ann.mov")
    beats = read_ecg(ecg(tiny_data, f"{FOLD}-BL1-081"))
    signal = edfio.EdfSignal(np.tile(beats.values[: int(3 * beats.rate)], 5), beats.rate, physical_dimension="mV")
    edfio.Edf([signal]).write(tmp_path / "ann.edf")
    monkeypatch.chdir(tmp_path)
    drawn: list[str] = []
    monkeypatch.setattr(go.Figure, "show", lambda figure: drawn.append("shown"))
    monkeypatch.setattr(go.Figure, "write_image", lambda figure, file: drawn.append(file))
    examples = re.findall(r"```python\n(.*?)```", (docs / "assessing.md").read_text(), re.DOTALL)
    names: dict = {}
    for example in (text for text in examples if "Rest(" not in text):  # that needs a bundle of another kind
        exec(example, names)
    assert list(names["result"].table["used"]) == ["video+heart_rate"] * 10
    assert {path.suffix for path in (tmp_path / "ann").iterdir()} == {".html", ".csv", ".json"}
    assert drawn == ["shown", "score.svg"]


def test_probabilities_are_calibrated_by_default(tiny_data, bundle, recording):
    model = painlit.load(bundle, "cpu")
    raw, calibrated = (model.assess(recording, calibrated=c).table for c in (False, True))
    logits = np.log(raw[["p_NP", "p_P4"]].to_numpy()) / model.bundle.temperature("video")
    expected = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    assert calibrated[["p_NP", "p_P4"]].to_numpy() == pytest.approx(expected, abs=1e-9)
    assert calibrated["score"].to_numpy() == pytest.approx(expected[:, 1], abs=1e-9)


def test_each_window_is_the_clip_of_its_time(tiny_data, bundle, recording):
    """A window's row is that of the same stretch assessed alone."""
    model = painlit.load(bundle, "cpu")
    table = model.assess(recording, step=1.0).table
    assert list(table["start"]) == pytest.approx(np.arange(10))
    for start in (0.0, 3.0, 7.0):
        alone = model.assess(recording, start=start, end=start + 3).table
        assert alone["score"][0] == pytest.approx(table["score"][int(start)], abs=1e-5)


def test_what_is_missing_is_reported_and_the_rest_used(tiny_data, bundle, recording, tmp_path):
    """An ECG of the first 6 s, and 3 s without a face."""
    table = pd.read_csv(ecg(tiny_data, f"{FOLD}-PA4-001"), sep="\t")
    twice = pd.concat([table, table.assign(time=table["time"] + 3_000_000)])
    short = tmp_path / "ecg.csv"
    twice.to_csv(short, sep="\t", index=False)
    hidden = tmp_path / "hidden.mp4"
    writer, reader, k = (
        cv2.VideoWriter(str(hidden), cv2.VideoWriter.fourcc(*"mp4v"), 25, (0, 0)),
        cv2.VideoCapture(str(recording)),
        0,
    )
    while (frame := reader.read())[0]:
        if k == 0:
            writer = cv2.VideoWriter(str(hidden), cv2.VideoWriter.fourcc(*"mp4v"), 25, frame[1].shape[1::-1])
        writer.write(np.full_like(frame[1], 90) if 75 <= k < 150 else frame[1])
        k += 1
    writer.release()
    result = painlit.load(bundle, "cpu").assess(hidden, short, step=3.0)
    assert list(result.table["used"]) == ["video+heart_rate", "heart_rate", "video", "video"]
    reasons = list(result.table["reason"])
    assert reasons[0] == ""
    assert reasons[1] == "video: no face"
    assert reasons[2].startswith("heart rate: ")
    assert "samples are missing" in reasons[2]
    assert list(result.table["face_found"]) == [1, 0, 1, 1]


def test_a_bundle_without_the_part_gives_no_score(tiny_data, trained_once, recording, tmp_path):
    out = tmp_path / "fusion.zip"
    bundle_stage.run(tiny(tiny_data, trained_once, "name=fusion", f"bundle.out={out}"))
    model = painlit.load(out, "cpu")
    with pytest.raises(PainlitError, match=r"(?s)a model of video and heart rate, and there is only video.*--ecg"):
        model.assess(recording)
    result = model.assess(recording, ecg(tiny_data, f"{FOLD}-PA4-001"), step=6.0)  # which lasts 3 s
    assert list(result.table["used"]) == ["video+heart_rate", ""]
    assert "the bundle has a model of video and heart rate, and there is only video" in result.table["reason"][1]


def test_an_ensemble_is_the_mean_of_its_folds(tiny_data, trained_once, recording, tmp_path):
    def made(*folds: str) -> pd.DataFrame:
        out = tmp_path / f"{len(list(tmp_path.iterdir()))}"
        more = f"bundle.folds=[{','.join(folds)}]", f"bundle.out={out}", "name=video"
        bundle_stage.run(tiny(tiny_data, trained_once, *more))
        return painlit.load(out, "cpu").assess(recording, step=4.0, calibrated=False).table

    names = [fold.name for fold in (trained_once / "loso" / "video" / "folds").iterdir()]
    alone = np.array([made(name)["score"] for name in names])
    together = made(*names)
    assert together["score"].to_numpy() == pytest.approx(alone.mean(0), abs=1e-6)
    assert together["spread"].to_numpy() == pytest.approx(alone.std(0), abs=1e-6)


def test_a_folder_of_recordings(tiny_data, bundle, recording, tmp_path, capsys):
    """One that cannot be read does not end the others, and what is there is not done again."""
    folder, out = tmp_path / "recordings", tmp_path / "out"
    folder.mkdir()
    for name in ("a", "b"):
        shutil.copy(recording, folder / f"{name}.mp4")
    (folder / "broken.mp4").write_bytes(b"not a video" * 100)
    result = run_assess(str(folder), "--model", str(bundle), "--out", str(out), "--step", "3")
    assert (list(result.folders), list(result.failed), result.exit_status) == (["a", "b"], ["broken"], 1)
    rows = pd.read_csv(out / "summary.csv")
    assert list(rows["recording"]) == ["a", "b", "broken"]
    assert "broken.mp4" in rows["problem"][2]
    assert rows["windows"][0] == 4
    older = read_artefact(out / "a" / "assessment.json", "")
    del older["about"]["made_from"]["every"]  # as before there was assess.every
    write_artefact(out / "a" / "assessment.json", older)
    before = {name: (out / name / "assessment.json").stat().st_mtime_ns for name in ("a", "b")}
    (out / "b" / "assessment.json").write_text("{}")
    run_assess(str(folder), "--model", str(bundle), "--out", str(out), "--step", "3")
    assert (out / "a" / "assessment.json").stat().st_mtime_ns == before["a"]
    assert json.loads((out / "b" / "assessment.json").read_text())["about"]["recording"] == "b"
    for other in (["--step", "4"], ["--step", "4", "assess.every=2"]):
        run_assess(str(folder), "--model", str(bundle), "--out", str(out), *other)
        now = (out / "a" / "assessment.json").stat().st_mtime_ns
        assert now != before["a"]
        before["a"] = now


def test_folders_of_pictures_are_named(bundle, recording, tmp_path, capsys):
    folder = tmp_path / "recordings"
    (folder / "frames").mkdir(parents=True)
    (folder / "frames" / "0001.png").touch()
    with pytest.raises(PainlitError, match=r"(?s)no recording.*its 1 folders of pictures"):
        run_assess(str(folder), "--model", str(bundle), "--out", str(tmp_path / "out"))
    shutil.copy(recording, folder / "a.mp4")
    run_assess(str(folder), "--model", str(bundle), "--out", str(tmp_path / "out"), "--step", "4")
    assert "1 folders of pictures are passed over, such as frames: list them in a table" in capsys.readouterr().out


def test_recordings_without_a_score_are_reported(bundle, recording, tmp_path, write_video, capsys):
    folder = tmp_path / "recordings"
    folder.mkdir()
    shutil.copy(recording, folder / "a.mp4")
    write_video(folder / "nobody.mp4", [np.full((96, 96, 3), 90, np.uint8)] * 200)
    run_assess(str(folder), "--model", str(bundle), "--out", str(tmp_path / "out"), "--step", "4")
    printed = capsys.readouterr().out
    assert "2 of 2 recordings are assessed" in printed
    assert "1 of them have no score, such as nobody: " in printed


def test_a_stop_in_the_middle_keeps_what_is_done(bundle, recording, tmp_path, monkeypatch):
    folder, out = tmp_path / "recordings", tmp_path / "out"
    folder.mkdir()
    for name in ("a", "b"):
        shutil.copy(recording, folder / f"{name}.mp4")
    whole = painlit.inference.model.Model.assess

    def stopped(model, video, *arguments, **options):
        if Path(video).stem == "b":
            raise KeyboardInterrupt
        return whole(model, video, *arguments, **options)

    monkeypatch.setattr("painlit.inference.model.Model.assess", stopped)
    with pytest.raises(KeyboardInterrupt):
        run_assess(str(folder), "--model", str(bundle), "--out", str(out), "--step", "3")
    assert list(pd.read_csv(out / "summary.csv")["recording"]) == ["a"]
    assert (out / "a" / "assessment.json").is_file()
    assert not (out / "b").exists()


def test_a_table_of_recordings(tiny_data, bundle, recording, tmp_path):
    table = tmp_path / "recordings.csv"
    clip = f"{FOLD}-PA4-001"
    video = tiny_data / "video" / FOLD / f"{clip}.mp4"
    table.write_text(f"video,ecg,start,name\n{recording},,2,late\n{video},{ecg(tiny_data, clip)},,both\n")
    run_assess(str(table), "--model", str(bundle), "--out", str(tmp_path / "out"))
    held = json.loads((tmp_path / "out" / "late" / "assessment.json").read_text())
    assert held["table"][0]["start"] == 2
    held = json.loads((tmp_path / "out" / "both" / "assessment.json").read_text())
    assert held["table"][0]["used"] == "video+heart_rate"
    table.write_text(f"video,name\n{recording},a\n\ngone.mp4,b\n")
    result = run_assess(str(table), "--model", str(bundle), "--out", str(tmp_path / "out"), "--step", "9")
    assert list(result.failed) == ["b"]
    assert re.match(r".*recordings\.csv, row 4: .*gone\.mp4.*(no such|No such|not exist)", result.failed["b"])
    assert "check-data" not in result.failed["b"]
    table.write_text("video,start\n\n")
    with pytest.raises(PainlitError, match="there is no recording"):
        run_assess(str(table), "--model", str(bundle))


def test_faces_are_shown_under_their_maps(bundle, recording, tmp_path):
    """Of the middle frame: what the whole clip's score gains from its face."""
    model = painlit.load(bundle, "cpu")
    result = model.assess(recording, maps="gradient")
    mapped = [picture for picture in result.evidence.pictures if picture.map is not None]
    assert mapped
    assert {picture.peak for picture in mapped} == {True}
    assert all(picture.map.shape == (32, 32) for picture in mapped)
    assert max(picture.map.max() for picture in mapped) == 1
    shown = page.page_values(result, "blur")["pictures"]
    assert all(picture["map"].startswith("data:image/jpeg") for picture in shown)
    plain = model.assess(recording)
    assert all(picture.map is None for picture in plain.evidence.pictures)
    assert page.page_values(plain, "blur")["pictures"][0]["map"] == ""
    pd.testing.assert_frame_equal(result.table, plain.table)
    # the same by hand, of the first window that is shown
    seen = {}
    faces = model._faces(Stopwatch())
    for window in VideoWindows(open_footage(recording, None), recording, model.bundle.config.clip, 1.0):
        face = faces.window(window)
        seen[window.start + 1.5] = face
    face = seen[mapped[0].time]
    (loaded,) = model.bundle.models("video")
    full, tiles = torch.from_numpy(face.embeddings("spatial")).float()[:, None]
    slope = frame_slopes(loaded.network, {"full": full, "tiles": tiles}, 1)[0][0, 2]
    embedder = model.bundle.embedder("spatial")
    images = whole_crops(embedder, torch.from_numpy(face.crop).permute(2, 0, 1)[None])
    expected = spatial_map(embedder.spatial, images, lambda embeddings: embeddings @ slope, "gradient")[0]
    np.testing.assert_allclose(mapped[0].map, expected.numpy(), atol=1e-4)
