"""The steps of `make paper`: the settings of each, what it reads of raw data, and whether it is finished."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from data_modules.proxy.beside import beside
from data_modules.proxy.halves import folder_of
from experiments.tables import TableRun, table_runs
from painlit.config import Config, values_affecting
from painlit.config.heartbeats import ALL as ALL_HEARTBEATS
from painlit.config.proxy import HALVES
from painlit.config.reproduction import STEPS
from painlit.loso.finished import is_finished
from painlit.runs.artefact import read_artefact, refuse_changes
from painlit.runs.folder import has_work
from painlit.system.files import read_json


@dataclass(frozen=True)
class Step:
    """A step that runs a stage."""

    name: str
    stage: str
    """Whose entry point runs it."""
    configs: tuple[Config, ...]
    """A call of the stage for each."""
    sets: tuple[str, ...]
    """Raw data that it reads, as `make check-data` names them."""
    left: Callable[[], str]
    """What is left to do; empty if it is finished."""
    makes: tuple[str, ...] = ()
    """What a pretraining makes, as `painlit.config.affects` names it."""


def steps(config: Config, runs: Sequence[TableRun]) -> Iterator[Step]:
    """The chosen steps that run stages, in order; what a stage leaves open is the configuration's.

    Args:
        config: Of the whole.
        runs: What `runs_of` gives for it.
    """
    for step in _every(replace(config, name=""), runs):
        if not config.paper.only or step.name in config.paper.only:
            yield step


def draws(config: Config, step: str) -> bool:
    """Whether a step that makes a table or a figure is chosen."""
    assert step in STEPS, step
    return not config.paper.only or step in config.paper.only


def half_of(config: Config) -> str:
    """The half of the proxies that the recordings are; empty if they are others."""
    here = Path(config.data.root).absolute()
    halves = [half for half in HALVES if folder_of(config, half).absolute() == here]
    return halves[0] if config.data.layout == "biovid" and halves else ""


def runs_of(config: Config) -> list[TableRun]:
    """The runs of the tables, with the share of epochs."""
    config = replace(config, name="", tables=replace(config.tables, epoch_share=config.paper.epoch_share))
    return list(table_runs(config))


def refuse_other_settings(steps: Sequence[Step], runs: Sequence[TableRun]) -> None:
    """Refuse pretrainings and runs that were made with other settings: the page would show them as made with these.

    Raises:
        PainlitError: One was; each setting is named with both values.
    """
    for step in steps:
        if step.makes:
            _refuse(step.configs[0].folder(step.stage), step.configs[0], *step.makes)
    for run in runs:
        _refuse(run.config.folder("loso"), run.config, "pain", "evaluation")


def _refuse(folder: Path, config: Config, *results: str) -> None:
    if not has_work(folder):
        return
    remedy = f"set these back, give this a folder of its own (runs=…), or delete {folder}"
    now, before = values_affecting(config, *results), read_artefact(folder / "fingerprint.json", remedy)
    refuse_changes(folder, {key: before[key] for key in now if key in before}, now, remedy)


def _every(config: Config, runs: Sequence[TableRun]) -> Iterator[Step]:
    share = config.paper.epoch_share
    if half := half_of(config):
        one = replace(config, proxy=replace(config.proxy, halves=[half]))
        yield Step("proxy-data", "proxy-data", (one,), (), partial(_without, _proxy_places(config, half)))
    for name, network in (("pretrain-stage1", "spatial"), ("pretrain-stage1-temporal", "temporal")):
        train = config.stage1.train.shortened(share)
        one = replace(config, stage1=replace(config.stage1, network=network, train=train))
        makes = ("stage1",) if network == "spatial" else ("stage1", "stage1-temporal")
        yield _pretraining(name, "pretrain-stage1", one, ("vggface2",), *makes)
    stage2 = replace(config.stage2, train=config.stage2.train.shortened(share))
    second = replace(config, stage2=stage2)
    yield _pretraining("pretrain-stage2", "pretrain-stage2", second, tuple(config.stage2.sets), "stage2")
    ecg = replace(config.ecg, train=config.ecg.train.shortened(share))
    yield _pretraining("pretrain-ecg", "pretrain-ecg", replace(config, ecg=ecg), _heartbeats(config), "ecg")
    place = config.folder("prepare")
    yield Step("prepare", "prepare", (config,), ("biovid",), partial(_without, [place / "metrics.json"]))
    embeddings = {run.config.folder("embed"): run.config for run in runs if run.config.cached}
    places = [folder / "metrics.json" for folder in embeddings]
    yield Step("embed", "embed", tuple(embeddings.values()), ("biovid",), partial(_without, places))
    tables = replace(config, tables=replace(config.tables, epoch_share=share))
    yield Step("tables", "tables", (tables,), ("biovid",), partial(_unfinished, runs))


def _pretraining(name: str, stage: str, config: Config, sets: tuple[str, ...], *makes: str) -> Step:
    return Step(name, stage, (config,), sets, partial(_without, [config.folder(stage) / "metrics.json"]), makes)


def _heartbeats(config: Config) -> tuple[str, ...]:
    """Collections that are read: of the paper's two, those whose folder exists, or both if none does."""
    if config.ecg.sets != [ALL_HEARTBEATS]:
        return tuple(config.ecg.sets)
    roots = {"mitbih": config.ecg.roots.mitbih, "ptb": config.ecg.roots.ptb}
    return tuple(name for name, root in roots.items() if Path(root).exists()) or tuple(roots)


def _proxy_places(config: Config, half: str) -> list[Path]:
    return [folder_of(config, half) / "truth.json", folder_of(config, half) / "starting_point" / "samples.csv",
            beside(config, half)]  # fmt: skip


def _without(places: list[Path]) -> str:
    """What is missing of places that are there when a step is finished."""
    missing = sum(not place.exists() for place in places)
    return "" if not missing else "all of it" if missing == len(places) else f"{missing} of {len(places)}"


def _unfinished(runs: Sequence[TableRun]) -> str:
    missing = sum(not run_is_finished(run.config) for run in runs)
    return f"{missing} of {len(runs)} runs" if missing else ""


def run_is_finished(config: Config) -> bool:
    """Whether all folds of a run of `make loso` are finished and evaluated."""
    path = config.folder("loso") / "results.json"
    if not path.is_file():
        return False
    results = read_json(path)
    folds = [fold for fold in (path.parent / "folds").glob("*") if is_finished(fold)]
    return isinstance(results, dict) and results.get("folds") == results.get("folds_done") == len(folds)
