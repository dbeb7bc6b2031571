"""Which part of a bundle scores a window, how missing inputs are reported, and what a score is."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from painlit.inference.face_windows import FaceWindow
from painlit.inference.heart_windows import HeartWindow
from painlit.inference.pictures import Pictures
from painlit.inference.scoring import Scorer, entropy, expected_class, row

FACE = FaceWindow({"spatial": [np.zeros((2, 8), np.float16)] * 4}, 1.0, 1, None, [], "")
NO_FACE = FACE._replace(rows={}, problem="no face")
HEART = HeartWindow(np.full(3, 70.0), 0.9)
NO_HEART = HeartWindow(problem="ECG is flat")


class Network(torch.nn.Module):
    """Logits 0 and `logit`, whatever it reads; it remembers what that was."""

    frame_embedding = "both"

    def __init__(self, logit: float):
        super().__init__()
        self.logit = logit

    def forward(self, **inputs):
        self.read = sorted(inputs)
        return torch.tensor([[0.0, self.logit]])


def scorer(
    *parts: str, logits: tuple[float, ...] = (1.0,), temperature: float = 1.0, calibrated: bool = True
) -> Scorer:
    models = {
        part: [
            SimpleNamespace(network=Network(logit), embedder=None if part == "heart_rate" else "spatial")
            for logit in logits
        ]
        for part in parts
    }
    bundle = SimpleNamespace(
        classes=("NP", "P4"), parts=parts, models=models.__getitem__, temperature=lambda part: temperature
    )
    return Scorer(bundle, torch.device("cpu"), calibrated)


ALL = ("fusion", "video", "heart_rate")


@pytest.mark.parametrize(
    ("parts", "face", "heart", "used", "reason"),
    [
        (ALL, FACE, HEART, "video+heart_rate", ""),
        (ALL, FACE, None, "video", ""),
        (ALL, None, HEART, "heart_rate", ""),
        (ALL, NO_FACE, HEART, "heart_rate", "video: no face"),
        (ALL, FACE, NO_HEART, "video", "heart rate: ECG is flat"),
        (ALL, NO_FACE, NO_HEART, "", "video: no face; heart rate: ECG is flat"),
        (("video",), FACE, HEART, "video", "the bundle has no model of video and heart rate"),
        (("fusion",), FACE, None, "", "the bundle has a model of video and heart rate, and there is only video"),
        (("fusion",), FACE, NO_HEART, "", "heart rate: ECG is flat; the bundle has a model of video and heart rate, "
         "and there is only video"),
        (("video", "heart_rate"), None, HEART, "heart_rate", ""),
    ],
)  # fmt: skip
def test_the_part_for_the_available_inputs(parts, face, heart, used, reason):
    score = scorer(*parts).score(face, heart)
    assert (score.used, score.reason) == (used, reason)
    assert np.isnan(score.probabilities).all() == (used == "")


def test_each_part_reads_its_own_inputs():
    of_all = scorer(*ALL)
    for face, heart, read in (
        (FACE, HEART, ["bpm", "full", "tiles"]),
        (FACE, None, ["full", "tiles"]),
        (None, HEART, ["bpm"]),
    ):
        part = {3: "fusion", 2: "video", 1: "heart_rate"}[len(read)]
        of_all.score(face, heart)
        assert of_all.parts[part][0].network.read == read


def test_an_ensemble_is_a_mean_of_calibrated_probabilities():
    score = scorer("video", logits=(1.0, 3.0), temperature=2.0).score(FACE, None)
    each = 1 / (1 + np.exp(-np.array([0.5, 1.5])))
    assert score.probabilities[1] == pytest.approx(each.mean(), abs=1e-6)
    assert score.spread == pytest.approx(each.std(), abs=1e-6)
    raw = scorer("video", logits=(1.0,), temperature=2.0, calibrated=False).score(FACE, None)
    assert raw.probabilities[1] == pytest.approx(1 / (1 + np.exp(-1)), abs=1e-6)
    assert np.isnan(raw.spread)


def test_scores_and_uncertainty():
    assert expected_class(np.array([0.2, 0.8])) == pytest.approx(0.8)
    assert expected_class(np.array([0, 0, 0, 0.5, 0.5])) == pytest.approx(0.875)
    assert entropy(np.array([0.5, 0.5])) == pytest.approx(1)
    assert entropy(np.array([0.0, 1.0])) == pytest.approx(0, abs=1e-6)
    assert np.isnan(entropy(np.array([np.nan, np.nan])))
    cells = row(2.0, 5.0, {0: "NP", 1: "P4"}, scorer("video", logits=(-2.0,)).score(FACE, None))
    assert (cells["prediction"], cells["start"], cells["end"]) == ("NP", 2.0, 5.0)
    assert cells["p_NP"] + cells["p_P4"] == pytest.approx(1)
    assert row(0, 1, {0: "NP", 1: "P4"}, scorer("fusion").score(FACE, None))["prediction"] == ""


def test_pictures_are_few_however_long_it_is():
    pictures, pixels = Pictures(apart=5), np.zeros((4, 4, 3), np.uint8)
    scores = 0.5 + 0.4 * np.sin(np.arange(3000) / 40)
    scores[1000] = 0.99
    for time, score in enumerate(scores):
        pictures.add(float(time), pixels, float(score) if time % 7 else float("nan"))
    chosen = pictures.chosen()
    assert 32 <= len(chosen) <= 70
    times = [picture.time for picture in chosen]
    assert times == sorted(times)
    peaks = [picture.time for picture in chosen if picture.peak]
    assert 1000 in peaks
    assert len(peaks) == 6
    assert min(np.diff(peaks)) >= 5
    assert max(np.diff([picture.time for picture in chosen if not picture.peak])) < 200
