"""Figure 3 and Table 7: which figure belongs to which pipeline and module."""

import xml.etree.ElementTree as ET

import cv2
import pytest

from painlit.config import load
from painlit.inference.pipeline_timing import PIPELINES
from painlit.report.figure3 import PAPER_SECONDS, ROW_OF_PIPELINE, draw_figure3, points
from painlit.report.paper_figures import PAPER_ROWS
from painlit.report.table7 import PAPER, count_modules, same_sizes, table7_rows

TIMING = {name: {"all": float(k)} for k, name in enumerate(ROW_OF_PIPELINE, start=1)}
ACCURACIES = {
    (row, task): 60.0 + k for k, row in enumerate(ROW_OF_PIPELINE.values()) for task in ("np_vs_p4", "multilevel")
}


def test_every_pipeline_has_the_row_that_is_run_with_it():
    rows = {row.name: row for row in PAPER_ROWS}
    assert [p.name for p in PIPELINES] == list(ROW_OF_PIPELINE) == list(PAPER_SECONDS)
    for pipeline in PIPELINES:
        row = rows[ROW_OF_PIPELINE[pipeline.name]]
        assert (row.modality, row.encoder) == (pipeline.modality, pipeline.encoder)
        assert pipeline.tiles == (row.coefficient is not None)
        alike = [r for r in PAPER_ROWS if (r.modality, r.encoder, r.coefficient is not None) ==
                 (row.modality, row.encoder, pipeline.tiles)]  # fmt: skip
        assert row.np_vs_p4[0] == max(r.np_vs_p4[0] for r in alike if r.frame_embedding == row.frame_embedding)


def test_points_are_of_their_pipeline():
    found = {point.pipeline: point for point in points(ACCURACIES, TIMING, None)}
    assert found["video"].paper_accuracy == pytest.approx((74.25 + 33.34) / 2)
    assert found["video with tiles"].paper_accuracy == pytest.approx((77.10 + 35.39) / 2)
    assert found["fusion"].paper_accuracy == pytest.approx((82.74 + 39.77) / 2)
    assert [point.seconds for point in found.values()] == [1, 2, 3, 4, 5]
    assert [point.paper_seconds for point in found.values()] == [26, 130, 1.2, 1.7, 131]
    assert [point.accuracy for point in found.values()] == [60, 61, 62, 63, 64]
    one_task = {key: value for key, value in ACCURACIES.items() if key[1] == "np_vs_p4"}
    assert all(point.accuracy is None for point in points(one_task, TIMING, None)), "a mean of one is none"


def test_the_figure_is_drawn_twice_and_the_same_again(tmp_path):
    shown = points(ACCURACIES, TIMING, None)
    png, svg = draw_figure3(shown, "ours on a machine", tmp_path / "figure3")
    assert min(cv2.imread(str(png)).shape[:2]) > 500
    texts = [text.text for text in ET.fromstring(svg.read_text()).iter("{http://www.w3.org/2000/svg}text")]
    assert texts.count("5") == 2, "the paper's point and ours"
    assert {"the paper", "painlit", "5  fusion"} <= {*texts}
    without = points({}, TIMING, None)
    before = svg.read_text()
    draw_figure3(without, "ours on a machine", tmp_path / "figure3")
    assert svg.read_text() != before
    draw_figure3(shown, "ours on a machine", tmp_path / "figure3")
    assert svg.read_text() == before


def test_table_7_is_counted_as_printed():
    counted = count_modules(load([]))
    for module in counted:
        params, flops = PAPER[module.module]
        assert f"{module.parameters / 1e6:.2f}" == params
        if module.module not in ("AugmNet", "Total"):  # 0.001 G, where 0.02 G is printed
            assert f"{module.macs / 1e9:.2f}" == flops
    small = count_modules(load(["spatial.depth=2", "model.temporal.token_size=100"]))
    assert not same_sizes(counted, small)
    rows = table7_rows(counted, small)
    assert rows[1] == [
        "Spatial-Module",
        "2.57",
        "1.19",
        "2565100",
        "1187726080",
        str(small[0].parameters),
        str(small[0].macs),
    ]
    assert [row[0] for row in rows[1:]] == list(PAPER)
