"""Bad recordings: each is named with its file and a remedy, and the good ones go on."""

import csv
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from conftest import tiny

from data_modules.recordings.datamodule import PainDataModule
from experiments import check_data, loso, prepare
from painlit.clips.table import ClipTable, open_table
from painlit.errors import PainlitError

CLIP = "010100_m_27-PA4-001"
OTHER = "020100_w_34-PA4-001"


@pytest.fixture
def root(tiny_data, tmp_path) -> Path:
    return shutil.copytree(tiny_data, tmp_path / "PartA")


@pytest.fixture
def two_clips(root) -> Path:
    """`root` with two clips in its list: CLIP, and one of another subject."""
    samples = root / "starting_point" / "samples.csv"
    rows = samples.read_text().splitlines()
    samples.write_text("\n".join([rows[0], *(row for row in rows if row.endswith((CLIP, OTHER)))]) + "\n")
    return root


def clips_of(config):
    data = PainDataModule(config)
    data.setup()
    return data.clips


def video(root: Path, clip: str = CLIP) -> Path:
    return root / "video" / clip.split("-")[0] / f"{clip}.mp4"


def ecg(root: Path, clip: str = CLIP) -> Path:
    return root / "biosignals_filtered" / clip.split("-")[0] / f"{clip}_bio.csv"


def edit_ecg(path: Path, change) -> None:
    """Apply `change` to the (n,) ECG column and write the table back."""
    header, *rows = path.read_text().splitlines()
    cells = [row.split("\t") for row in rows]
    values = change(np.array([float(row[2]) for row in cells]))
    path.write_text(
        "\n".join([header, *("\t".join([r[0], r[1], f"{v}", r[3]]) for r, v in zip(cells, values, strict=True))]) + "\n"
    )


def faceless(path: Path) -> None:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 25, (256, 256))
    for k in range(75):
        writer.write(np.full((256, 256, 3), 100 + k % 5, np.uint8))
    writer.release()


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:2000])


def with_a_gap(values: np.ndarray) -> np.ndarray:
    values[100:130] = np.nan
    return values


# What happens to a clip's file, which file it is, and a word that the message must say.
CASES = [
    (video, lambda path: path.write_bytes(b""), "empty"),
    (video, truncated, "truncated"),
    (video, Path.unlink, "no such file"),
    (video, faceless, "no face"),
    (ecg, lambda path: edit_ecg(path, np.zeros_like), "flat"),
    (ecg, lambda path: edit_ecg(path, with_a_gap), "30 of the "),
    (ecg, lambda path: path.write_text(path.read_text().replace("ecg", "eog", 1)), "no ECG by its names"),
    (ecg, lambda path: path.write_text("\n".join(path.read_text().splitlines()[:900])), "samples are missing"),
]


def test_every_kind_of_bad_file_is_named_and_the_rest_goes_on(root, tmp_path):
    """One pass over a data set in which eight of twelve clips have something wrong, each something else."""
    clips = sorted(path.stem for path in root.glob("video/*/*.mp4"))
    broken = dict(zip(clips, CASES, strict=False))
    for clip, (file, damage, _) in broken.items():
        damage(file(root, clip))
    result = prepare.run(tiny(root, tmp_path / "runs"))
    assert (result.clips, result.video_problems, result.signal_problems) == (12, 4, 4)
    with open(result.table.parent / "problems.csv", newline="") as handle:
        problems = {row["clip"]: row["message"] for row in csv.DictReader(handle)}
    assert set(problems) == set(broken)
    for clip, (file, _, word) in broken.items():
        assert str(file(root, clip)) in problems[clip]
        assert word in problems[clip]
        assert "->" in problems[clip], "no remedy"


def test_a_mended_clip_is_taken_up_by_the_next_prepare(two_clips, tmp_path):
    good = video(two_clips).read_bytes()
    video(two_clips).write_bytes(b"")
    config = tiny(two_clips, tmp_path / "runs")
    assert prepare.run(config).video_problems == 1
    video(two_clips).write_bytes(good)
    assert prepare.run(config).video_problems == 0


@pytest.mark.parametrize("part", ["video", "ecg"])
def test_the_usable_half_of_a_clip_with_a_problem_is_kept_as_it_is(part, two_clips, tmp_path, monkeypatch):
    """Embeddings and finished folds rest on it, and a second look may differ in the last bit."""
    broken, other = (video(two_clips), "_from_ecg") if part == "video" else (ecg(two_clips), "clip_faces")
    good = broken.read_bytes()
    broken.write_bytes(b"")
    config = tiny(two_clips, tmp_path / "runs")
    prepare.run(config)
    before = open_table(config).clips()[CLIP]
    monkeypatch.setattr(f"data_modules.recordings.preparation.{other}", lambda *_: pytest.fail("looked at it again"))
    prepare.run(config)
    broken.write_bytes(good)
    prepare.run(config)
    after = open_table(config).clips()[CLIP]
    assert before.video_problem or before.signal_problem
    assert (after.video_problem, after.signal_problem) == ("", "")
    kept = [(a, b) for a, b in ((before.boxes, after.boxes), (before.bpm, after.bpm)) if a is not None]
    assert len(kept) == 1
    np.testing.assert_array_equal(*kept[0])


