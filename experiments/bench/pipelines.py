"""The paper's Figure 3 and Table 7 from one command: seconds of the five pipelines against accuracy, beside its own.

One clip of proxy A at BioVid's 1388×1038 px, timed as by `make paper`. Accuracies are those of finished runs of
`make tables`, where the `key=value` arguments name them (such as `config=… runs=…`), and otherwise the paper's: then
the figure compares times alone, and says so. The paper's seconds are of a six-core laptop, another machine than this.

Leaves runs/bench/pipelines/{figure3.png, figure3.svg, table7.csv}.
"""

from __future__ import annotations

from data_modules.proxy.halves import folder_of
from experiments import report
from experiments.bench.chain import enlarged
from experiments.bench.data import RUNS, given, sized
from experiments.bench.proxy import make_both
from experiments.bench.rows import Row
from experiments.paper_outputs import write_table7
from painlit.config import Config, load
from painlit.inference.pipeline_timing import machine, time_pipelines
from painlit.report.figure3 import draw_figure3, points
from painlit.report.paper_figures import PAPER_ROWS
from painlit.report.table7 import count_modules
from painlit.system.devices import pick_device

FOLDER = RUNS / "pipelines"
ROUNDS = sized(3, 1)
SIZES = sized((), ("clip.frames=6",))
PAPER = "the paper's laptop"


def accuracies_of(config: Config | None) -> tuple[dict[tuple[str, str], float], str]:
    """Row of the tables and task -> accuracy in percent, and whose they are.

    Args:
        config: Of finished runs of `make tables`, if there may be any.
    """
    found = {(line.row, line.task): line.ours[0] for line in report.run(config).lines} if config else {}
    if config and found:
        return found, "our accuracies" + ("" if config.data.is_biovid else f"; {config.data.name}, no pain data")
    papers = {(row.name, task): row.figures(task)[0] for row in PAPER_ROWS for task in ("np_vs_p4", "multilevel")}
    return papers, "the paper's accuracies for both"


def main() -> list[Row]:
    """Time the pipelines, draw, and count the modules."""
    config, device = load([*given(), *SIZES]), pick_device("cpu")
    video = min((folder_of(make_both(), "A") / "video").glob("*/*.mp4"))  # settings given are not of proxy A alone
    seconds = time_pipelines(config, enlarged(video), ROUNDS, device)
    accuracies, whose = accuracies_of(load(given()) if given() else None)
    shown = points(accuracies, seconds, None)
    title = f"ours on {machine(device)['processor']}; {whose}{sized('', '; a quick run, 6 of 138 frames')}"
    FOLDER.mkdir(parents=True, exist_ok=True)
    files = draw_figure3(shown, title, FOLDER / "figure3")
    print(f"figure 3: {', '.join(map(str, files))}; {whose}")
    for point in shown:
        steps = ", ".join(f"{step} {value:.2f}" for step, value in seconds[point.pipeline].items() if step != "all")
        print(f"  {point.pipeline}: {point.seconds:.3g} s here ({steps}), {point.paper_seconds:g} s in the paper")
    write_table7((count_modules(Config()), count_modules(config)), FOLDER)
    return [_row(point.pipeline, point.seconds, point.paper_seconds) for point in shown]


def _row(pipeline: str, seconds: float, papers: float) -> Row:
    """A row of the median alone; beside the paper only where as many frames are read."""
    beside = sized((PAPER, papers / seconds), ("", None))
    return Row(pipeline, seconds, None, None, "s", ROUNDS, *beside)
