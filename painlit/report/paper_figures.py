"""The paper's Tables 3, 4, 5 and A1-A3 (Gkikas et al. 2024), to print beside ours. All figures in percent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from painlit.config import Config, flat
from painlit.config.paper import default_pretraining_differences, paper_differences

Figures = tuple[float, float, float, float]
"""Accuracy, precision, recall, F1."""


@dataclass(frozen=True)
class PaperRow:
    """One configuration of the paper and what it reached."""

    table: str
    modality: str
    epochs: int
    stage: int | None
    """Pretraining stage of the Spatial-Module."""
    frame_embedding: str | None
    """full, tiles, both; None without video."""
    coefficient: float | None
    """c of eq. 7."""
    encoder: bool
    """Heart Rate Encoder."""
    basic: bool
    masking: bool
    augmnet: bool
    np_vs_p4: Figures
    multilevel: Figures

    @property
    def name(self) -> str:
        """Its file in experiments/tables, in the words of the paper's columns; tilesc is tiles with the coefficient.

        >>> [row.name for row in PAPER_ROWS[::8]][1:]
        ['table3_800_2nd_full_tilesc_basic_mask_augmnet', 'table5_800_encoder_full_tilesc_augmnet']
        """
        words = [f"table{self.table[0]}", str(self.epochs)]
        if self.modality == "video":
            words.append({1: "1st", 2: "2nd"}[self.stage or 2])
        tiles = {None: [], 1.0: ["tiles"], 0.1: ["tilesc"]}[self.coefficient]
        full = ["full"] if self.frame_embedding in ("full", "both") else []
        flags = {"basic": self.basic, "mask": self.masking, "augmnet": self.augmnet}
        return "_".join([*words, *["encoder"] * self.encoder, *full, *tiles, *(w for w, on in flags.items() if on)])

    @property
    def settings(self) -> dict[str, object]:
        """What the row decides, by full key."""
        decided: dict[str, object] = {
            "model.modality": self.modality,
            "model.basic": self.basic,
            "model.masking": self.masking,
            "model.augmnet": self.augmnet,
            "train.epochs": self.epochs,
        }
        if self.modality != "heart_rate":
            decided["model.frame_embedding"] = self.frame_embedding
        if self.coefficient is not None:
            decided["model.tile_coefficient"] = self.coefficient
        if self.modality != "video":
            decided["model.heart_rate_encoder.enabled"] = self.encoder
        return decided

    def figures(self, task: str) -> Figures:
        """Its figures of a task; KeyError for one that the paper does not report."""
        return {"np_vs_p4": self.np_vs_p4, "multilevel": self.multilevel}[task]


def _video(epochs: int, stage: int, frame: str, c: float | None, augmentations: str, binary: Figures, multi: Figures):
    flags = ("B" in augmentations, "M" in augmentations, "A" in augmentations)
    return PaperRow("3 and A1", "video", epochs, stage, frame, c, False, *flags, binary, multi)


def _heart(epochs: int, encoder: bool, augmentations: str, binary: Figures, multi: Figures):
    flags = ("B" in augmentations, "M" in augmentations, "A" in augmentations)
    return PaperRow("4 and A2", "heart_rate", epochs, None, None, None, encoder, *flags, binary, multi)


# B = Basic, M = Masking, A = AugmNet. Table A2 prints its first two rows with the encoder's marks the other way round
# than Table 4; the accuracies of Table 4 decide here: the row without the encoder is the weaker one.
PAPER_ROWS = (
    _video(500, 1, "full", None, "B", (72.56, 72.53, 74.31, 71.95), (31.22, 31.24, 29.61, 27.16)),
    _video(500, 2, "full", None, "B", (74.25, 74.21, 76.74, 72.24), (33.34, 33.36, 33.41, 28.77)),
    _video(500, 2, "tiles", 1.0, "B", (68.07, 68.11, 72.15, 65.92), (31.49, 31.50, 27.99, 25.14)),
    _video(500, 2, "both", 1.0, "B", (65.11, 65.14, 70.36, 61.93), (27.84, 27.78, 18.42, 18.86)),
    _video(500, 2, "both", 0.1, "B", (74.86, 74.88, 77.41, 73.90), (33.86, 33.96, 34.31, 29.20)),
    _video(500, 2, "both", 0.1, "BM", (73.05, 73.09, 75.72, 71.92), (32.14, 32.17, 28.41, 26.02)),
    _video(500, 2, "both", 0.1, "BA", (74.83, 74.87, 77.80, 73.59), (33.73, 33.88, 29.30, 27.74)),
    _video(500, 2, "both", 0.1, "BMA", (73.16, 73.12, 76.18, 71.91), (32.87, 32.79, 28.51, 26.57)),
    _video(800, 2, "both", 0.1, "BMA", (77.10, 77.15, 79.35, 76.33), (35.39, 35.39, 35.11, 31.70)),
    _heart(500, False, "B", (61.70, 61.73, 65.04, 57.74), (27.60, 27.66, 20.91, 19.73)),
    _heart(500, True, "B", (61.93, 61.97, 66.01, 57.79), (27.68, 27.71, 22.13, 20.61)),
    _heart(500, True, "BM", (61.95, 61.97, 65.27, 57.38), (27.73, 27.80, 20.98, 20.97)),
    _heart(500, True, "BA", (62.09, 62.09, 65.73, 58.04), (28.11, 28.00, 21.27, 21.61)),
    _heart(500, True, "BMA", (61.87, 61.63, 65.08, 56.78), (27.96, 27.86, 21.24, 21.17)),
    _heart(800, True, "BMA", (64.84, 65.44, 69.85, 62.07), (29.81, 29.73, 27.40, 23.71)),
    _heart(800, True, "A", (67.04, 67.07, 71.24, 63.97), (31.22, 31.11, 29.33, 25.83)),
    PaperRow(
        "5 and A3",
        "fusion",
        800,
        2,
        "both",
        0.1,
        True,
        False,
        False,
        True,
        (82.74, 82.69, 84.71, 81.44),
        (39.77, 39.13, 37.67, 36.31),
    ),
)


_VARIED = {"task", *(key for row in PAPER_ROWS for key in row.settings)}
"""What the rows of the tables differ in."""
_SUBJECTS, _CLIPS = 87, 20
"""Of BioVid, and clips of each subject and class; the paper uses all."""


@dataclass(frozen=True)
class Comparison:
    """A configuration, or a run, beside a row of the paper's tables."""

    row: PaperRow
    differences: list[str]
    """A line for each way in which it is not what the paper did; none is the paper's configuration."""


