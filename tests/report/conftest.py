"""Results as `make loso` writes them, and a preparation as `make prepare` reports it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from painlit.clips.clip import Clip, biovid_person
from painlit.clips.table import PreparedClip
from painlit.config import load
from painlit.errors import ClipError
from painlit.loso.comparison import compare
from painlit.loso.findings import findings
from painlit.loso.results import Predictions, evaluate
from painlit.loso.simple_baselines import compare_simple
from painlit.loso.training_results import CURVES
from painlit.report.preparation_report import write_preparation_report
from painlit.report.tables_report import TableLine
from painlit.report.traces import Trace


@pytest.fixture
def results() -> dict:
    """24 subjects, 20 clips each, classified correctly more often for some."""
    generator = np.random.default_rng(0)
    subjects = np.repeat([f"{k:02d}0114_{'wm'[k % 2]}_{20 + k}" for k in range(1, 25)], 20)
    labels = np.tile([0, 1], 240)
    predicted = np.where(generator.random(480) < np.repeat(generator.uniform(0.4, 1, 24), 20), labels, 1 - labels)
    confidence = generator.uniform(0.5, 1, 480)
    probabilities = np.stack([np.where(predicted == k, confidence, 1 - confidence) for k in range(2)], axis=1)
    predictions = Predictions([f"{s}-{k}" for k, s in enumerate(subjects)], subjects, labels, probabilities)
    majority = replace(predictions, probabilities=np.tile([0.5, 0.5], (480, 1)))
    people = sorted(set(subjects.tolist()))
    fold = {"train_clips": 460, "train_accuracy": 0.99, "test_clips": 20, "test_accuracy": 0.7, "epoch": 9}
    return {
        "run": "proxy-np_vs_p4-fusion",
        "task": "np_vs_p4",
        "modality": "fusion",
        "protocol": "loso",
        "selection": "oracle",
        "folds": 25,
        "folds_done": 24,
        "spatial_stage": "pretrain-stage2",
        "weights_differ": [],
        "remarks": ["stand-in data, not pain data <b>&</b>"],
        "excluded_clips": {"010114_m_21-BL1-081": "no face"},
        **evaluate(predictions, {subject: biovid_person(subject) for subject in subjects}),
        "findings": findings(predictions),
        "training": {
            "accuracy": 0.99,
            "per_fold": dict.fromkeys(people, fold),
            "curves": {name: curves_of(generator) for name in people},
        },
        "simple_baselines": compare_simple(predictions, {"majority class": majority}),
        "optimism": compare(predictions, predictions),
        "provenance": {"commit": "abc", "versions": {"painlit": "0.1"}, "made_from": {"clips": "d41d8", "format": 1}},
    }


def curves_of(generator: np.random.Generator, epochs: int = 50) -> dict[str, list[float]]:
    """A fold that learns its training clips by heart, and gets surer of wrong answers on the others."""
    done = np.linspace(0, 1, epochs)
    held_out = 0.5 + 0.2 * done + generator.normal(0, 0.05, epochs)
    lines = 0.7 * np.exp(-4 * done), 1 - 0.5 * np.exp(-5 * done), 0.6 + 0.8 * done * generator.uniform(0, 3), held_out
    return {"epoch": [float(k) for k in range(1, epochs + 1)]} | {
        name: line.tolist() for name, line in zip(CURVES, lines, strict=True)
    }


@pytest.fixture
def line() -> TableLine:
    """A row of Table 3 with results."""
    return TableLine(
        row="table3_500_2nd_full_basic",
        table="3",
        task="np_vs_p4",
        ours=[70.0, 70.0, 70.0, 69.0],
        interval=(65.0, 75.0),
        paper=[74.25, 74.21, 76.74, 72.24],
        folds="24/24",
        differences=["clip.frames=16, the paper's is null (4)"],
        remarks=["epochs were selected on the test subjects"],
        report="../../loso/x/report.html",
    )


SETTINGS = ("clip.seconds=4", "clip.video_fps=5", "data.is_biovid=false", "prepare.workers=1")
FRAMES = 20
LONG = "a_subject_whose_name_is_long_" * 6
ODD = "<b>&\"'</b><script>document.title='taken'</script>"


@dataclass
class Preparation:
    """Rows of clips in which frame k has the grey level 20 + 10 k."""

    clips: dict[str, Clip]
    rows: list[PreparedClip]
    problems: list[tuple[str, str, str]]
    long_name, odd_name = LONG, ODD

    def read_trace(self, clip: Clip) -> Trace | None:
        """Five beats in 4 s; none of a wearable, and an error where the file is gone."""
        if clip.name.endswith("wearable"):
            return None
        if not clip.ecg.exists():
            raise ClipError(f"{clip.ecg} does not exist", "copy it again")
        peaks = np.arange(100, 1024, 200)
        return Trace(np.isin(np.arange(1024), peaks).astype(float), 256.0, peaks)

    def write(self, path: Path, *more: str) -> bool:
        """Write the report, with settings of its own."""
        config = load([*SETTINGS, *more])
        return write_preparation_report(config, self.clips, self.rows, self.problems, self.read_trace, path)


@pytest.fixture
def preparation(tmp_path: Path) -> Preparation:
    """Four subjects: calm, one whose face is lost and found, one of odd names, one without a face."""
    folder = tmp_path / "recordings"
    folder.mkdir()
    clips, rows = {}, []
    for subject, name in (("calm", "a"), ("calm", "b"), ("lost", "c"), (LONG, ODD), ("faceless", "d"), ("calm", "e")):
        clip = Clip(
            name, subject, ("NP", "P1")[len(rows) % 2], folder / f"{len(rows)}.mp4", folder / f"{len(rows)}.csv"
        )
        write_video(clip.video)
        clip.ecg.touch()
        clips[name] = clip
        rows.append(row_of(clip, quality=0.9 - 0.1 * len(rows)))
    rows[2].found[5:9] = False
    rows[2] = replace(rows[2], video_notes=("no face in 4 of 20 frames, boxes interpolated",))
    rows[3] = replace(rows[3], signal_notes=(f"{ODD} was repaired",))
    rows[4] = replace(rows[4], boxes=None, found=None, video_problem="x")
    rows[5] = replace(rows[5], bpm=None, ecg_quality=None, signal_problem="x")
    problems = [
        ("d", "video", f"{clips['d'].video}: no face in any of 20 frames\n  -> look at {ODD}"),
        ("e", "ecg", f"{clips['e'].ecg} has 899 rows instead of 1024\n  -> copy it again"),
        (ODD, "ecg", "signal quality 0.12 is below 0.15\n  -> look at the ECG"),
    ]
    return Preparation(clips, rows, problems)


def row_of(clip: Clip, quality: float | None = 0.5) -> PreparedClip:
    """A face that stays, but for a jump of 2 px in frame 12, and a steady heart."""
    boxes = np.tile(np.array([10, 10, 50, 50], np.float32), (FRAMES, 1))
    boxes[12] += 2
    found = np.ones(FRAMES, bool)
    return PreparedClip(clip.name, boxes=boxes, found=found, bpm=np.full(4, 76.8), ecg_quality=quality)


def write_video(path: Path, frames: int = FRAMES) -> None:
    """Grey frames, 64 px."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 5, (64, 64))
    for k in range(frames):
        writer.write(np.full((64, 64, 3), 20 + 10 * k, np.uint8))
    writer.release()
