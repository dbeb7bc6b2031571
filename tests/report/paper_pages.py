"""A page of `make paper` with every part."""

from dataclasses import replace
from pathlib import Path

from painlit.config import Config, load
from painlit.report.figure3 import ROW_OF_PIPELINE, draw_figure3, points
from painlit.report.paper_page import PaperContent, Timing, write_paper
from painlit.report.table6 import own_rows
from painlit.report.table7 import count_modules
from painlit.report.tables_report import TableLine

MACHINE = {
    "processor": "a processor", "cores": 2, "threads": 2, "device": "cpu", "system": "Linux", "python": "3.12",
    "load": 7.5, "versions": {"torch": "2.13"},
}  # fmt: skip
SECONDS = {name: {"all": float(k)} for k, name in enumerate(ROW_OF_PIPELINE, start=1)}


def write_page(line: TableLine, path: Path, config: Config | None = None, epoch_share: float = 1.0) -> str:
    """Write it beside its figure, and return its text."""
    config = config or load()
    lines = [line, *(replace(line, table=table, row=f"table{table}_row") for table in "45")]
    shown = points({}, SECONDS, SECONDS)
    counted = count_modules(load())
    content = PaperContent(
        lines=lines,
        of=34,
        pretraining=[("pretrain-stage2", "folders/accuracy 0.9")],
        own=own_rows(counted, {("table5_800_encoder_full_tilesc_augmnet", "np_vs_p4"): 61.37}, "a remark of ours"),
        counted=(counted, count_modules(config)),
        timing=Timing(MACHINE, shown, draw_figure3(shown, "ours", path.parent / "figure3")[0]),
        maps={"report.html": "../../maps/x/report.html"},
    )
    write_paper(config, content, epoch_share, path)
    return path.read_text()
