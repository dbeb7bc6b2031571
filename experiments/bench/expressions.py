"""Stage 2 on the London faces: neutral or smiling, five folds with disjoint people.

From scratch, after stage 1 on 30 of the ORL people (none of whom is in the London set), and the nearest neighbour
among raw pixels. Runs the stage 1 of the benchmark `identities` and `make pretrain-stage2` with
experiments/london.yaml; finished runs are read again. Other `key=value` arguments reach the configuration.
"""

import math
import sys
from pathlib import Path

import numpy as np

from data_modules.emotion_datamodule import EmotionDataModule, open_emotion_indices
from experiments import pretrain_stage1, pretrain_stage2
from experiments.bench.identities import SETTINGS, VERIFICATION
from experiments.bench.pixels import nearest_neighbour_accuracy
from painlit.config import Config, load
from painlit.errors import PainlitError

LONDON = Path(__file__).parents[2] / "../shared/data/faces/london"
RUNS = Path("runs/bench")
CLASSES, FOLDS = ("neutral", "smiling"), 5


def make_fold(people: list[str], test: set[str], folder: Path) -> Path:
    """A tree train|validation/<class>/<person>.jpg of links to the photographs."""
    for name in CLASSES:
        for person in people:
            link = folder / ("validation" if person in test else "train") / name / f"{person}.jpg"
            link.parent.mkdir(parents=True, exist_ok=True)
            if not link.is_symlink():
                link.symlink_to((LONDON / name / f"{person}.jpg").resolve())
    return folder


def folds(people: list[str]) -> list[set[str]]:
    """Five groups of people, drawn once and for all."""
    order = np.random.default_rng(0).permutation(people)
    return [set(part.tolist()) for part in np.array_split(order, FOLDS)]


def wilson(right: int, of: int, z: float = 1.96) -> tuple[float, float]:
    """95 % interval of a share (Wilson 1927)."""
    centre, share = (right + z * z / 2) / (of + z * z), right / of
    half = z / (of + z * z) * math.sqrt(of * share * (1 - share) + z * z / 4)
    return centre - half, centre + half


def accuracy(config: Config) -> tuple[int, int]:
    """Validation images of a stage-2 run told right, and all of them."""
    of = len(EmotionDataModule(config, open_emotion_indices(config), config.spatial.image_size).validation_rows[0])
    return round(pretrain_stage2.run(config).metrics["val/folders/accuracy"] * of), of


def main() -> None:
    """Run all folds, or read what finished runs left, and print the figures."""
    if not LONDON.is_dir():
        raise PainlitError(f"{LONDON}: no such folder", "this benchmark needs the real data beside the project")
    given = [argument for argument in sys.argv[1:] if "=" in argument]
    weights = pretrain_stage1.run(load([*SETTINGS, *VERIFICATION])).weights
    people = sorted(path.stem for path in (LONDON / "neutral").glob("*.jpg"))
    counts: dict[str, list[tuple[int, int]]] = {"raw pixels": [], "from scratch": [], "after stage 1": []}
    for number, test in enumerate(folds(people)):
        root = make_fold(people, test, RUNS / "london" / f"fold{number}")
        settings = ["config=experiments/london.yaml", f"stage2.roots.folders={root}", f"runs={RUNS}", *given]
        scratch = load([*settings, "stage2.weights=untrained", f"name=london-scratch-{number}"])
        data = EmotionDataModule(scratch, open_emotion_indices(scratch), scratch.spatial.image_size)
        counts["raw pixels"].append(nearest_neighbour_accuracy(data))
        counts["from scratch"].append(accuracy(scratch))
        counts["after stage 1"].append(
            accuracy(load([*settings, f"stage2.weights={weights}", f"name=london-{number}"]))
        )
    print("neutral or smiling, people not learnt from (95 % interval of the share, Wilson):")
    for how, parts in counts.items():
        right, of = (sum(column) for column in zip(*parts, strict=True))
        low, high = wilson(right, of)
        shares = ", ".join(f"{r / n:.3f}" for r, n in parts)
        print(f"  {how}: {right}/{of} = {right / of:.4f} ({low:.3f} to {high:.3f}); folds {shares}")


if __name__ == "__main__":
    main()
