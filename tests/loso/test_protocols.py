import itertools

import numpy as np
import pytest

from painlit.clips.clip import Person, biovid_person
from painlit.clips.pain_clips import PainClips
from painlit.config import load
from painlit.errors import PainlitError
from painlit.loso.protocols import (
    HOLDOUT_TEST,
    WITHOUT_REACTION,
    Fold,
    biovid_folds,
    folds,
    k_folds,
    with_selection,
)

NAMED = sorted({*HOLDOUT_TEST, *WITHOUT_REACTION})
BIOVID = sorted([*NAMED, *(f"{number:06d}_{'wm'[number % 2]}_30" for number in range(87 - len(NAMED)))])
"""87 names: those the protocols know, and made-up ones."""
PAIRS = list(itertools.combinations(("train", "validation", "test"), 2))


def people(fold: Fold) -> set[str]:
    return {*fold.train, *fold.validation, *fold.test}


def test_the_lists_are_of_20_and_26_people():
    for names, count in ((WITHOUT_REACTION, 20), (HOLDOUT_TEST, 26)):
        assert len(names) == len(set(names)) == count
        assert all(biovid_person(name).age for name in names)


def test_the_lists_are_those_of_the_data_sheet(shared):
    sheet = (shared / "DATA.md").read_text().split("- `loso67`")[1].split("## 3.")[0]
    left_out, validated = (part.split() for part in sheet.split("- `holdout`"))
    assert [word for word in left_out if biovid_person(word) != Person()] == WITHOUT_REACTION
    assert [word for word in validated if biovid_person(word) != Person()] == HOLDOUT_TEST


def test_loso_holds_each_subject_out_once():
    every = biovid_folds("loso", [*BIOVID, *BIOVID])  # a subject has many clips
    assert [fold.name for fold in every] == BIOVID
    for fold in every:
        assert fold.test == (fold.name,)
        assert sorted({*fold.train, fold.name}) == BIOVID
        assert len(fold.train) == 86


def test_loso67_leaves_20_subjects_out_of_everything():
    every = biovid_folds("loso67", BIOVID)
    assert len(every) == 67
    for fold in every:
        assert not people(fold) & set(WITHOUT_REACTION)
        assert len(fold.train) == 66


def test_holdout_tests_on_26_and_trains_on_61():
    (fold,) = biovid_folds("holdout", BIOVID)
    assert (set(fold.test), len(fold.train)) == (set(HOLDOUT_TEST), 61)
    assert not set(fold.train) & set(fold.test)
    assert people(fold) == set(BIOVID)


def test_a_protocol_whose_subjects_are_absent_says_so():
    with pytest.raises(PainlitError, match=f"1 of its 26 test subjects.*{HOLDOUT_TEST[3]}"):
        biovid_folds("holdout", [name for name in BIOVID if name != HOLDOUT_TEST[3]])
    with pytest.raises(PainlitError, match=r"loso67.*loso\.protocol=loso|(?s:loso67.*loso\.protocol=loso)"):
        biovid_folds("loso67", ["a", "b", "c"])
    with pytest.raises(PainlitError, match="at least two subjects"):
        biovid_folds("loso", ["a", "a"])


def test_last_selects_on_nobody():
    for fold in biovid_folds("loso", BIOVID):
        assert with_selection(fold, "last", 0.15, seed=0) == fold
        assert fold.validation == ()


@pytest.mark.parametrize("protocol", ["loso", "loso67", "holdout"])
def test_inner_draws_from_the_training_subjects_alone(protocol: str):
    for fold in biovid_folds(protocol, BIOVID):
        selected = with_selection(fold, "inner", 0.15, seed=0)
        assert selected.test == fold.test
        assert {*selected.train, *selected.validation} == set(fold.train)
        assert len(selected.validation) == round(0.15 * len(fold.train))
        for a, b in PAIRS:
            assert not set(getattr(selected, a)) & set(getattr(selected, b))


