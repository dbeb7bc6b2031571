"""Runs of one bundle are of one task, on the same subjects, with the same embeddings."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from inference_runs import tiny_config, trained_run

from painlit.errors import PainlitError
from painlit.inference.bundles import finished_runs
from painlit.inference.bundles.agreement import check_agreement


def test_runs_that_differ_in_modality_go_together():
    check_agreement([trained_run("video"), trained_run("fusion"), trained_run("heart_rate")])
    check_agreement([trained_run("heart_rate", "spatial.depth=2"), trained_run("video")])


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("task=p1_vs_p4", "task is 'np_vs_p4' in tiny-video and 'p1_vs_p4' in tiny-heart_rate"),
        ("clip.seconds=4", "clip.seconds is 3.0 in tiny-video and 4.0"),
        ("data.name=other", "data.name is 'tiny' in tiny-video and 'other'"),
        ("data.is_biovid=false", "data.is_biovid is True in tiny-video and False"),
        ("prepare.heart_rate_rule=paper", "prepare.heart_rate_rule is 'overlap' in tiny-video and 'paper'"),
        ("data.baseline=session", "data.baseline is 'none' in tiny-video and 'session'"),
        ("loso.protocol=kfold", "loso.protocol is 'loso' in tiny-video and 'kfold'"),
    ],
)
def test_settings_that_differ_are_named_with_both_values(setting, message):
    with pytest.raises(PainlitError, match=message):
        check_agreement([trained_run("video"), trained_run("heart_rate", setting)])


def test_other_subjects_or_folds():
    with pytest.raises(PainlitError, match=r"test subjects of fold cid is \['cid'\] in tiny-video and not there"):
        check_agreement([trained_run("video"), trained_run("heart_rate", folds=("ann", "bob"))])
    other = trained_run("heart_rate")
    folds = {**other.folds, "ann": {**other.folds["ann"], "train": ["bob"]}}
    with pytest.raises(PainlitError, match=r"train subjects of fold ann is \['bob', 'cid'\] .* and \['bob'\]"):
        check_agreement([trained_run("video"), replace(other, folds=folds)])


def test_other_embeddings_also_behind_a_run_without():
    runs = [
        trained_run("heart_rate"),
        trained_run("video"),
        replace(trained_run("fusion"), embeddings={"weights": "x"}),
    ]
    with pytest.raises(PainlitError, match="weights is 'abc' in tiny-video and 'x' in tiny-fusion"):
        check_agreement(runs)


def test_embeddings_older_than_a_setting_are_those_of_its_value_then(monkeypatch):
    """A cache made before `embed.precision` was there does not record it, and goes with a newer one in fp32."""

    def embeddings_of(**recorded):
        source = SimpleNamespace(
            settings={"weights": "abc", **{key.replace("_", "."): v for key, v in recorded.items()}}
        )
        monkeypatch.setattr(finished_runs, "run_embeddings", lambda config, weights: source)
        return finished_runs._embeddings(tiny_config("video"), "auto")

    older, newer = trained_run("video"), trained_run("fusion")
    older = replace(older, embeddings=embeddings_of())
    check_agreement([older, replace(newer, embeddings=embeddings_of(embed_precision="fp32", spatial_network="tnt"))])
    with pytest.raises(PainlitError, match=r"embed\.precision is 'fp32' in tiny-video and 'bf16' in tiny-fusion"):
        check_agreement([older, replace(newer, embeddings=embeddings_of(embed_precision="bf16"))])


def test_two_of_a_part_and_two_stages():
    with pytest.raises(PainlitError, match="are both models of video"):
        check_agreement([trained_run("video"), trained_run("video")])
    with pytest.raises(PainlitError, match="stage is 'loso' in tiny-video and 'finetune'"):
        check_agreement([trained_run("video"), trained_run("fusion", folds=(None,))])


def test_only_the_named_differences_are_many():
    one, other = trained_run("video"), trained_run("heart_rate", "task=p1_vs_p4", "clip.seconds=4", "data.name=other")
    with pytest.raises(PainlitError, match=r"; and [12] more"):
        check_agreement([one, other])
