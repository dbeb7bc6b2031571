"""What a setting affects: stated once, as metadata of its field; fingerprints, refusals and help are derived from it.

A *result* is something that work leaves behind and that other settings would have made differently. Each field of the
schema names the results that depend on it, or inherits them from its group:

    workers: int = field(default=2, metadata=NOTHING)                  # how fast, not what
    margin: float = field(default=0.3, metadata=affects("embed", "pain"))
"""

from __future__ import annotations

from typing import Any

RESULTS = ("prepare", "embed", "stage1", "stage1-temporal", "stage2", "ecg", "pain", "evaluation")
"""The clip table, the embeddings, what each pretraining leaves, a trained pain model, and how folds are tested."""

_RECORDINGS = ("prepare", "embed", "pain")
STAGES: dict[str, tuple[str, ...]] = {
    "check-data": (),
    "pretrain-stage1": ("stage1", "stage1-temporal"),
    "pretrain-stage2": ("stage2",),
    "pretrain-ecg": ("ecg",),
    "prepare": ("prepare",),
    "embed": ("prepare", "embed"),
    "finetune": _RECORDINGS,
    "loso": (*_RECORDINGS, "evaluation"),
    "tables": (*_RECORDINGS, "evaluation"),
    "report": (),
    "maps": (),
    "paper": (),
    "compare": (),
    "bundle": (),
    "assess": (),
    "export": (),
    "proxy-data": (),
    "demo": RESULTS,
}
"""Stage -> the results whose settings it reads: those that it makes, and those that it starts from and checks."""

PRETRAINING = ("pretrain-stage1", "pretrain-stage2", "pretrain-ecg")
FOLDS = ("loso", "tables")
TRAINING = ("finetune", *FOLDS)
RECORDINGS = ("prepare", "embed", *TRAINING, "report")
STEPS_OF_PAPER = ("proxy-data", "check-data", *PRETRAINING, "prepare", "embed", "tables", "report", "maps")
"""Stages that `paper` runs: it reads what they read."""
SET_BY_PAPER = ("name", "check.sets", "stage1.network", "tables.epoch_share")
"""Except what it sets itself."""


def affects(*results: str, read_by: tuple[str, ...] = ()) -> dict[str, Any]:
    """Metadata of a field or a group.

    Args:
        results: That depend on it. The stages that make or check them read it.
        read_by: More stages that read it.

    Raises:
        ValueError: No such result or stage.
    """
    unknown = sorted({*results} - {*RESULTS} | {*read_by} - {*STAGES})
    if unknown:
        raise ValueError(f"unknown results or stages: {', '.join(unknown)}")
    return {"affects": results, "read_by": read_by}


NOTHING = affects()
"""No result depends on it (where data lie, how fast things go); the stages of its group read it."""
EVERYWHERE = affects(read_by=tuple(STAGES))
"""No result depends on it, and all stages read it."""


def before(value: Any) -> dict[str, Any]:
    """Metadata of a field that is newer than existing work: the value that such work was made with.

    Without it, work that does not record the setting is refused. It stays as it is when the default changes.
    """
    return {"before": value}


PATH = {"path": True}
"""It is a path, or each setting of its group is: `~` is the home folder. Added to the above with `|`."""
