"""Remarks on a run's numbers."""

from __future__ import annotations

from painlit.clips.pain_clips import PainClips
from painlit.clips.sources import Sources
from painlit.config import Config
from painlit.loso.protocols import folds

_BASELINE = {
    "session": "over all clips of theirs, tested people's too, whatever their class",
    "rest": "over recordings of them at rest, which are neither trained on nor tested",
}


def baseline_remark(kind: str) -> str:
    """What is subtracted from each person's inputs; `kind` is `data.baseline`, and not none."""
    return (
        f"each person's own mean heart rate and embeddings, {_BASELINE[kind]}, are subtracted "
        f"(data.baseline={kind}); the paper has no such baseline"
    )


def remarks(config: Config, clips: PainClips, sources: Sources, codes: int = 1) -> list[str]:
    """Remarks on a run's numbers, shown beside them.

    Args:
        config: The run's configuration.
        clips: All usable clips.
        sources: What models start from.
        codes: Versions of the code that made the folds.
    """
    notes = []
    if codes > 1:
        notes.append(f"the folds were made by {codes} versions of the code (loso.accept_code)")
    if sources.spatial_stage == "untrained":
        notes.append("the frame embeddings come from an untrained Spatial-Module: no figure of the paper compares")
    if clips.excluded:
        left_out = len(clips.excluded)
        notes.append(f"{left_out} of {left_out + len(clips.names)} clips are unusable and left out")
    without = set(clips.people) - set(clips.subject_names)
    if without:
        notes.append(f"{len(without)} subjects have no usable clip and are in no fold: {', '.join(sorted(without))}")
    tested = {s for fold in folds(config, clips) for s in fold.test}
    partial = [s for s in tested if len(set(clips.labels[clips.of_subjects([s])].tolist())) < len(config.classes)]
    if partial:
        notes.append(f"{len(partial)} subjects lack a class, which their own macro figures leave out")
    if config.data.baseline != "none":
        notes.append(baseline_remark(config.data.baseline))
    if not config.data.is_biovid:
        notes.append("stand-in data, not pain data: this shows that the pipeline learns, and says nothing about pain")
    if config.loso.selection == "oracle":
        notes.append("epochs were selected on the test subjects: these figures flatter, and measure only by how much")
    if config.loso.shuffle_labels and config.loso.selection == "oracle":
        notes.append("control run with shuffled training labels: what is above chance is that selection's doing")
    elif config.loso.shuffle_labels:
        notes.append("control run with shuffled training labels: anything above chance is a leak")
    return notes