def test_a_replaced_file_is_looked_at_again_and_the_other_half_is_kept(two_clips, tmp_path, monkeypatch):
    config = tiny(two_clips, tmp_path / "runs")
    prepare.run(config)
    before = open_table(config).clips()[CLIP]
    edit_ecg(ecg(two_clips), lambda values: np.roll(values, 100))
    ecg(two_clips).write_text(ecg(two_clips).read_text() + "\n")
    monkeypatch.setattr(
        "data_modules.recordings.preparation.clip_faces", lambda *_: pytest.fail("the video is the same")
    )
    prepare.run(config, retry=False)
    assert (open_table(config).clips()[CLIP].bpm == before.bpm).all(), "make tables keeps what finished rows rest on"
    prepare.run(config)
    after = open_table(config).clips()[CLIP]
    assert (after.bpm != before.bpm).any()
    assert (after.boxes == before.boxes).all()


def test_an_ecg_a_row_short_is_used(two_clips, tmp_path):
    path = ecg(two_clips)
    path.write_text("\n".join(path.read_text().splitlines()[:-1]) + "\n")
    assert prepare.run(tiny(two_clips, tmp_path / "runs")).signal_problems == 0


def test_a_clip_without_heart_rate_still_serves_a_video_model(root, tmp_path):
    edit_ecg(ecg(root), np.zeros_like)
    runs = tmp_path / "runs"
    prepare.run(tiny(root, runs))
    heart = loso.run(tiny(root, runs, "model.modality=heart_rate"))
    assert not heart.failed
    assert heart.results["pooled"]["clips"] == 11
    assert list(heart.results["excluded_clips"]) == [CLIP]


def test_a_faulty_sample_list_stops_at_its_row(root, tmp_path):
    samples = root / "starting_point" / "samples.csv"
    lines = samples.read_text().splitlines()
    samples.write_text("\n".join([*lines, lines[1]]) + "\n")
    with pytest.raises(PainlitError, match=r"samples.csv, row 14: .* occurs twice"):
        prepare.run(tiny(root, tmp_path / "runs"))
    samples.write_text("\n".join([lines[0].replace("subject_name", "subject"), *lines[1:]]))
    with pytest.raises(PainlitError, match="column subject_name is missing"):
        check_data.run(tiny(root, tmp_path / "runs"))


def test_check_data_names_a_subject_without_videos(root, tmp_path, capsys):
    shutil.rmtree(video(root, OTHER).parent)
    result = check_data.run(tiny(root, tmp_path / "runs"))
    assert result.exit_status == 1
    assert "subjects without any video file" in capsys.readouterr().out
    assert "020100_w_34" in result.findings[0]


def test_a_stopped_prepare_keeps_what_it_finished(tiny_data, tmp_path, monkeypatch):
    """The table is written clip by clip: what a stop leaves is whole, and the next run does only the rest."""
    config = tiny(tiny_data, tmp_path / "runs")
    add, calls = ClipTable.add, []

    def stop_after_four(self, row):
        if len(calls) == 4:
            raise KeyboardInterrupt
        calls.append(row.name)
        add(self, row)

    monkeypatch.setattr(ClipTable, "add", stop_after_four)
    with pytest.raises(KeyboardInterrupt):
        prepare.run(config)
    monkeypatch.undo()
    done = []
    monkeypatch.setattr(ClipTable, "add", lambda self, row: (done.append(row.name), add(self, row)))
    assert prepare.run(config).clips == 12
    assert len(done) == 8
    assert not set(done) & set(calls)


def test_an_ecg_whose_rates_cannot_be_trusted_is_named_and_every_clip_has_its_quality(root, tmp_path):
    def lead_off(values: np.ndarray) -> np.ndarray:
        values[600:1300] = values[600]
        return values

    edit_ecg(ecg(root), lead_off)
    runs = tmp_path / "runs"
    result = prepare.run(tiny(root, runs))
    assert (result.video_problems, result.signal_problems) == (0, 1)
    (problem,) = csv.DictReader((result.table.parent / "problems.csv").read_text().splitlines())
    assert problem["clip"] == CLIP
    assert "signal quality 0.00 is below 0.15" in problem["message"]
    quality = list(csv.DictReader((result.table.parent / "quality.csv").read_text().splitlines()))
    assert len(quality) == 12
    assert (quality[0]["clip"], quality[0]["used"]) == (CLIP, "no")
    assert all(float(row["ecg quality"]) > 0.15 and row["used"] == "yes" for row in quality[1:])
    with_it = clips_of(tiny(root, runs, "prepare.least_ecg_quality=0", "model.modality=heart_rate"))
    without = clips_of(tiny(root, runs, "model.modality=heart_rate"))
    assert set(with_it.names) - set(without.names) == {CLIP}
    assert "signal quality 0.00" in without.excluded[CLIP]
    table = result.table.read_bytes()
    assert prepare.run(tiny(root, runs, "prepare.least_ecg_quality=0")).signal_problems == 0
    assert result.table.read_bytes() == table, "whether to trust a signal needs no second look at it"
