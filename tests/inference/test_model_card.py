"""The model card states what bundle.json holds, and calls a stand-in a stand-in."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from inference_runs import trained_run

from painlit.inference.bundles.trained_run import TrainedRun
from painlit.inference.bundles.writing import write_bundle


def card_of(run: TrainedRun, place: Path) -> tuple[str, dict]:
    bundle = write_bundle(place / "bundle", [run])
    return (place / "bundle" / "MODEL_CARD.md").read_text(), json.loads(json.dumps(bundle.about["expected"]))


def test_figures_are_those_of_the_results(tmp_path):
    card, figures = card_of(trained_run("video"), tmp_path)
    expected = figures["video"]
    assert re.search(r"3 folds, 3 subjects, 120 clips; epoch by `last`\. Chance is 50\.00 %", card)
    for name, line in (("accuracy", "accuracy"), ("f1", "macro F1"), ("recall", "macro recall")):
        low, high = expected["interval_95"][name]
        over = expected["over_subjects"][name]
        assert (
            f"| {line} | {100 * expected['pooled'][name]:.2f} | {100 * low:.2f} to {100 * high:.2f} "
            f"| {100 * over['mean']:.2f} ± {100 * over['sd']:.2f} |"
        ) in card
    men = expected["subgroups"]["sex"]["men"]
    low, high = men["interval_95"]
    assert f"| sex: men | 2 | 80 | {100 * men['accuracy']:.2f} | {100 * low:.2f} to {100 * high:.2f} |" in card
    women = expected["subgroups"]["sex"]["women"]  # one of them, so there is no interval over subjects
    assert f"| sex: women | 1 | 40 | {100 * women['accuracy']:.2f} | – |" in card
    assert "Held-out subjects by sex: men 2, women 1." in card
    assert f"temperature {trained_run('video').temperature:.3f}, fitted on the predictions of held-out subjects" in card
    assert "20.00 % before; 10.00 % after" in card


def test_without_figures_it_says_so(tmp_path):
    card, _ = card_of(trained_run("heart_rate", folds=(None,), known=False), tmp_path)
    assert "Unknown: there is no finished leave-one-subject-out run" in card
    assert "For which sexes and ages it works is unknown." in card
    assert "Heart rate: no temperature was fitted" in card
    assert "accuracy" not in card
    assert "This one has no figures of its own" not in card


@pytest.mark.parametrize("pain", [True, False])
def test_a_stand_in_is_never_presented_as_pain(tmp_path, pain):
    card, _ = card_of(trained_run("video", f"data.is_biovid={str(pain).lower()}"), tmp_path)
    assert ("This is no pain model" in card) == (not pain)
    assert ("Pain assessment" in card) == pain
    assert ("Research on automatic pain assessment" in card) == pain
    assert "**Research use, not a diagnosis.**" in card


def test_an_ensemble_and_one_model_are_distinguished(tmp_path):
    ensemble, _ = card_of(trained_run("fusion"), tmp_path)
    assert "| fusion | video and heart rate | 3 | 2 subjects each | 4 |" in ensemble
    assert "The mean of several models, as a bundle gives it, was not measured." in ensemble
    single, _ = card_of(trained_run("fusion", folds=(None,)), tmp_path / "single")
    assert "| fusion | video and heart rate | 1 | 3 subjects | 4 |" in single
    assert "This one has no figures of its own." in single


def test_origins_and_remarks(tmp_path):
    run = trained_run("video")
    remarks = ["<b>2 of 8 clips</b> are | unusable"]
    card, _ = card_of(replace(run, figures={**run.figures, "remarks": remarks, "weights_differ": ["x"]}), tmp_path)
    assert r"- Note: \<b\>2 of 8 clips\</b\> are \| unusable." in card
    assert "- Video: run tiny-video of `make loso`, painlit 0.1.0, commit c0ffee, torch 2." in card
    assert "- Embedder spatial: trained by pretrain-stage2 on faces, digest" in card
    assert "- a difference\n- x\n" in card
    assert "\n\n\n" not in card, "Markdown without holes"
