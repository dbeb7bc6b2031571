"""Who is trained on and who is held out: `loso`, `loso67`, `holdout`, `kfold` and `split`."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from painlit.errors import PainlitError
from painlit.system.seeds import derive_seed

if TYPE_CHECKING:
    from painlit.clips.pain_clips import PainClips
    from painlit.config import Config

WITHOUT_REACTION = (
    "082315_w_60 082414_m_64 082909_m_47 083009_w_42 083013_w_47 083109_m_60 083114_w_55 091914_m_46 092009_m_54 "
    "092014_m_56 092509_w_51 092714_m_64 100514_w_51 100914_m_39 101114_w_37 101209_w_61 101809_m_59 101916_m_40 "
    "111313_m_64 120614_w_61"
).split()
"""The 20 BioVid subjects without visible reaction, excluded by `loso67`."""

HOLDOUT_TEST = (
    "100914_m_39 101114_w_37 082315_w_60 083114_w_55 083109_m_60 072514_m_27 080309_m_29 112016_m_25 112310_m_20 "
    "092813_w_24 112809_w_23 112909_w_20 071313_m_41 101309_m_48 101609_m_36 091809_w_43 102214_w_36 102316_w_50 "
    "112009_w_43 101814_m_58 101908_m_61 102309_m_61 112209_m_51 112610_w_60 112914_w_51 120514_w_56"
).split()
"""The 26 BioVid subjects that `holdout` tests on; the other 61 are trained on."""


SPLITS = ("train", "validation", "test")
"""Parts of the column `split` of a table of clips."""


@dataclass(frozen=True)
class Fold:
    """Subjects of one run. Nobody trained on is in another part; only `oracle` validates on the test subjects."""

    name: str
    train: tuple[str, ...]
    test: tuple[str, ...]
    validation: tuple[str, ...] = ()
    """Subjects an epoch is selected on."""


def folds(config: Config, clips: PainClips) -> list[Fold]:
    """The folds of `loso.protocol` over the subjects at hand.

    Raises:
        PainlitError: Too few subjects, the protocol's subjects are not among them, or the table does not divide them.
    """
    loso = config.loso
    if loso.protocol == "kfold":
        return k_folds(clips.subject_names, loso.folds, config.seed)
    if loso.protocol == "split":
        return [table_split(clips.subject_names, clips.splits)]
    return biovid_folds(loso.protocol, clips.subject_names)


def biovid_folds(protocol: str, subjects: Sequence[str]) -> list[Fold]:
    """Each subject held out (`loso`), without the 20 (`loso67`), or the 26 held out (`holdout`), in order of names.

    >>> [(fold.name, fold.train) for fold in biovid_folds("loso", ["b", "a", "c"])]
    [('a', ('b', 'c')), ('b', ('a', 'c')), ('c', ('a', 'b'))]
    """
    everyone = sorted(set(subjects))
    if protocol == "holdout":
        missing = [s for s in HOLDOUT_TEST if s not in everyone]
        if missing:
            raise _unfit(protocol, f"{len(missing)} of its {len(HOLDOUT_TEST)} test subjects", missing[0])
        return [_fold("holdout", everyone, HOLDOUT_TEST)]
    if protocol == "loso67":
        if not set(WITHOUT_REACTION) & set(everyone):
            raise _unfit(protocol, "all subjects it leaves out", WITHOUT_REACTION[0])
        everyone = [s for s in everyone if s not in WITHOUT_REACTION]
    if len(everyone) < 2:
        raise PainlitError(f"{protocol} needs at least two subjects, and {len(everyone)} has usable clips", "add data")
    return [_fold(subject, everyone, [subject]) for subject in everyone]


def k_folds(subjects: Sequence[str], count: int, seed: int) -> list[Fold]:
    """Every subject held out once, in `count` parts whose sizes differ by one at most; drawn by the seed.

    >>> [len(fold.test) for fold in k_folds("abcdefg", 3, seed=0)]
    [3, 2, 2]
    """
    everyone = sorted(set(subjects))
    if len(everyone) < count:
        raise PainlitError(f"loso.folds={count}, and {len(everyone)} subjects have usable clips", "lower loso.folds")
    drawn = random.Random(derive_seed(seed, "kfold")).sample(everyone, len(everyone))
    digits = len(str(count))
    return [_fold(f"fold-{k + 1:0{digits}}", everyone, drawn[k::count]) for k in range(count)]


def table_split(subjects: Sequence[str], splits: Mapping[str, str]) -> Fold:
    """The division that a table of clips gives: its validation subjects are never trained on.

    Args:
        subjects: With usable clips.
        splits: Subject -> train, validation or test.
    """
    parts = {part: tuple(s for s in sorted(set(subjects)) if splits.get(s) == part) for part in SPLITS}
    without = [s for s in subjects if splits.get(s) not in SPLITS]
    if without or not parts["train"] or not parts["test"]:
        reason = f"{without[0]} is in no part" if without else "nobody to train on, or nobody to test"
        raise PainlitError(
            f"loso.protocol=split: {reason}", f"give every clip {', '.join(SPLITS)} in the table's column split"
        )
    return Fold("split", parts["train"], parts["test"], parts["validation"])


def _fold(name: str, everyone: Sequence[str], test: Sequence[str]) -> Fold:
    return Fold(name, tuple(s for s in everyone if s not in test), tuple(sorted(test)))


def with_selection(fold: Fold, selection: str, inner_share: float, seed: int) -> Fold:
    """The fold with the subjects that its epoch is selected on.

    `last` selects nothing. `inner` moves a share of the training subjects (at least one) to validation, drawn by the
    fold's own seed, unless the fold has validation subjects already. `oracle` selects on the test subjects: it is there
    to measure how much that mistake flatters.
    """
    if selection == "oracle":
        return Fold(fold.name, fold.train, fold.test, validation=fold.test)
    if selection == "last":
        return Fold(fold.name, fold.train, fold.test)
    if fold.validation:
        return fold
    count = max(1, round(inner_share * len(fold.train)))
    if count >= len(fold.train):
        raise PainlitError(
            f"loso.inner_share={inner_share} leaves fold {fold.name} nobody to train on", "lower loso.inner_share"
        )
    drawn = random.Random(derive_seed(seed, fold.name, "inner")).sample(fold.train, count)
    return Fold(fold.name, tuple(s for s in fold.train if s not in drawn), fold.test, tuple(sorted(drawn)))


def _unfit(protocol: str, who: str, first: str) -> PainlitError:
    return PainlitError(
        f"protocol {protocol}: {who} have no usable clip here, such as {first}",
        "use loso.protocol=loso or kfold for other data, or complete the data set",
    )
