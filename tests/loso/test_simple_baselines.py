"""Simple models on the folds of a run: what they learn from, and that they are what scikit-learn makes of it."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.model_selection import LeaveOneGroupOut, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from painlit.clips.pain_clips import PainClips
from painlit.config import Config, load
from painlit.loso import simple_baselines
from painlit.loso.protocols import folds
from painlit.loso.simple_baselines import FILE, MAJORITY, compare_simple, simple_features, simple_predictions
from painlit.runs.artefact import read_artefact, write_artefact

FRAMES, D, EACH = 10, 6, 20


class MadeUp:
    """Clips of six people in memory: what simple models need of a data module."""

    def __init__(self, labels: np.ndarray | None = None, modality: str = "fusion"):
        generator = np.random.default_rng(0)
        owner = np.repeat([f"p{k}" for k in range(6)], EACH)
        classes = np.tile([0, 1], 3 * EACH)
        drift = 0.8 * classes[:, None, None] * np.linspace(0, 1, FRAMES)[:, None]
        own = generator.normal(0, 1, (6, D)).repeat(EACH, 0)[:, None]
        self.full, self.tiles = (own + drift + generator.normal(0, 1, (len(owner), FRAMES, D)) for _ in range(2))
        self.bpm = generator.normal(75, 5, (len(owner), 3)) + 4 * classes[:, None]
        self.modality, self.seen = modality, 0
        self.clips = PainClips(
            names=[f"{name}-{k}" for k, name in enumerate(owner)],
            subjects=owner,
            labels=classes if labels is None else labels,
            bpm=self.bpm,
            rows=np.arange(len(owner)),
            videos=[],
        )

    def inputs(self, at: np.ndarray) -> dict[str, torch.Tensor]:
        self.seen += len(at)
        video = {"full": self.full, "tiles": self.tiles} if self.modality != "heart_rate" else {}
        heart = {"bpm": self.bpm} if self.modality != "video" else {}
        return {key: torch.from_numpy(values[at]) for key, values in {**video, **heart}.items()}

    def divided(self, train, validation=(), test=(), seed=0) -> Any:
        return SimpleNamespace(train=SimpleNamespace(positions=self.clips.of_subjects(train), labels=self.clips.labels))


def configured(*more: str) -> Config:
    return load(["model.frame_embedding=both", "model.tile_coefficient=0.5", *more])


def predicted(data: MadeUp, folder: Path, *more: str, made_from: Any = None) -> dict[str, Any]:
    config = configured(f"model.modality={data.modality}", *more)
    return simple_predictions(config, data, folds(config, data.clips), folder, made_from or {"clips": "abc"})


def by_hand(data: MadeUp) -> dict[str, np.ndarray]:
    frames = data.full + 0.5 * data.tiles
    rate, mean = data.bpm.mean(1)[:, None], frames.mean(1)
    change = frames[:, 6:].mean(1) - frames[:, :4].mean(1)
    return {
        "mean heart rate": rate,
        "mean embedding": mean,
        "last less first embedding": change,
        "all together": np.concatenate([rate, mean, change], axis=1),
    }


def test_figures_are_scikit_learns_in_a_leave_one_out_loop(tmp_path: Path):
    data = MadeUp()
    ours = compare_simple(predicted(data, tmp_path)[MAJORITY], predicted(data, tmp_path))
    labels, owner = data.clips.labels, data.clips.subjects
    assert list(ours) == [MAJORITY, *by_hand(data)]
    for name, numbers in by_hand(data).items():
        model = make_pipeline(StandardScaler(), LogisticRegression(C=1 / numbers.shape[1], max_iter=2000))
        expected = cross_val_predict(
            model, numbers, labels, groups=owner, cv=LeaveOneGroupOut(), method="predict_proba"
        )
        found = predicted(data, tmp_path)[name]
        assert found.clips == data.clips.names
        np.testing.assert_allclose(found.probabilities, expected, atol=1e-4)
        assert ours[name]["accuracy"] == accuracy_score(labels, expected.argmax(1))
        assert ours[name]["difference"] == pytest.approx(0.5 - ours[name]["accuracy"])
    assert ours["all together"]["accuracy"] > 0.7, "there is something to learn"


def test_the_majority_is_that_of_the_training_clips(tmp_path: Path):
    """Of p0 all clips are 1, of the others three in five are 0: who is left out decides nothing."""
    labels = np.where(np.arange(6 * EACH) % 5 < 3, 0, 1)
    labels[:EACH] = 1
    majority = predicted(MadeUp(labels), tmp_path)[MAJORITY]
    assert (majority.probabilities.argmax(1)[majority.subjects == "p0"] == 0).all()
    np.testing.assert_allclose(majority.probabilities[majority.subjects == "p0"], [[0.6, 0.4]] * EACH)
    np.testing.assert_allclose(majority.probabilities[majority.subjects == "p1"], [[0.48, 0.52]] * EACH)


@pytest.mark.parametrize("protocol", ["loso", "kfold"])
def test_labels_and_inputs_of_a_tested_person_change_nothing_that_is_fitted_for_them(tmp_path: Path, protocol: str):
    more = (f"loso.protocol={protocol}", "loso.folds=3")
    before, data = predicted(MadeUp(), tmp_path / "a", *more), MadeUp()
    fold = next(fold for fold in folds(configured(*more), data.clips) if "p2" in fold.test)
    mine = data.clips.of_subjects(fold.test)
    data.clips.labels[mine] = 1 - data.clips.labels[mine]
    relabelled = predicted(data, tmp_path / "b", *more)
    for name in before:
        tested = np.isin(before[name].subjects, fold.test)
        np.testing.assert_array_equal(relabelled[name].probabilities[tested], before[name].probabilities[tested])
        if name != MAJORITY:  # which is of as many clips of both classes
            assert (relabelled[name].probabilities[~tested] != before[name].probabilities[~tested]).any()
    one = data.clips.of_subjects(["p2"])[0]
    data.full[one], data.tiles[one], data.bpm[one] = 1e3, 1e3, 1e3
    moved = predicted(data, tmp_path / "c", *more)["all together"].probabilities
    same = [k for k, clip in enumerate(before[MAJORITY].clips) if tested[k] and clip != data.clips.names[one]]
    np.testing.assert_array_equal(moved[same], before["all together"].probabilities[same])


@pytest.mark.parametrize(
    ("modality", "names"),
    [
        ("video", ["mean embedding", "last less first embedding", "all together"]),
        ("heart_rate", ["mean heart rate"]),
        ("fusion", ["mean heart rate", "mean embedding", "last less first embedding", "all together"]),
    ],
)
def test_only_what_the_modality_has(modality: str, names: list[str]):
    data = MadeUp(modality=modality)
    found = simple_features(configured(f"model.modality={modality}"), data)
    assert list(found) == names
    for name in names[: 3 if modality == "fusion" else 2]:
        np.testing.assert_allclose(found[name], by_hand(data)[name], atol=1e-5)


def test_a_short_clips_ends_do_not_overlap():
    data = MadeUp(modality="video")
    data.full, data.tiles = data.full[:, :5], 0 * data.tiles[:, :5]
    found = simple_features(configured("model.modality=video"), data)["last less first embedding"]
    np.testing.assert_allclose(found, data.full[:, 3:].mean(1) - data.full[:, :2].mean(1), atol=1e-5)


def test_a_class_that_nobody_in_training_has_gets_nothing(tmp_path: Path):
    labels = np.zeros(6 * EACH, np.int64)
    labels[: EACH // 2] = 1  # p0 alone
    found = predicted(MadeUp(labels), tmp_path)
    for predictions in found.values():
        np.testing.assert_array_equal(predictions.probabilities[found[MAJORITY].subjects == "p0"], [[1, 0]] * EACH)


def test_they_train_on_the_same_people_as_the_model(tmp_path: Path):
    """With loso.selection=inner validation people are left out of training, here as there."""
    divisions = []
    data = MadeUp()
    divided = data.divided
    data.divided = lambda *parts: divisions.append(parts) or divided(*parts)
    predicted(data, tmp_path, "loso.selection=inner", "loso.inner_share=0.4")
    for train, validation, test, _ in divisions:
        assert (len(train), len(validation), len(test)) == (3, 2, 1)
        assert not {*train} & {*validation, *test}
    assert len({seed for *_, seed in divisions}) == 6, "each fold's own"


def test_what_is_computed_is_kept_until_the_run_is_made_from_something_else(tmp_path: Path):
    data = MadeUp()
    first = predicted(data, tmp_path)
    seen = data.seen
    again = predicted(data, tmp_path)
    assert data.seen == seen
    for name in first:
        np.testing.assert_array_equal(again[name].probabilities, first[name].probabilities)
    kept = read_artefact(tmp_path / FILE, "")
    del kept["folds"]["p3"]
    kept["folds"]["p1"][MAJORITY] = [[1.0, 0.0]] * EACH
    write_artefact(tmp_path / FILE, kept, {"clips": "abc"})
    majority = predicted(data, tmp_path)[MAJORITY]
    assert (majority.probabilities[majority.subjects == "p1"] == [1, 0]).all(), (
        "those that are there are not made again"
    )
    assert (majority.probabilities[majority.subjects == "p3"] == 0.5).all(), "those that are not are"
    assert data.seen == 2 * seen
    other = predicted(data, tmp_path, made_from={"clips": "def"})[MAJORITY]
    assert (other.probabilities == 0.5).all()
    (tmp_path / FILE).write_text("{}")
    assert (predicted(data, tmp_path, made_from={"clips": "def"})[MAJORITY].probabilities == 0.5).all()


def test_the_difference_is_the_models_less_theirs():
    data = MadeUp()
    clips = data.clips
    right = np.eye(2)[clips.labels]
    model = simple_baselines.Predictions(clips.names, clips.subjects, clips.labels, right)
    wrong = right.copy()
    wrong[::4] = 1 - wrong[::4]
    comparison = compare_simple(model, {"x": replace(model, probabilities=wrong)})["x"]
    assert comparison["accuracy"] == 0.75
    assert comparison["difference"] == 0.25
    assert comparison["difference_95"] == [0.25, 0.25]
    assert comparison["p"] == pytest.approx(2 / 64, abs=0.01), "six people, all of whom gain"
