"""What `make paper` makes of what its stages left: Tables 6 and 7, Figure 3, the maps, and the page with everything."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.table import Table

from data_modules.recordings.clips import read_clips
from experiments import maps, report
from experiments.paper_steps import Step, draws, run_is_finished
from experiments.tables import table_runs
from painlit.clips.table import open_table
from painlit.config import Config, values_affecting
from painlit.config.pain import TablesConfig
from painlit.errors import PainlitError
from painlit.inference.pipeline_timing import machine, time_pipelines
from painlit.report.figure3 import ROW_OF_PIPELINE, draw_figure3, points
from painlit.report.paper_figures import PAPER_ROWS
from painlit.report.paper_page import PaperContent, Timing, remarks_of, write_paper
from painlit.report.table6 import OwnRow, own_rows, table6_rows
from painlit.report.table7 import Counted, count_modules, same_sizes, table7_rows
from painlit.runs.artefact import read_artefact, write_artefact
from painlit.system.csv_files import write_csv
from painlit.system.devices import pick_device
from painlit.system.terminal import console

PAPERS_SIZES = "at the paper's sizes"
"""Key of timing.json."""
PRETRAINING = ("pretrain-stage1", "pretrain-stage1-temporal", "pretrain-stage2", "pretrain-ecg")


def write_outputs(config: Config, steps: list[Step], folder: Path) -> Path:
    """Make the chosen tables and figures, and the page; what has no results yet is left empty.

    Args:
        config: Of the whole.
        steps: All of them, whose pretraining the page describes.
        folder: Where everything goes.

    Returns:
        The page.
    """
    print("\nreport")
    lines = report.run(config).lines
    accuracies = {(line.row, line.task): line.ours[0] for line in lines}
    counted = count_modules(_papers_sizes(config)), count_modules(_fusion(config))
    content = PaperContent(lines, len(PAPER_ROWS) * len(TablesConfig().tasks), [*_pretraining(steps)])
    if draws(config, "table6"):
        content = replace(content, own=_table6(config, counted[1], accuracies, folder))
    if draws(config, "table7"):
        write_table7(counted, folder)
        content = replace(content, counted=counted)
    if draws(config, "figure3"):
        content = replace(content, timing=_figure3(config, counted, accuracies, folder))
    if draws(config, "maps"):
        content = replace(content, maps=_maps(config, folder))
    page = folder / "paper.html"
    write_paper(config, content, config.paper.epoch_share, page)
    return page


def _table6(
    config: Config, counted: list[Counted], accuracies: Mapping[tuple[str, str], float], folder: Path
) -> list[OwnRow]:
    remark = " ".join(remarks_of(config, config.paper.epoch_share))
    own = own_rows(counted, accuracies, remark.removesuffix("."))
    write_csv(folder / "table6.csv", table6_rows(own))
    print(f"table 6: {folder / 'table6.csv'}")
    return own


def write_table7(counted: tuple[list[Counted], list[Counted]], folder: Path) -> None:
    """Write table7.csv and print it.

    Args:
        counted: At the paper's sizes, and of this configuration.
        folder: Where it goes.
    """
    rows = table7_rows(*counted)
    write_csv(folder / "table7.csv", rows)
    table = Table(title="Table 7: parameters and multiply-accumulates, the paper's beside ours", title_justify="left")
    for column in ("module", "paper, M", "paper, G", "parameters", "MACs", "here: parameters", "here: MACs"):
        table.add_column(column, justify="left" if column == "module" else "right")
    for row in rows[1:]:
        table.add_row(*row[:3], *(f"{int(cell):,}" for cell in row[3:]))
    console(130).print("\n", table)
    print(f"table 7: {folder / 'table7.csv'}")


def _figure3(
    config: Config,
    counted: tuple[list[Counted], list[Counted]],
    accuracies: Mapping[tuple[str, str], float],
    folder: Path,
) -> Timing:
    video, place = _video(config), folder / "timing.json"
    at_papers_size = not same_sizes(*counted) or config.clip.used_frames != Config().clip.used_frames
    made_from = {
        **values_affecting(config, "prepare", "embed", "pain"),
        "rounds": config.paper.timings,
        "machine": {key: value for key, value in _machine(config).items() if key != "versions"},
    }
    timing = _timed(config, video, at_papers_size, place, made_from)
    shown = points(accuracies, timing["seconds"], timing[PAPERS_SIZES])
    whose = timing["machine"]["processor"]
    data = "" if config.data.is_biovid else f"; {config.data.name}, no pain data"
    trial = f"; a trial, {100 * config.paper.epoch_share:g} % of the epochs" if config.paper.epoch_share < 1 else ""
    image, drawn = draw_figure3(shown, f"ours on {whose}{data}{trial}", folder / "figure3")
    print(f"figure 3: {image}, {drawn}")
    for point in shown:
        print(f"  {point.pipeline}: {point.seconds:.3g} s here, {point.paper_seconds:g} s in the paper")
    return Timing(timing["machine"], shown, image)


def _timed(config: Config, video: Path, at_papers_size: bool, place: Path, made_from: dict[str, Any]) -> dict[str, Any]:
    """timing.json, as it was written on this machine with these settings, or anew."""
    if place.is_file():
        try:
            return read_artefact(place, "it is made anew", made_from)
        except PainlitError as error:
            print(f"Figure 3 is timed anew: {error.one_line}")
    device, rounds = pick_device(config.embed.device.partition(",")[0]), config.paper.timings
    where = {**machine(device), "load": round(os.getloadavg()[0], 1)}
    print(f"figure 3: five pipelines, {rounds} rounds on {where['processor']}, load {where['load']}", flush=True)
    timing = {
        "machine": where,
        "clip": video.name,
        "rounds": rounds,
        "seconds": time_pipelines(config, video, rounds, device),
        PAPERS_SIZES: time_pipelines(_papers_sizes(config), video, rounds, device) if at_papers_size else None,
    }
    write_artefact(place, timing, made_from)
    return timing


def _machine(config: Config) -> dict[str, Any]:
    return machine(pick_device(config.embed.device.partition(",")[0]))


def _video(config: Config) -> Path:
    """A prepared clip whose face was found in every frame, or in most."""
    listed = {clip.name: clip.video for clip in read_clips(config)[1] if clip.video is not None}
    rows = [row for row in open_table(config).clips().values() if row.boxes is not None and row.name in listed]
    if not rows:
        raise PainlitError(
            "no prepared clip has a usable video, and Figure 3 needs one", "leave it out: paper.only=[…]"
        )
    best = max(rows, key=lambda row: 1.0 if row.found is None else float(row.found.mean()))
    return Path(str(listed[best.name]))


def _maps(config: Config, folder: Path) -> dict[str, str]:
    """Figures 4, A1 and A2, of the best rows from video, heart rates and both that have finished runs."""
    wanted = [ROW_OF_PIPELINE[name] for name in ("video with tiles", "heart rate with encoder", "fusion")]
    runs = [run.config for run in table_runs(replace(config, tables=replace(config.tables, rows=wanted)))]
    tasks = list(dict.fromkeys(run.task for run in runs))
    finished = [run for run in runs if run.task == tasks[0] and run_is_finished(run)]
    if not finished:
        print("maps: none of their runs is finished")
        return {}
    chosen = replace(config.maps, runs=[run.run_name for run in finished], stage="loso")
    made = maps.run(replace(config, maps=chosen, embed=replace(config.embed, weights="auto"))).folder
    return {"Figures 4, A1 and A2": os.path.relpath(made / "maps.html", folder)}


def _pretraining(steps: list[Step]) -> Iterator[tuple[str, str]]:
    """Figures of finished pretrainings on validation data."""
    for step in steps:
        place = step.configs[0].folder(step.stage) / "metrics.json"
        if step.name in PRETRAINING and place.is_file():
            metrics = read_artefact(place, f"delete it and run `make {step.stage}` again")
            figures = [
                f"{key.removeprefix('val/')} {value:.3g}" for key, value in metrics.items() if key.startswith("val/")
            ]
            yield step.name, ", ".join(figures) or "no validation data"


def _fusion(config: Config) -> Config:
    """The configuration with all modules."""
    encoder = replace(config.model.heart_rate_encoder, enabled=True)
    return replace(config, model=replace(config.model, modality="fusion", heart_rate_encoder=encoder))


def _papers_sizes(config: Config) -> Config:
    """The paper's networks and clips, on these recordings."""
    plain = Config()
    return replace(config, spatial=plain.spatial, model=plain.model, clip=plain.clip)
