"""Results as `make loso` writes them."""

import numpy as np
import pytest

from painlit.clips.clip import biovid_person
from painlit.loso.comparison import compare
from painlit.loso.results import Predictions, evaluate
from painlit.report.tables_report import TableLine


@pytest.fixture
def results() -> dict:
    """24 subjects, 20 clips each, told right more often by some."""
    generator = np.random.default_rng(0)
    subjects = np.repeat([f"{k:02d}0114_{'wm'[k % 2]}_{20 + k}" for k in range(1, 25)], 20)
    labels = np.tile([0, 1], 240)
    told = np.where(generator.random(480) < np.repeat(generator.uniform(0.4, 1, 24), 20), labels, 1 - labels)
    confidence = generator.uniform(0.5, 1, 480)
    probabilities = np.stack([np.where(told == k, confidence, 1 - confidence) for k in range(2)], axis=1)
    predictions = Predictions([f"{s}-{k}" for k, s in enumerate(subjects)], subjects, labels, probabilities)
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
        "optimism": compare(predictions, predictions),
        "provenance": {"commit": "abc", "versions": {"painlit": "0.1"}, "made_from": {"clips": "d41d8", "format": 1}},
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
