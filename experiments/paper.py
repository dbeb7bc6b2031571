"""`make paper`: everything of the paper in order, from raw data to its tables and figures.

Each step is the stage of its own name: finished work is not repeated, and a stopped run goes on with the same command.
Before it starts it prints what is finished, which raw data are missing (exit status 2) and how long the tables take;
with --dry-run it stops there. Leaves what the stages leave, and runs/paper/<data.name>/{paper.html, table6.csv,
table7.csv, figure3.png, figure3.svg, timing.json}.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from pathlib import Path

from data_modules.recordings.clips import with_classes
from experiments.command import main, stage_module
from experiments.paper_outputs import write_outputs
from experiments.paper_plan import missing_data, print_steps
from experiments.paper_steps import Step, refuse_other_settings, runs_of, steps
from painlit.config import Config
from painlit.errors import PainlitError


@dataclass(frozen=True)
class PaperResult:
    """What `make paper` did."""

    folder: Path
    took: dict[str, float] = field(default_factory=dict)
    """Step that was to do -> s that it took."""
    statuses: tuple[int, ...] = ()
    """Exit statuses of the steps."""

    @property
    def exit_status(self) -> int:
        """1 if a step had a failure that did not stop it, such as a fold."""
        return max(self.statuses, default=0)


def run(config: Config) -> PaperResult:
    """Print what is to do, then do it.

    Raises:
        PainlitError: Raw data of a step that is to do are missing or wrong, work that is there was made with other
            settings, or a step cannot be done.
    """
    config = _with_known_classes(replace(config, name=""))
    folder = Path(config.runs) / "paper" / config.data.name
    runs = runs_of(config)
    every = list(steps(config, runs))
    refuse_other_settings(every, runs)
    findings = missing_data(config, every)
    print_steps(config, every, runs)
    if findings and not config.paper.accept_data:
        listed = "\n".join(f"  {line}" for line in findings)
        raise PainlitError(
            f"raw data are missing or wrong, and nothing was started:\n{listed}",
            "mend that; or leave steps out (paper.only=[...]); or go on as far as it goes with paper.accept_data=true",
        )
    if config.loso.dry_run:
        return PaperResult(folder)
    took: dict[str, float] = {}
    statuses = [_run(step, took) for step in every]
    pretraining = steps(replace(config, paper=replace(config.paper, only=[])), runs)
    page = write_outputs(with_classes(config), list(pretraining), folder)
    for name, seconds in took.items():
        print(f"{name}: {seconds / 60:.1f} min")
    print(f"{sum(took.values()) / 60:.1f} min in all\nlook at it: {page}")
    return PaperResult(folder, took, tuple(statuses))


def _with_known_classes(config: Config) -> Config:
    """The classes of a table of clips, if it is there; if it is not, the check reports it."""
    try:
        return with_classes(config)
    except PainlitError:
        return config


def _run(step: Step, took: dict[str, float]) -> int:
    """Run a step unless it is finished; its exit status."""
    if not step.left():
        print(f"\n{step.name}: finished", flush=True)
        return 0
    print(f"\n{step.name}", flush=True)
    started, module = time.monotonic(), stage_module(step.stage)
    results = [module.run(one) for one in step.configs]
    took[step.name] = time.monotonic() - started
    print(f"{step.name} took {took[step.name] / 60:.1f} min", flush=True)
    return max(getattr(result, "exit_status", 0) for result in results)


if __name__ == "__main__":
    main("paper")