def compare_with_paper(
    config: Config, results: Mapping[str, Any] | None = None, row: PaperRow | None = None
) -> Comparison | None:
    """The row of the paper's tables that comes nearest, and all differences; None for tasks the paper does not report.

    Args:
        config: The configuration.
        results: What the run's results.json holds; None judges the configuration with the pretraining it describes.
        row: A row to compare with instead of the nearest.
    """
    if config.task not in ("np_vs_p4", "multilevel"):
        return None
    stage = _stage(config, results)
    if row is None:
        candidates = [row for row in PAPER_ROWS if row.modality == config.model.modality]
        row = min(candidates, key=lambda row: (len(_from_row(config, stage, row)), -row.np_vs_p4[0]))
    own = paper_differences(
        flat(config.to_dict()), "prepare", "embed", "pain", "evaluation", modality=config.model.modality, varied=_VARIED
    )
    if results is None:
        others = default_pretraining_differences(config, stage)
    else:
        others = [*results.get("weights_differ", ["this run does not state how its weights were trained"])]
        others += _from_data(config, results)
    return Comparison(row, [*_from_row(config, stage, row), *own, *others])


def _stage(config: Config, results: Mapping[str, Any] | None) -> int | None:
    """Pretraining stage of the Spatial-Module; one that is not of stage 1 is taken for stage 2's."""
    if not config.model.uses_video:
        return None
    first = config.embed.weights == "stage1" if results is None else results["spatial_stage"] == "pretrain-stage1"
    return 1 if first else 2


def _from_row(config: Config, stage: int | None, row: PaperRow) -> list[str]:
    ours = flat(config.to_dict())
    wrong = [f"{k}={ours[k]}, the row has {value}" for k, value in row.settings.items() if ours[k] != value]
    return wrong + (
        [] if stage == row.stage else [f"Spatial-Module of stage {stage}, the row's is of stage {row.stage}"]
    )


def _from_data(config: Config, results: Mapping[str, Any]) -> list[str]:
    """Differences in clips and subjects, as far as the results record them."""
    differences, folds, left_out = [], results["folds"], len(results["excluded_clips"])
    if results["folds_done"] < folds:
        differences.append(f"{results['folds_done']} of {folds} folds are finished")
    elif config.loso.protocol == "loso" and results["subjects"] != _SUBJECTS:
        differences.append(f"{results['subjects']} subjects, the paper has {_SUBJECTS} (4)")
    elif not left_out and (clips := results["pooled"]["clips"]) != _CLIPS * len(config.classes) * results["subjects"]:
        differences.append(f"{clips} clips, the paper has {_CLIPS} of each subject and class (3.5)")
    if left_out:
        differences.append(f"{left_out} clips are left out, the paper uses all available samples (4)")
    return differences


def shared_lines(lists: Sequence[Sequence[str]]) -> list[str]:
    """Each line once, with the number of lists that have it where not all do."""
    counts = Counter(line for lines in lists for line in dict.fromkeys(lines))
    return [line if n == len(lists) else f"{n} of {len(lists)} rows: {line}" for line, n in counts.items()]
