"""The London faces of the benchmarks: folds, and the accuracy of scores of their photographs."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from experiments.bench.data import DATA, real_data

LONDON = DATA / "faces/london"
CLASSES, FOLDS = ("neutral", "smiling"), 5

Scores = Mapping[tuple[str, int], float]
"""Person and label (0 neutral, 1 smiling) of a photograph -> its score, above 0 for smiling."""


def london_people() -> list[str]:
    """Everybody in the set.

    Raises:
        PainlitError: It is not there.
    """
    return sorted(path.stem for path in real_data(f"faces/london/{CLASSES[0]}").glob("*.jpg"))


def folds(people: list[str]) -> list[set[str]]:
    """Five groups of people, drawn once and for all."""
    order = np.random.default_rng(0).permutation(people)
    return [set(part.tolist()) for part in np.array_split(order, FOLDS)]


def make_fold(people: list[str], test: set[str], folder: Path) -> Path:
    """A tree train|validation/<class>/<person>.jpg of links to the photographs, and of no others."""
    parts = {person: "validation" if person in test else "train" for person in people}
    links = {folder / part / name / f"{person}.jpg": name for person, part in parts.items() for name in CLASSES}
    for left in set(folder.glob("*/*/*.jpg")) - set(links):
        left.unlink()
    for link, name in links.items():
        link.parent.mkdir(parents=True, exist_ok=True)
        if not link.is_symlink():
            link.symlink_to((LONDON / name / link.name).resolve())
    return folder


def summary(parts: Sequence[Scores]) -> str:
    """Photographs classified correctly, in all and by fold, and people whose smiling one scores above the neutral."""
    right = [sum((score > 0) == label for (_, label), score in part.items()) for part in parts]
    ordered = [part[person, 1] > part[person, 0] for part in parts for person in {person for person, _ in part}]
    shares = ", ".join(f"{r / len(part):.3f}" for r, part in zip(right, parts, strict=True))
    return (
        f"{of_all(sum(right), sum(map(len, parts)))}, folds {shares}; "
        f"of a person's two photographs the smiling one: {sum(ordered)}/{len(ordered)}"
    )


def of_all(right: int, of: int, z: float = 1.96) -> str:
    """A share with its 95 % interval (Wilson 1927)."""
    centre, share = (right + z * z / 2) / (of + z * z), right / of
    half = z / (of + z * z) * math.sqrt(of * share * (1 - share) + z * z / 4)
    return f"{right}/{of} = {share:.4f} ({centre - half:.3f} to {centre + half:.3f})"
