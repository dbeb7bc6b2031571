"""People and clips that stand out."""

import numpy as np
import pytest

from painlit.loso.findings import OVERCONFIDENCE, WORST_CLIPS, WORST_PEOPLE, finding_remarks, findings
from painlit.loso.results import Predictions


def predictions(people: dict[str, list[tuple[int, float]]]) -> Predictions:
    """Subject -> label and probability of class 1 of each clip."""
    rows = [(name, k, *clip) for name, clips in people.items() for k, clip in enumerate(clips)]
    ones = np.array([row[3] for row in rows])
    return Predictions(
        [f"{row[0]}-{row[1]}" for row in rows],
        np.array([row[0] for row in rows]),
        np.array([row[2] for row in rows]),
        np.stack([1 - ones, ones], axis=1),
    )


PREDICTIONS = predictions(
    {
        "ann": [(0, 0.9), (1, 0.8), (0, 0.7), (1, 0.6)],  # all 1, half of it wrong
        "bob": [(0, 0.1), (1, 0.9), (0, 0.2), (1, 0.3)],
        "cid": [(1, 0.9), (1, 0.9)],  # all 1, and there is no other class
        "eve": [(0, 0.4), (1, 0.2), (0, 0.95), (1, 0.4)],  # one right
    }
)


def test_people_of_one_class_are_those_who_have_several():
    assert findings(PREDICTIONS)["one_class"] == {"ann": 1}


def test_the_worst_are_named_the_confident_first():
    found = findings(PREDICTIONS)
    assert [person["subject"] for person in found["worst_people"]] == ["eve", "ann", "bob"]
    assert found["worst_people"][0] == {
        "subject": "eve",
        "clips": 4,
        "accuracy": 0.25,
        "confidence": pytest.approx((0.6 + 0.8 + 0.95 + 0.6) / 4),
    }
    assert [clip["clip"] for clip in found["worst_clips"]] == ["eve-2", "ann-0", "eve-1", "ann-2", "bob-3", "eve-3"]
    assert found["wrong_clips"] == 6
    worst = found["worst_clips"][0]
    assert (worst["subject"], worst["label"], worst["prediction"], worst["confidence"]) == ("eve", 0, 1, 0.95)


def test_so_many_are_named_and_no_more():
    found = findings(predictions({f"p{k:02}": [(0, 0.9), (1, 0.9), (0, 0.6)] for k in range(15)}))
    assert (len(found["worst_people"]), len(found["worst_clips"])) == (WORST_PEOPLE, WORST_CLIPS)
    assert found["wrong_clips"] == 30
    assert len(found["one_class"]) == 15
    assert found["worst_clips"][14]["confidence"] == 0.9 > found["worst_clips"][15]["confidence"]


def test_remarks_say_how_many_and_how_far():
    found = findings(PREDICTIONS)
    remarks = finding_remarks(found, subjects=4, accuracy=found["confidence"] - OVERCONFIDENCE - 0.01)
    assert remarks[0].startswith("all clips of 1 of 4 people are predicted as one class")
    assert f"mean confidence is {100 * found['confidence']:.1f} %, 11.0 points above the accuracy" in remarks[1]
    assert "ann" not in "".join(remarks), "names are for the page"
    assert len(finding_remarks(found, 4, found["confidence"] - OVERCONFIDENCE + 0.01)) == 1
    right = {**found, "one_class": {}}
    assert finding_remarks(right, 4, found["confidence"]) == []
