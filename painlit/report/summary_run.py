"""A run of `make loso` as one run in Weights & Biases: the table, the confusion matrix, and all predictions."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from painlit.config import Config
from painlit.loso.metrics import METRICS
from painlit.runs.tracking import run_settings
from painlit.system.digests import file_digest
from painlit.system.files import write_text


def log_summary(config: Config, results: Mapping[str, Any], folder: Path) -> None:
    """Log an evaluation beside the runs of its folds, as `log.wandb` says, unless these results are logged already.

    The results are on the disk by then: if logging fails, this says so, and the next `make loso` tries again.

    Args:
        config: The run's configuration.
        results: What results.json holds.
        folder: Of the run; the files of its folds become an artifact.
    """
    mark, now = folder / "summary_logged.txt", file_digest(folder / "results.json")
    if config.log.wandb == "disabled" or (mark.is_file() and mark.read_text(encoding="utf-8") == now):
        return
    try:
        with _artifacts_in(folder / "wandb"):
            _log(config, results, folder)
    except Exception as error:  # whatever a service and its network raise: the evaluation is done, and is kept
        print(f"the summary was not logged to Weights & Biases: {error!r}; the next `make loso` tries again")
        return
    write_text(mark, now)


@contextmanager
def _artifacts_in(folder: Path) -> Iterator[None]:
    """Let an artifact's files wait for `wandb sync` in the run's folder, not in a home that may not last."""
    chosen = os.environ.get("WANDB_DATA_DIR")
    os.environ["WANDB_DATA_DIR"] = chosen or str(folder.resolve())
    try:
        yield
    finally:
        if chosen is None:
            del os.environ["WANDB_DATA_DIR"]


def _log(config: Config, results: Mapping[str, Any], folder: Path) -> None:
    import wandb

    settings = run_settings(config.log, folder, group=config.run_name, name="summary", kind="summary")
    with wandb.init(**settings, mode=config.log.wandb, dir=folder, config=config.to_dict()) as run:  # type: ignore[arg-type]
        pooled, over = results["pooled"], results["over_subjects"]
        run.summary.update({name: pooled[name] for name in (*METRICS, "brier", "ece")})
        rows = [[m, pooled[m], *results["interval_95"][m], over[m]["mean"], over[m]["sd"]] for m in METRICS]
        columns: list[str | int] = [
            "metric",
            "pooled",
            "95 % from",
            "95 % to",
            "mean over subjects",
            "sd over subjects",
        ]
        people = [[subject, *(values[m] for m in METRICS)] for subject, values in results["per_subject"].items()]
        classes = [str(label) for label in range(len(pooled["confusion"]))]
        cells = [[t, p, n] for t, row in zip(classes, pooled["confusion"], strict=True)
                 for p, n in zip(classes, row, strict=True)]  # fmt: skip
        run.log(
            {
                "metrics": wandb.Table(columns=columns, data=rows),
                "per subject": wandb.Table(columns=["subject", *METRICS], data=people),
                "confusion": wandb.Table(columns=["true", "predicted", "clips"], data=cells),
            }
        )
        artifact = wandb.Artifact(f"predictions-{run.id}", type="predictions")
        artifact.add_file(str(folder / "results.json"))
        for path in sorted((folder / "folds").glob("*/predictions.csv")):
            artifact.add_file(str(path), name=f"{path.parent.name}.csv")
        run.log_artifact(artifact)
