"""Table 6: every printed figure, against a transcription of its own; where studies are from; and our own rows."""

import pytest

from painlit.config import load
from painlit.report.paper_figures import PAPER_ROWS
from painlit.report.table6 import (
    GROUPS,
    MARKS,
    ROW_OF_GROUP,
    own_rows,
    references,
    studies,
    table6_rows,
)
from painlit.report.table7 import count_modules

PRINTED = """
30 - - 70.20 -; 31 - - 61.70 29.70; 32 423.20 - 86.02 -; 33 - - 77.50 34.30; 34 - - 69.25 -; 35 25.00 4.00 71.00 -;
36 - - 72.40 30.80; 36 - - 72.10 30.30; 37 - - 73.20 -; 38 - - 86.65 40.40; 39 - - 71.30 37.60; 40 150.00 - 73.90 39.10;
41 24.00 4.20 73.28 31.52; 42 - - 71.60 -; Our 4.20 1.62 77.10 35.39;
25 1.80 - 57.04 23.23; 27 - - 57.69 -; 28 - - 58.39 23.79; 33 - - 65.00 28.50; 42 - - 62.00 -; 43 4.09 0.40 69.40 30.24;
44 - - 63.50 -; Our 6.03 1.25 67.04 31.22;
25 10.00 - 76.72 36.54; 27 - - 72.20 -; 33 - - 88.10 42.20; 42 - - 74.10 -; 42 - - 77.80 -; 44 - - 78.90 -;
44 - - 76.60 -; 47 4.00 - 83.99 -; Our 8.60 2.44 82.74 39.77
"""
"""Study, parameters, FLOPS, NP vs. P4 and five classes of each row, in the printed order."""
FUSION = ROW_OF_GROUP["multimodal"]


def test_every_figure_stands_as_it_is_printed():
    ours = [(s.study, s.params_m, s.flops_g, s.np_vs_p4, s.multilevel) for s in studies()]
    printed = [tuple("" if cell == "-" else cell for cell in row.split()) for row in PRINTED.split(";")]
    assert ours == printed


def test_there_are_29_results_of_19_publications_and_the_papers_three():
    counts = {group: sum(s.group == group and not s.is_papers for s in studies()) for group in GROUPS}
    assert counts == {"video": 14, "ecg": 7, "multimodal": 8}
    assert {s.study for s in studies() if not s.is_papers} == set(references())
    assert len(references()) == 19
    assert sum(s.is_papers for s in studies()) == 3
    assert {mark for s in studies() for mark in s.marks} == set(MARKS)


def test_each_publication_has_its_facts():
    for number, reference in references().items():
        assert reference.authors, number
        assert reference.title, number
        assert reference.source, number
        assert 2013 < int(reference.year) < 2025
        assert not reference.doi or reference.doi.startswith("10.")
    assert sum(bool(reference.doi) for reference in references().values()) == 12
    assert references()["43"].doi == "", "the paper's list gives none"
    assert references()["33"].doi == "10.1109/TMM.2021.3096080"


@pytest.mark.parametrize("group", GROUPS)
def test_the_papers_own_rows_repeat_tables_3_to_5(group):
    (printed,) = [s for s in studies() if s.group == group and s.is_papers]
    (row,) = [row for row in PAPER_ROWS if row.name == ROW_OF_GROUP[group]]
    assert (float(printed.np_vs_p4), float(printed.multilevel)) == (row.np_vs_p4[0], row.multilevel[0])


def test_our_sizes_at_the_papers_configuration_are_the_papers():
    own = {ours.group: ours for ours in own_rows(count_modules(load([])), {}, "")}
    for printed in (s for s in studies() if s.is_papers):
        ours = own[printed.group]
        assert f"{ours.parameters / 1e6:.2f}" == printed.params_m
        assert f"{ours.macs / 1e9:.2f}" == printed.flops_g


def test_our_accuracies_are_of_our_runs_and_stand_beside_the_papers():
    accuracies = {(FUSION, "np_vs_p4"): 61.25, ("table4_500_basic", "np_vs_p4"): 99.0}
    rows = table6_rows(own_rows(count_modules(load([])), accuracies, "stand-in data"))
    header = rows[0]
    at = header.index("NP vs. P4 %")
    assert [row[at] for row in rows if row[0] == "painlit"] == ["", "", "61.25"], "no figure without a run"
    assert [row[at] for row in rows if row[0] == "the paper's own"] == ["77.10", "67.04", "82.74"]
    assert [row[0] for row in rows[-2:]] == ["the paper's own", "painlit"]
    assert all("stand-in data" in row for row in rows if row[0] == "painlit")
    assert {len(row) for row in rows} == {len(header)}
