"""The person's own baseline from training to assessing: a clip gets what leave-one-subject-out predicted."""

import csv
import shutil
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pandas as pd
import pytest
from conftest import tiny

import painlit
from data_modules.recordings.biovid import read_samples
from experiments import assess, finetune, loso
from experiments import bundle as bundle_stage
from experiments.command import _as_keys
from painlit import Rest
from painlit.config import load
from painlit.errors import PainlitError
from painlit.inference.bundles.bundle import Bundle
from painlit.inference.live import LiveDecoding
from painlit.loso.results import read_predictions
from painlit.runs.artefact import read_artefact

FOLD = "010100_m_27"
PARTS = ("fusion", "video", "heart_rate")
AT_REST = "-BL1-081"
"""How the clips are named that the table marks as at rest."""


@pytest.fixture(scope="module")
def rest_runs(tiny_data, embedded_runs, tmp_path_factory) -> Path:
    """Three finished runs of `make loso` on a table in which the first clip of each person is at rest."""
    runs = shutil.copytree(embedded_runs, tmp_path_factory.mktemp("rest") / "runs")
    table = runs / "clips.csv"
    with open(table, "w", newline="", encoding="utf-8") as handle:
        rows = csv.writer(handle)
        rows.writerow(["clip", "subject", "label", "video", "ecg", "rest"])
        for clip in read_samples(tiny_data):
            at_rest = clip.name.endswith(AT_REST)
            label = "" if at_rest else clip.label
            rows.writerow([clip.name, clip.subject, label, clip.video, clip.ecg, "yes" if at_rest else "no"])
    layout = ("data.layout=table", f"data.table={table}", "data.baseline=rest")
    for part in PARTS:
        result = loso.run(tiny(tiny_data, runs, *layout, f"model.modality={part}", f"name={part}"))
        assert not result.failed
        assert any("data.baseline=rest" in remark for remark in result.results["remarks"])
        assert "data.baseline=rest" in (result.folder / "report.html").read_text()
    return runs


@pytest.fixture(scope="module")
def rest_bundle(tiny_data, rest_runs, tmp_path_factory) -> Path:
    """Three parts of one fold, whose subject they have not seen."""
    out = tmp_path_factory.mktemp("bundle") / "b"
    runs = f"bundle.runs=[{','.join(PARTS)}]"
    return bundle_stage.run(tiny(tiny_data, rest_runs, runs, f"bundle.folds=[{FOLD}]", f"bundle.out={out}")).path


def files(data: Path, clip: str) -> tuple[Path, Path]:
    return data / "video" / FOLD / f"{clip}.mp4", data / "biosignals_filtered" / FOLD / f"{clip}_bio.csv"


def rest_of(data: Path) -> tuple[Path, Path]:
    return files(data, f"{FOLD}{AT_REST}")


def test_a_clip_gets_what_its_fold_predicted(tiny_data, rest_runs, rest_bundle):
    model = painlit.load(rest_bundle, "cpu")
    video_at_rest, ecg_at_rest = rest_of(tiny_data)
    for part in PARTS:
        predictions = read_predictions([rest_runs / "loso" / part / "folds" / FOLD / "predictions.csv"])
        assert len(predictions.clips) == 3
        assert not any(clip.endswith(AT_REST) for clip in predictions.clips)
        has_video, has_ecg = part != "heart_rate", part != "video"
        rest = Rest(video_at_rest if has_video else None, ecg_at_rest if has_ecg else None)
        for clip, expected in zip(predictions.clips, predictions.probabilities, strict=True):
            video, ecg = files(tiny_data, clip)
            given = {"video": video if has_video else None, "ecg": ecg if has_ecg else None}
            result = model.assess(**given, rest=rest, calibrated=False)
            (row,) = result.table.to_dict("records")
            assert [row["p_NP"], row["p_P4"]] == pytest.approx(expected, abs=1e-5)
    assert result.about["baseline"] == "rest"
    assert result.about["rest"]["ecg"] == str(ecg_at_rest)


def test_another_person_at_rest_gives_other_scores(tiny_data, rest_bundle):
    model = painlit.load(rest_bundle, "cpu")
    video, _ = files(tiny_data, f"{FOLD}-PA4-001")
    other = next(path for path in sorted((tiny_data / "video").iterdir()) if path.name != FOLD)
    scores = [
        model.assess(video, rest=Rest(at_rest)).table["score"][0]
        for at_rest in (rest_of(tiny_data)[0], next(iter(sorted(other.iterdir()))))
    ]
    assert scores[0] != pytest.approx(scores[1], abs=1e-6)


