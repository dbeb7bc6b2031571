"""Two runs on the same clips: is one better than the other?"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.stats import binomtest

from painlit.errors import PainlitError
from painlit.loso.metrics import interval
from painlit.loso.results import Predictions


def compare(one: Predictions, other: Predictions, draws: int = 10_000, seed: int = 0) -> dict[str, Any]:
    """Paired comparison of two runs' predictions of the same clips.

    - Difference in accuracy (other - one) with a 95 % interval of the paired bootstrap over subjects: whole
      subjects are drawn again, each with the predictions of both runs, since clips of a person are not independent.
    - A p-value of the same units: how often the difference is at least as far from 0 when the runs are exchanged in
      randomly chosen subjects (a sign-flip permutation test, with the observed one counted).
    - McNemar's exact test on clips that one run classifies correctly and the other does not. It takes clips as
      independent, so its p-value is too small when people differ; it is given because papers report it.

    Args:
        one: Predictions of one run.
        other: Of the other; in any order.
        draws: Bootstrap samples, and permutations.
        seed: Of the draws.

    Returns:
        Plain values: clips, subjects, both accuracies, difference, interval_95, subjects_p, only_one and only_other
        (clips only that run classifies correctly), mcnemar_p.

    Raises:
        PainlitError: The runs did not predict the same clips with the same labels; what differs is named.
    """
    place = {clip: k for k, clip in enumerate(other.clips)}
    _refuse_other_clips(one, other, place)
    order = np.array([place[clip] for clip in one.clips])
    right_one = one.probabilities.argmax(1) == one.labels
    right_other = other.probabilities.argmax(1)[order] == one.labels
    names, subject = np.unique(one.subjects, return_inverse=True)
    clips = np.bincount(subject)
    gain = np.bincount(subject, right_other.astype(float) - right_one.astype(float))  # (subjects,)
    generator = np.random.default_rng(seed)
    drawn = generator.integers(len(names), size=(draws, len(names)))
    low, high = interval(gain[drawn].sum(1) / clips[drawn].sum(1), len(names))
    exchanged = gain @ generator.choice([-1, 1], size=(len(names), draws))
    only_one, only_other = int((right_one & ~right_other).sum()), int((right_other & ~right_one).sum())
    discordant = only_one + only_other
    return {
        "clips": len(one.clips),
        "subjects": len(names),
        "accuracy": [float(right_one.mean()), float(right_other.mean())],
        "difference": float(gain.sum() / clips.sum()),
        "interval_95": [low, high],
        "subjects_p": float((1 + (abs(exchanged) >= abs(gain.sum())).sum()) / (1 + draws)),
        "only_one": only_one,
        "only_other": only_other,
        "mcnemar_p": float(binomtest(only_one, discordant).pvalue) if discordant else 1.0,
    }


def _refuse_other_clips(one: Predictions, other: Predictions, place: dict[str, int]) -> None:
    missing = sorted(set(one.clips) ^ set(place))
    if missing:
        raise PainlitError(
            f"{len(missing)} clips are predicted by one of the two runs only, such as {missing[0]}",
            "compare runs of the same task, protocol and data in which all folds are finished",
        )
    if one.probabilities.shape[1] != other.probabilities.shape[1]:
        classes = one.probabilities.shape[1], other.probabilities.shape[1]
        raise PainlitError(f"the runs have {classes[0]} and {classes[1]} classes", "compare runs of the same task")
    wrong = [c for k, c in enumerate(one.clips) if one.labels[k] != other.labels[place[c]]]
    if wrong:
        raise PainlitError(
            f"{len(wrong)} clips have another label in the other run, such as {wrong[0]}",
            "one of them was trained with shuffled labels or on other data",
        )
