"""The paper's Table 6: 29 results of other studies on BioVid, its own three, and ours from the available runs.

`table6.csv` has the rows as they are printed, `references.csv` the publications they are from, as the paper's reference
list gives them: where that has no DOI, none is here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from painlit.report.table7 import Counted
from painlit.system.csv_files import read_csv

OURS = "Our"
"""Study of the paper's own rows, as printed."""
GROUPS = {"video": "video", "ecg": "ECG", "multimodal": "several modalities"}
"""Group of rows, in the table's order -> what these studies read."""
ROW_OF_GROUP = {
    "video": "table3_800_2nd_full_tilesc_basic_mask_augmnet",
    "ecg": "table4_800_encoder_augmnet",
    "multimodal": "table5_800_encoder_full_tilesc_augmnet",
}
"""Group -> the row of Tables 3 to 5 that the paper's own row of Table 6 repeats, and that our own row is a run of."""
_MODULES = {
    "video": ("Spatial-Module", "Temporal-Module"),
    "ecg": ("Heart Rate Encoder", "Temporal-Module"),
    "multimodal": ("Spatial-Module", "Heart Rate Encoder", "Temporal-Module"),
}
"""Modules that a group's model uses in inference; AugmNet is in training alone, and the paper leaves it out too."""
MARKS = {
    "study:reimplemented": "reimplemented for BioVid by (33)",
    "params:mark": "parameters are estimated from the publication, stated by its authors, or exclude AugmNet: the "
    "table has a footnote for each, and the copy that was read one mark for all",
    "features:star": "pseudo heart rate gain, or numerous features: the table has two footnotes with one mark",
}
"""Mark of a row -> what it stands for."""
ODDITIES = (
    "Rows: 14 of video, 7 of ECG and 8 of several modalities are 29, as the abstract counts studies; they are from 19 "
    "publications, as (25), (27), (33), (36), (42) and (44) have several rows.",
    '(33) has "3D CNN," in video: the printed comma suggests that something is missing.',
    "(44) has two rows of several modalities with different classifiers; (45) and (46) of the reference list are in no "
    "row, though they are of the same kind.",
    "Section 5 states that the figures from heart rate, 67.04 % among them, surpass the best in the literature; "
    "for NP vs. P4 the table has 69.40 % in (43). For five classes 31.22 % is the highest of ECG.",
    'The paper\'s own "FLOPS" are multiply-accumulates for one image, one heart rate vector and one clip: a clip of '
    "138 frames takes 138 times the Spatial-Module's, and 690 times with tiles.",
)
"""What is odd in the printed table; rows stand here as printed."""


@dataclass(frozen=True)
class Study:
    """A row as it is printed; an empty string is a missing value."""

    group: str
    study: str
    """Number in the paper's reference list, or `Our`."""
    modality: str
    features: str
    machine_learning: str
    params_m: str
    flops_g: str
    np_vs_p4: str
    multilevel: str
    marks: tuple[str, ...]

    @property
    def is_papers(self) -> bool:
        """Whether it is one of the paper's own three."""
        return self.study == OURS


@dataclass(frozen=True)
class Reference:
    """A publication, as the paper's reference list has it."""

    study: str
    year: str
    authors: str
    title: str
    source: str
    doi: str
    """Empty where the list has none."""


@dataclass(frozen=True)
class OwnRow:
    """Our own row of a group."""

    group: str
    row: str
    """Of Tables 3 to 5."""
    parameters: int
    macs: int
    accuracy: Mapping[str, float]
    """Task -> accuracy in percent, of the tasks that have finished runs."""
    remark: str
    """What a reader must know of these figures, such as that the data are not the paper's."""


@cache
def studies() -> tuple[Study, ...]:
    """All rows, the paper's own too, in the printed order."""
    rows = _rows("table6.csv")
    return tuple(Study(**{**row, "marks": tuple(row["marks"].split())}) for row in rows)  # type: ignore[arg-type]


@cache
def references() -> dict[str, Reference]:
    """Number in the paper's reference list -> the publication."""
    return {row["study"]: Reference(**row) for row in _rows("references.csv")}


def own_rows(counted: Sequence[Counted], accuracies: Mapping[tuple[str, str], float], remark: str) -> list[OwnRow]:
    """Our own row of each group.

    Args:
        counted: Modules of the runs, as `painlit.report.table7.count_modules` counts them.
        accuracies: Row of Tables 3 to 5 and task -> accuracy in percent, of the available runs.
        remark: What a reader must know of them.
    """
    size = {module.module: module for module in counted}
    return [
        OwnRow(
            group,
            row,
            sum(size[name].parameters for name in _MODULES[group]),
            sum(size[name].macs for name in _MODULES[group]),
            {task: value for (name, task), value in accuracies.items() if name == row},
            remark,
        )
        for group, row in ROW_OF_GROUP.items()
    ]


def table6_rows(own: Sequence[OwnRow]) -> list[list[str]]:
    """Table 6 as rows of cells: the printed ones with their publications, and ours at the end of each group."""
    rows = [["study", "modality", "features", "machine learning", "params (M)", "FLOPS (G)", "NP vs. P4 %",
             "five classes %", "marks", "year", "authors", "title", "source", "DOI"]]  # fmt: skip
    for group in GROUPS:
        for study in (study for study in studies() if study.group == group):
            work = references().get(study.study)
            cells = [study.modality, study.features, study.machine_learning, study.params_m, study.flops_g]
            cells += [study.np_vs_p4, study.multilevel, "; ".join(study.marks)]
            source = [work.year, work.authors, work.title, work.source, work.doi] if work else ["2024", "the paper"]
            name = "the paper's own" if study.is_papers else f"({study.study})"
            rows.append([name, *cells, *source, *[""] * (5 - len(source))])
        for ours in (ours for ours in own if ours.group == group):
            rows.append(_own_cells(ours))
    return rows


def format_size(value: float) -> str:
    """A size with two decimals as the paper has it, or two digits where it is small.

    >>> format_size(4.1966), format_size(0.0214)
    ('4.20', '0.021')
    """
    return f"{value:.2f}" if value >= 0.1 else f"{value:.2g}"


def _own_cells(ours: OwnRow) -> list[str]:
    printed = next(study for study in studies() if study.group == ours.group and study.is_papers)
    accuracy = [f"{ours.accuracy[task]:.2f}" if task in ours.accuracy else "" for task in ("np_vs_p4", "multilevel")]
    sizes = [format_size(ours.parameters / 1e6), format_size(ours.macs / 1e9)]
    cells = [printed.modality, printed.features, printed.machine_learning, *sizes, *accuracy, ours.remark]
    return ["painlit", *cells, "", "", ours.row, "", ""]


def _rows(name: str) -> list[dict[str, str]]:
    header, *lines = read_csv(Path(__file__).with_name(name))
    return [dict(zip(header, cells, strict=True)) for cells in lines]