def test_without_a_recording_at_rest_such_a_bundle_refuses(tiny_data, rest_bundle):
    model = painlit.load(rest_bundle, "cpu")
    video, ecg = files(tiny_data, f"{FOLD}-PA4-001")
    at_rest, ecg_at_rest = rest_of(tiny_data)
    given = (None, "video .* and no ECG"), (Rest(at_rest), "ECG"), (Rest(ecg=ecg_at_rest), "video")
    for rest, missing in given:
        with pytest.raises(PainlitError, match=rf"data\.baseline=rest, .* there is no {missing}"):
            model.assess(video, ecg, rest=rest)
    with pytest.raises(PainlitError, match="ECG and heart rates"):
        model.assess(video, ecg, rest=Rest(at_rest, ecg_at_rest, ecg_at_rest))
    with pytest.raises(PainlitError, match=r"there is no video"):
        next(model.stream(LiveDecoding(video, idle=0.1)))


def test_a_recording_at_rest_that_shows_no_face_is_named(rest_bundle, tiny_data, tmp_path):
    dark = tmp_path / "dark.mp4"
    with av.open(str(dark), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for _ in range(80):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.full((64, 64, 3), 90, np.uint8), format="rgb24")))
        container.mux(stream.encode())
    with pytest.raises(PainlitError, match=r"dark\.mp4 is no baseline: no face"):
        painlit.load(rest_bundle, "cpu").assess(files(tiny_data, f"{FOLD}-PA4-001")[0], rest=Rest(dark))


def test_card_page_and_command_line_say_which(tiny_data, rest_bundle, tmp_path):
    assert "data.baseline=rest" in (rest_bundle / "MODEL_CARD.md").read_text()
    video, ecg = files(tiny_data, f"{FOLD}-PA4-001")
    at_rest, ecg_at_rest = rest_of(tiny_data)
    out = tmp_path / "one"
    given = [str(video), "--ecg", str(ecg), "--rest", str(at_rest), "--rest-ecg", str(ecg_at_rest)]
    run(*given, bundle=rest_bundle, out=out)
    page = (out / "assessment.html").read_text()
    assert "own mean over a recording at rest is subtracted" in page
    assert str(ecg_at_rest) in page
    table = tmp_path / "recordings.csv"
    table.write_text(f"video,rest,rest_heart_rate,name\n{video},{at_rest},,with\n{video},,,without\n")
    result = run(str(table), bundle=rest_bundle, out=tmp_path / "many")
    assert list(result.folders) == ["with"]
    assert "data.baseline=rest" in result.failed["without"]
    table.write_text(f"video,rest_eg\n{video},{ecg}\n")
    with pytest.raises(PainlitError, match="did you mean rest_ecg"):
        run(str(table), bundle=rest_bundle, out=tmp_path / "many")


def test_the_rest_may_be_a_part_of_the_recording(rest_bundle, recording, tmp_path):
    """Of its 12 s, in which a window of 3 s has ten places."""

    def rested(*arguments: str) -> tuple[str, list[float]]:
        (folder,) = run(*arguments, bundle=rest_bundle, out=tmp_path / "out").folders.values()
        about = read_artefact(folder / "assessment.json", "")["about"]
        return about["notes"][-1].partition(": ")[2], [about["rest"][time] for time in ("start", "end", "offset")]

    one = [str(recording), "--start", "9", "--rest", str(recording)]
    assert rested(*one) == ("face over 10 windows", [0, None, 0])
    assert rested(*one, "--rest-end", "5") == ("face over 3 windows", [0, 5, 0])
    assert rested(*one, "--rest-start", "8.5", "--rest-offset", "1") == ("face over 1 window", [8.5, None, 1])
    table = tmp_path / "recordings.csv"
    columns = f"video,start,rest,rest_start,rest_end,rest_offset\n{recording},9,{recording},"
    table.write_text(f"{columns}2,6,-1\n")
    assert rested(str(table)) == ("face over 2 windows", [2, 6, -1])
    table.write_text(f"{columns}2,2,\n")
    with pytest.raises(PainlitError, match="row 2: rest_start 2 and rest_end 2"):
        rested(str(table))


