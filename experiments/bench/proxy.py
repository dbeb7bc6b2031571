"""What pretraining brings to fine-tuning, on both proxies of BioVid: leave-one-subject-out from video, NP against P4.

Two proxies of 24 people each (`make proxy-data`, made here if they are not there), A and B. All settings, those of
experiments/proxy_stage1.yaml, proxy_stage2.yaml and proxy.yaml, were chosen on A, which flatters its figures; B has
decided nothing and is only reported.

Training and test people:

- stage 1 learns from the 40 people of the ORL set, none of whom is in the London set;
- stage 2 for A learns from the London people who are not in A (of 72 the 24 of B and the 24 of neither half), and stage
  2 for B from those who are not in B. These are two Spatial-Modules, and neither is trained on a photograph of anybody
  in its test set;
- each fold learns from the clips of 23 people of its half, and is tested on those of the 24th.

Faces of A and B are of different people; hearts are not all. MIT-BIH has 34 records of use, so 14 people of B have the
record of somebody in A. Finished steps are not run again. Other `key=value` arguments
reach the configuration.

It is no pain data: neutral faces turn into smiling ones.
"""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from data_modules.proxy.halves import TRUTH, folder_of
from experiments import embed, loso, prepare, pretrain_stage1, pretrain_stage2, proxy_data
from experiments.bench.data import DATA, RUNS, given, real_data
from experiments.bench.london import london_people, make_fold
from painlit.config import Config, load
from painlit.config.proxy import HALVES
from painlit.loso.run import LosoResult

PROXY = "config=experiments/proxy.yaml"
VALIDATION = 6  # people of stage 2 to validate on
TITLES = {"A": "A (settings were chosen on it)", "B": "B (decided nothing)"}
"""How a half is named beside its figures."""


@cache
def make_both() -> Config:
    """The configuration with the places of the proxies, which are made if they are not there.

    Raises:
        PainlitError: As `make proxy-data`.
    """
    real_data("faces/london")
    made = load([f"proxy.faces={DATA / 'faces/london'}", f"ecg.roots.mitbih={real_data('mitdb')}", *given()])
    proxy_data.run(made)
    return made


def shown_in(half: str, key: str) -> set[str]:
    """All values of a key in truth.json of a half: face_id, or mitdb_record."""
    truth = (folder_of(make_both(), half) / TRUTH).read_text(encoding="utf-8")
    return {str(clip[key]) for clip in json.loads(truth).values()}


def people_beside(half: str) -> list[str]:
    """London people who are in no clip of a half."""
    shown = shown_in(half, "face_id")
    return [person for person in london_people() if person not in shown]


def people_tree(half: str) -> Path:
    """The London photographs that stage 2 for a half learns from, as a tree."""
    others = people_beside(half)
    return make_fold(others, set(others[:VALIDATION]), RUNS / "london" / f"beside-{half}")


def pretrain_faces() -> Path:
    """The Spatial-Module after stage 1, which both halves start from."""
    return pretrain_stage1.run(load(["config=experiments/proxy_stage1.yaml", f"runs={RUNS}", *given()])).weights


def pretrain(half: str) -> dict[str, str]:
    """The Spatial-Modules to compare on a half: name -> weights."""
    stage1 = pretrain_faces()
    stage2 = pretrain_stage2.run(
        load(
            ["config=experiments/proxy_stage2.yaml", f"stage2.roots.folders={people_tree(half)}",
             f"stage2.weights={stage1}", f"runs={RUNS}", f"name=london-beside-{half}", *given()]
        )
    ).weights  # fmt: skip
    return {"untrained": "untrained", "stage1": str(stage1), "stages12": str(stage2)}


def settings_of(half: str, *settings: str) -> list[str]:
    """Settings of runs on a half; those of the command line come last."""
    root = folder_of(make_both(), half)
    return [PROXY, f"data.root={root}", f"data.name=proxy-{half}", f"runs={RUNS}", *settings, *given()]


def prepared(half: str, *settings: str) -> list[str]:
    """Settings of runs on a half, which they have prepared and embedded."""
    arguments = settings_of(half, *settings)
    config = load(arguments)
    prepare.run(config)
    if config.cached:
        embed.run(config)
    return arguments


def loso_run(half: str, *settings: str) -> LosoResult:
    """Leave-one-subject-out on a half; what is finished is not run again."""
    return loso.run(load(prepared(half, *settings)))


def accuracy_text(results: Mapping[str, Any] | None) -> str:
    """The pooled accuracy in %, and its 95 % interval over subjects."""
    assert results is not None
    low, high = results["interval_95"]["accuracy"]
    return f"{100 * results['pooled']['accuracy']:.2f} % ({100 * low:.1f} to {100 * high:.1f} over subjects)"


def main() -> None:
    """Run what is not finished and print the three accuracies of each half."""
    lines = []
    for half in HALVES:
        lines.append(
            f" {TITLES[half]}, {len(shown_in(half, 'face_id'))} people, stage 2 on {len(people_beside(half))} others:"
        )
        for name, file in pretrain(half).items():
            named = f"proxy-{half}-{name}"
            settings = f"embed.name={named}", f"embed.weights={file}", f"name={named}", "model.modality=video"
            lines.append(f"  {name}: {accuracy_text(loso_run(half, *settings).results)}")
    print("proxies, NP against P4 from video, nobody in the pretraining data of their half (stand-in data, no pain):")
    print("\n".join(lines))
