"""`make compare ARGS="compare.runs=[a,b]"`: two finished runs of `make loso` on the same clips, paired.

Prints the difference in accuracy (second minus first) with its 95 % interval over subjects, a permutation test over
subjects, and McNemar's test.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from experiments.command import main
from painlit.config import Config
from painlit.errors import PainlitError
from painlit.loso.comparison import compare
from painlit.loso.finished import read_folds
from painlit.loso.results import Predictions
from painlit.runs.artefact import read_artefact


@dataclass(frozen=True)
class CompareResult:
    """The comparison of two runs by `painlit.loso.comparison`."""

    values: dict[str, Any]


def run(config: Config) -> CompareResult:
    """Compare the two runs of `compare.runs`.

    Raises:
        PainlitError: Not two runs, one of them is not there or not finished, or they did not predict the same clips.
    """
    if len(config.compare.runs) != 2:
        raise PainlitError(f"compare.runs={config.compare.runs}", "name two runs: compare.runs=[first,second]")
    first, second = config.compare.runs
    values = compare(_predictions(config, first), _predictions(config, second))
    low, high = values["interval_95"]
    print(f"{values['clips']:,} clips of {values['subjects']} subjects")
    for name, accuracy in zip((first, second), values["accuracy"], strict=True):
        print(f"  {name}: accuracy {100 * accuracy:.2f} %")
    print(
        f"  difference: {100 * values['difference']:+.2f} points ({100 * low:+.2f} to {100 * high:+.2f} over subjects)"
    )
    print(f"  runs exchanged in random subjects, a permutation test: p = {values['subjects_p']:.3g}")
    print(f"  only {first} right: {values['only_one']}; only {second} right: {values['only_other']}")
    print(f"  McNemar's exact test, clips taken as independent: p = {values['mcnemar_p']:.3g}")
    return CompareResult(values)


def _predictions(config: Config, name: str) -> Predictions:
    folder = Path(config.runs) / "loso" / name
    if not (folder / "results.json").is_file():
        raise PainlitError(f"{folder} has no results.json", "finish that run with `make loso` first")
    results = read_artefact(folder / "results.json", "run `make loso` again: it evaluates what is finished")
    if results["folds_done"] < results["folds"]:
        raise PainlitError(
            f"{folder} has {results['folds_done']} of {results['folds']} folds",
            "finish that run with `make loso` first",
        )
    for remark in results["remarks"]:
        print(f"note on {name}: {remark}")
    return read_folds(path.parent for path in sorted((folder / "folds").glob("*/metrics.json")))


if __name__ == "__main__":
    main("compare")
