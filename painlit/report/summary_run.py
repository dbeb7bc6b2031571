"""A run of `make loso` as one run in Weights & Biases: the table, the confusion matrix, and all predictions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from painlit.config import Config
from painlit.loso.metrics import METRICS
from painlit.runs.tracking import artifacts_in, forget_superseded, pseudonyms, run_settings
from painlit.system.digests import file_digest
from painlit.system.files import write_text


def log_summary(config: Config, results: Mapping[str, Any], folder: Path, subjects: Iterable[str]) -> None:
    """Log an evaluation beside the runs of its folds, as `log.wandb` says, unless these results are logged already.

    The results are on the disk by then: if logging fails, this says so, and the next `make loso` tries again.

    Args:
        config: The run's configuration.
        results: What results.json holds.
        folder: Of the run; the files of its folds become an artifact, unless log.private is set.
        subjects: All of the data set, which pseudonyms are counted in.
    """
    mark, now = folder / "summary_logged.txt", file_digest(folder / "results.json")
    if config.log.wandb == "disabled" or (mark.is_file() and mark.read_text(encoding="utf-8") == now):
        return
    try:
        with artifacts_in(folder / "wandb"):
            _log(config, results, folder, pseudonyms(config.log, subjects))
    except Exception as error:  # whatever a service and its network raise: the evaluation is done, and is kept
        print(f"the summary was not logged to Weights & Biases: {error!r}; the next `make loso` tries again")
        return
    write_text(mark, now)


def _log(config: Config, results: Mapping[str, Any], folder: Path, called: Mapping[str, str]) -> None:
    import wandb

    settings = run_settings(config, folder, group=config.run_name, name="summary", kind="summary")
    with wandb.init(**settings, dir=folder) as run:
        forget_superseded(folder, run)
        pooled, over = results["pooled"], results["over_subjects"]
        run.summary.update({name: pooled[name] for name in (*METRICS, "brier", "ece")})
        for m in METRICS:
            low, high = results["interval_95"][m]
            run.summary.update({f"{m}_95_low": low, f"{m}_95_high": high})
            run.summary.update({f"{m}_subjects_mean": over[m]["mean"], f"{m}_subjects_sd": over[m]["sd"]})
        rows = [[m, pooled[m], *results["interval_95"][m], over[m]["mean"], over[m]["sd"]] for m in METRICS]
        columns: list[str | int] = [
            "metric",
            "pooled",
            "95 % from",
            "95 % to",
            "mean over subjects",
            "sd over subjects",
        ]
        people = [
            [called[subject], *(values[m] for m in METRICS)] for subject, values in results["per_subject"].items()
        ]
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
        if config.log.private:  # its files name subjects and clips
            return
        artifact = wandb.Artifact(f"predictions-{run.id}", type="predictions")
        artifact.add_file(str(folder / "results.json"))
        for path in sorted((folder / "folds").glob("*/predictions.csv")):
            artifact.add_file(str(path), name=f"{path.parent.name}.csv")
        run.log_artifact(artifact)
