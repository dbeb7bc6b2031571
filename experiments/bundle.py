"""`make bundle`: finished runs as one folder or zip, with all that it takes to assess recordings.

    make bundle ARGS="bundle.runs=[study-fusion,study-video,study-heart_rate] bundle.out=study.zip"

Takes a model of each fold of `make loso`, or the one of `make finetune` (bundle.stage=finetune), with the
Spatial-Module that made its embeddings, the figures to expect and the temperature. Leaves runs/bundle/<name>/
{bundle.json, weights/, MODEL_CARD.md}, or bundle.out.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from experiments.command import main
from painlit.config import Config


@dataclass(frozen=True)
class BundleResult:
    """What `make bundle` wrote."""

    path: Path
    """Of the folder or zip."""
    models: dict[str, int]
    """Part -> its models."""


def run(config: Config) -> BundleResult:
    """Bundle the runs of `bundle.runs`.

    Raises:
        PainlitError: A run is not finished, the runs do not go together, or weights are missing or not those of a run.
    """
    from painlit.inference.bundles.finished_runs import finetune_run, loso_run
    from painlit.inference.bundles.writing import write_bundle

    wanted, runs, weights = config.bundle, Path(config.runs), config.embed.weights
    names = wanted.runs or [config.run_name]
    if wanted.stage == "loso":
        found = [loso_run(runs, name, wanted.folds, weights) for name in names]
    else:
        found = [finetune_run(runs, name, weights) for name in names]
    for line in dict.fromkeys(line for run in found for line in run.remarks):
        print(line)
    bundle = write_bundle(Path(wanted.out) if wanted.out else runs / "bundle" / names[0], found)
    models = {part: sum(model["part"] == part for model in bundle.about["models"]) for part in bundle.parts}
    for part, count in models.items():
        fitted = bundle.about["temperature"][part]
        temperature = "no temperature" if fitted is None else f"temperature {fitted:.3f}"
        print(f"{part.replace('_', ' ')}: {count} {'model' if count == 1 else 'models'}, {temperature}")
    print(f"bundle: {bundle.path}")
    return BundleResult(bundle.path, models)


if __name__ == "__main__":
    main("bundle")