def run(*arguments: str, bundle: Path, out: Path) -> assess.AssessResult:
    keys = [*arguments, "--model", str(bundle), "--out", str(out), "--device", "cpu"]
    return assess.run(load(_as_keys("assess", keys), "assess"))


@pytest.fixture(scope="module")
def session(tiny_data, embedded_runs, tmp_path_factory) -> Path:
    """A model of video that was trained without one person, who is tested."""
    runs = shutil.copytree(embedded_runs, tmp_path_factory.mktemp("session") / "runs")
    more = ("data.baseline=session", "model.modality=video", f"finetune.held_out=[{FOLD}]")
    finetune.run(tiny(tiny_data, runs, *more))
    return runs / "finetune" / "tiny-np_vs_p4-video"


@pytest.fixture(scope="module")
def recording(tiny_data, tmp_path_factory) -> Path:
    """The person's four clips one after the other, to the last bit."""
    path = tmp_path_factory.mktemp("recording") / "long.mkv"
    with av.open(str(path), "w") as new:
        stream, number = new.add_stream("ffv1", rate=25), 0
        for clip in sorted((tiny_data / "video" / FOLD).iterdir()):
            with av.open(str(clip)) as old:
                for frame in old.decode(video=0):
                    if number == 0:
                        stream.width, stream.height, stream.pix_fmt = frame.width, frame.height, "yuv420p"
                    frame.pts, frame.time_base = number, Fraction(1, 25)
                    new.mux(stream.encode(frame))
                    number += 1
        new.mux(stream.encode())
    return path


def test_a_session_of_the_very_clips_gets_what_was_predicted(session, recording):
    """Windows that are the clips have the mean that training took over them."""
    predictions = read_predictions([session / "predictions.csv"])
    order = np.argsort(predictions.clips)
    result = painlit.load(session / "bundle", "cpu").assess(recording, step=3.0, calibrated=False)
    assert len(result.table) == 4
    assert result.table[["p_NP", "p_P4"]].to_numpy() == pytest.approx(predictions.probabilities[order], abs=2e-4)
    assert result.about["baseline"] == "session"
    assert any(
        "own mean over the whole recording is subtracted: face over 4 windows" in n for n in result.about["notes"]
    )
    assert "data.baseline=session" in (session / "bundle" / "MODEL_CARD.md").read_text()
    with pytest.raises(PainlitError, match=r"bundle was trained with data\.baseline=session"):
        painlit.load(session / "bundle", "cpu").assess(recording, rest=Rest(recording))


def test_a_session_has_pictures_and_all_its_windows(session, recording):
    result = painlit.load(session / "bundle", "cpu").assess(recording, step=1.0)
    assert list(result.table["start"]) == pytest.approx(np.arange(10))
    assert result.table["score"].notna().all()
    pictures = [picture for picture in result.evidence.pictures if picture.peak]
    assert pictures
    assert pictures[0].pixels.shape == (112, 112, 3)
    assert len(result.evidence.frames) == result.evidence.frames["time"].nunique()


def test_a_stream_begins_with_the_baseline(session, recording):
    model = painlit.load(session / "bundle", "cpu")
    live = LiveDecoding(recording, idle=0.2)
    rows = pd.DataFrame(model.stream(live, baseline_seconds=6.0))
    assert list(rows["score"].isna()) == [True] * 4 + [False] * 6  # the windows that end by 6 s
    assert set(rows["reason"][:4]) == {"the first 6 s of the person are their baseline"}
    short = model.assess(recording, end=6.0, calibrated=False)
    assert short.table["score"].notna().all()


def test_a_bundle_whose_baselines_are_gone_or_others_is_not_made(session, tiny_data, tmp_path):
    """Before a model is bundled it predicts its held-out clips again, with what was subtracted from them."""
    runs = shutil.copytree(session.parents[1], tmp_path / "runs")
    place = runs / "finetune" / session.name
    again = tiny(tiny_data, runs, "model.modality=video", "bundle.stage=finetune", f"bundle.out={tmp_path}/out.zip")
    (place / "baselines.json").unlink()
    with pytest.raises(PainlitError, match=r"baselines\.json is missing"):
        bundle_stage.run(again)
    shutil.copy(session / "baselines.json", place)
    assert Bundle.open(bundle_stage.run(again).path).config.data.baseline == "session"