def test_inner_follows_from_seed_and_fold_and_not_from_order():
    def drawn(names: list[str], seed: int, at: int = 5) -> tuple[str, ...]:
        return with_selection(biovid_folds("loso", names)[at], "inner", 0.2, seed).validation

    assert drawn(BIOVID, 0) == drawn(BIOVID[::-1], 0) == drawn([*BIOVID[40:], *BIOVID[:40]], 0)
    assert drawn(BIOVID, 0) != drawn(BIOVID, 1)
    assert set(drawn(BIOVID, 0)) - {BIOVID[6]} != set(drawn(BIOVID, 0, at=6)) - {BIOVID[5]}


def test_inner_keeps_at_least_one_subject_on_each_side():
    fold = biovid_folds("loso", ["a", "b", "c"])[0]
    assert len(with_selection(fold, "inner", 0.01, seed=0).validation) == 1
    with pytest.raises(PainlitError, match="nobody to train on"):
        with_selection(fold, "inner", 0.9, seed=0)
    with pytest.raises(PainlitError, match="nobody to train on"):
        with_selection(biovid_folds("loso", ["a", "b"])[0], "inner", 0.15, seed=0)


def test_oracle_selects_on_the_test_subject():
    fold = biovid_folds("loso", BIOVID)[3]
    selected = with_selection(fold, "oracle", 0.15, seed=0)
    assert selected.validation == selected.test == fold.test
    assert selected.train == fold.train


def clips_of(subjects, splits=()) -> PainClips:
    n = len(subjects)
    nothing = np.zeros(n)
    return PainClips(
        [f"c{k}" for k in range(n)], np.array(subjects), nothing, nothing, nothing, [], splits=dict(splits)
    )


@pytest.mark.parametrize(("count", "people"), [(2, 5), (3, 7), (10, 87), (5, 5)])
def test_k_folds_test_everybody_once_and_evenly(count: int, people: int):
    names = [f"s{k:02}" for k in range(people)]
    every = k_folds(names, count, seed=0)
    assert sorted(name for fold in every for name in fold.test) == names
    assert all(not {*fold.train} & {*fold.test} and {*fold.train, *fold.test} == {*names} for fold in every)
    assert max(len(f.test) for f in every) - min(len(f.test) for f in every) <= 1
    assert len({fold.name for fold in every}) == count


def test_k_folds_are_drawn_by_the_seed_alone():
    names = [f"s{k}" for k in range(20)]
    assert k_folds(names, 4, seed=1) == k_folds(names[::-1], 4, seed=1) != k_folds(names, 4, seed=2)


def test_folds_follow_the_configuration():
    clips = clips_of(["a", "b", "c", "d"], {"a": "train", "b": "validation", "c": "test", "d": "train"})
    assert [fold.test for fold in folds(load(), clips)] == [("a",), ("b",), ("c",), ("d",)]
    assert len(folds(load(["loso.protocol=kfold", "loso.folds=2"]), clips)) == 2
    assert folds(load(["loso.protocol=split"]), clips) == [Fold("split", ("a", "d"), ("c",), ("b",))]


@pytest.mark.parametrize(
    ("splits", "match"),
    [({"a": "train", "b": "test"}, "c is in no part"), (dict.fromkeys("abc", "train"), "nobody to test")],
)
def test_a_table_that_does_not_divide_is_refused(splits, match: str):
    with pytest.raises(PainlitError, match=match):
        folds(load(["loso.protocol=split"]), clips_of(["a", "b", "c"], splits))


def test_more_folds_than_people_are_refused():
    with pytest.raises(PainlitError, match=r"loso\.folds=4, and 3 subjects"):
        k_folds(["a", "b", "c"], 4, seed=0)


def test_a_fold_with_validation_subjects_selects_on_them():
    fold = Fold("split", ("a", "b"), ("c",), ("d",))
    assert with_selection(fold, "inner", 0.5, 0) == fold
    assert with_selection(fold, "last", 0.5, 0).validation == ()
    assert "d" not in with_selection(fold, "last", 0.5, 0).train
