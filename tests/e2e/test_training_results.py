"""Training beside testing: what a fold notes while it trains, and how the results and the page report it."""

import json

import numpy as np
import pytest
import torch
from conftest import tiny

from data_modules.recordings.datamodule import PainDataModule
from experiments import loso
from painlit.errors import PainlitError
from painlit.loso.fold import run_fold
from painlit.loso.learning_curves import POINTS, LearningCurves
from painlit.loso.metrics import cross_entropy
from painlit.loso.protocols import biovid_folds
from painlit.loso.results import read_predictions
from painlit.loso.training_results import CURVES_FILE, read_curves
from painlit.tasks import PainAssessment


@pytest.fixture
def set_up(tiny_data, runs):
    """A configuration, its data, and a fold of one held-out subject."""

    def make(*more: str):
        config = tiny(tiny_data, runs, *more)
        data = PainDataModule(config)
        data.setup()
        return data.config, data, biovid_folds("loso", data.clips.subject_names)[0]

    return make


@pytest.mark.parametrize("modality", ["fusion", "heart_rate"])
def test_results_and_page_say_what_the_folds_left(trained_once, modality):
    folder = trained_once / "loso" / modality
    results = json.loads((folder / "results.json").read_text())
    training = results["training"]
    for name, fold in training["per_fold"].items():
        curves = training["curves"][name]
        assert curves["epoch"] == [1, 2, 3, 4]
        assert curves["held_out_accuracy"][-1] == fold["test_accuracy"] == results["per_subject"][name]["accuracy"]
        assert (fold["train_clips"], fold["test_clips"], fold["epoch"]) == (8, 4, 4)
    assert training["accuracy"] == pytest.approx(np.mean([t["train_accuracy"] for t in training["per_fold"].values()]))
    simple = results["simple_baselines"]
    assert list(simple)[:2] == ["majority class", "mean heart rate"]
    assert ("mean embedding" in simple) == (modality == "fusion")
    assert simple["majority class"]["difference"] == pytest.approx(results["pooled"]["accuracy"] - 0.5)
    found = results["findings"]
    assert sum(map(sum, results["pooled"]["confusion"])) - found["wrong_clips"] == 12 * results["pooled"]["accuracy"]
    assert bool(found["one_class"]) == any("predicted as one class" in remark for remark in results["remarks"])
    page = (folder / "report.html").read_text()
    assert "never used to choose anything: the last epoch is tested" in page
    assert all(f"<td>{name}</td>" in page for name in simple)


def test_the_last_point_is_that_of_the_predictions(set_up, tmp_path):
    config, data, fold = set_up("model.modality=fusion", "train.epochs=3", "model.basic=true")
    module, metrics = run_fold(config, fold, data, tmp_path, fold.name)
    predictions, curves = read_predictions([tmp_path / "predictions.csv"]), read_curves(tmp_path / CURVES_FILE)
    assert curves["held_out_loss"][-1] == pytest.approx(
        cross_entropy(predictions.labels, predictions.probabilities), abs=1e-5
    )
    assert curves["held_out_accuracy"][-1] == metrics["test"]["accuracy"]
    divided, hits = data.divided(fold.train, (), fold.test), []
    module.eval()
    with torch.no_grad():
        for batch in divided.train_dataloader():
            hits += (module(batch).argmax(1) == batch["label"]).tolist()
    assert metrics["train"]["clips"] == len(hits) == 8
    assert metrics["train"]["accuracy"] == pytest.approx(np.mean(hits))


def test_the_tested_weights_are_reported_and_not_the_last(set_up, tmp_path):
    """With oracle they are those of the best epoch on the held-out subject, and so is the training accuracy."""
    config, data, fold = set_up(
        "model.modality=heart_rate", "train.epochs=8", "loso.selection=oracle", "model.augmnet=false"
    )
    module, metrics = run_fold(config, fold, data, tmp_path, fold.name)
    curves = read_curves(tmp_path / CURVES_FILE)
    assert curves["held_out_accuracy"][metrics["epoch"] - 1] == metrics["test"]["accuracy"]
    assert curves["held_out_accuracy"][-1] == metrics["last_epoch"]["accuracy"]
    at = data.clips.of_subjects(fold.train)
    with torch.no_grad():
        probabilities = module.eval()({"bpm": data.inputs(at)["bpm"]}).softmax(1).double().numpy()
    assert metrics["epoch"] < 8, "else the last weights would do"
    assert metrics["train"]["loss"] == pytest.approx(cross_entropy(data.clips.labels[at], probabilities), abs=1e-6)


def test_looking_at_the_held_out_subject_changes_no_weight(set_up, tmp_path, monkeypatch):
    config, data, fold = set_up("model.modality=fusion", "train.epochs=3", "model.basic=true", "model.masking=true")
    looking, _ = run_fold(config, fold, data, tmp_path / "looking", fold.name)
    monkeypatch.setattr(LearningCurves, "on_train_epoch_end", lambda *_: None)
    blind, _ = run_fold(config, fold, data, tmp_path / "blind", fold.name)
    for name, weights in looking.state_dict().items():
        assert torch.equal(weights, blind.state_dict()[name]), name


def test_long_trainings_are_looked_at_now_and_then(set_up, tmp_path):
    config, data, fold = set_up("model.modality=heart_rate", f"train.epochs={2 * POINTS + 1}")
    run_fold(config, fold, data, tmp_path, fold.name)
    epochs = read_curves(tmp_path / CURVES_FILE)["epoch"]
    assert epochs == [*range(3, 2 * POINTS + 1, 3), 2 * POINTS + 1]


def test_shuffled_labels_are_those_that_training_uses(set_up, monkeypatch, tmp_path):
    """A model that knows every true label by heart knows few of the shuffled ones."""
    config, data, fold = set_up("model.modality=heart_rate", "train.epochs=2", "loso.shuffle_labels=true")

    def by_heart(self, batch, index):
        return {
            "clip": batch["clip"],
            "probabilities": torch.eye(2)[torch.from_numpy(data.clips.labels)[batch["clip"]]],
        }

    monkeypatch.setattr(PainAssessment, "predict_step", by_heart)
    module, metrics = run_fold(config, fold, data, tmp_path, fold.name)
    at = data.clips.of_subjects(fold.train)
    shuffled = data.divided(fold.train, (), fold.test, module.seed).train.labels
    assert metrics["train"]["accuracy"] == (shuffled[at] == data.clips.labels[at]).mean() < 1
    assert metrics["test"]["accuracy"] == 1


def test_folds_of_before_have_no_curves_and_are_refused(tiny_data, trained):
    fold = next((trained / "loso" / "heart_rate" / "folds").iterdir())
    (fold / CURVES_FILE).unlink()
    config = tiny(tiny_data, trained, "model.modality=heart_rate", "name=heart_rate")
    with pytest.raises(PainlitError, match=r"curves\.csv is missing, though(?s:.*)make loso"):
        loso.run(config)
