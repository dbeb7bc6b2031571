"""Which people and clips a run classifies wrongly, by name, and with what confidence."""

from __future__ import annotations

from typing import Any

import numpy as np

from painlit.loso.results import Predictions

WORST_PEOPLE, WORST_CLIPS = 10, 20
"""How many are named."""
OVERCONFIDENCE = 0.1
"""Mean confidence above accuracy, as a share, from which on there is a remark."""


def findings(predictions: Predictions) -> dict[str, Any]:
    """What results.json holds of people and clips that stand out, in plain types.

    - `one_class`: people who have clips of several classes, all of which are taken for one -> that class.
    - `worst_people`: those of the lowest accuracy below 1, the most confident first among equals.
    - `worst_clips`: the wrong ones that the model is surest of.
    - `confidence`: mean probability of the class that is predicted.
    """
    labels, predicted = predictions.labels, predictions.probabilities.argmax(1)
    confidence, right = predictions.probabilities.max(1), predicted == labels
    people, one_class = [], {}
    for name in sorted(set(predictions.subjects.tolist())):
        mine = predictions.subjects == name
        if len(set(labels[mine])) > 1 and len(set(predicted[mine])) == 1:
            one_class[name] = int(predicted[mine][0])
        people.append(
            {
                "subject": name,
                "clips": int(mine.sum()),
                "accuracy": float(right[mine].mean()),
                "confidence": float(confidence[mine].mean()),
            }
        )
    worst_people = sorted(
        (person for person in people if person["accuracy"] < 1),
        key=lambda person: (person["accuracy"], -person["confidence"], person["subject"]),
    )
    wrong = np.flatnonzero(~right)
    worst = sorted(wrong.tolist(), key=lambda k: (-confidence[k], predictions.clips[k]))[:WORST_CLIPS]
    return {
        "confidence": float(confidence.mean()),
        "one_class": one_class,
        "wrong_clips": len(wrong),
        "worst_people": worst_people[:WORST_PEOPLE],
        "worst_clips": [
            {
                "clip": predictions.clips[k],
                "subject": str(predictions.subjects[k]),
                "label": int(labels[k]),
                "prediction": int(predicted[k]),
                "confidence": float(confidence[k]),
            }
            for k in worst
        ],
    }


def finding_remarks(found: dict[str, Any], subjects: int, accuracy: float) -> list[str]:
    """Remarks on a run's predictions, for its accuracy.

    Args:
        found: Of `findings`.
        subjects: How many are tested.
        accuracy: Over all clips.
    """
    notes = []
    if count := len(found["one_class"]):
        notes.append(f"all clips of {count} of {subjects} people are predicted as one class, though they have several")
    excess = found["confidence"] - accuracy
    if excess > OVERCONFIDENCE:
        notes.append(
            f"mean confidence is {100 * found['confidence']:.1f} %, {100 * excess:.1f} points above the accuracy: "
            "probabilities claim more than they hold"
        )
    return notes
