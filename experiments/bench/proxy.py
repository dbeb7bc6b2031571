"""What pretraining brings to the main job, on the proxy of BioVid: leave-one-subject-out from video, NP against P4.

The Spatial-Module is untrained, or comes from stage 1 (ORL faces), or from stage 1 and then stage 2 (London faces). The
proxy shows 24 people of the London set (its truth.json names them); stage 2 learns from the 48 others and stage 1 from
none of them, so nobody in any test fold is in any pretraining data. Settings are those of
experiments/proxy_stage1.yaml, proxy_stage2.yaml and proxy.yaml; finished steps are not run again.

It is no pain data: neutral faces turn into smiling ones.
"""

import csv
import json
from collections.abc import Mapping
from typing import Any

from experiments import embed, loso, prepare, pretrain_stage1, pretrain_stage2
from experiments.bench.data import RUNS, real_data
from experiments.bench.london import LONDON, make_fold
from painlit.config import load
from painlit.loso.run import LosoResult

PROXY = "config=experiments/proxy.yaml"
VALIDATION = 6  # of the 48 others, to see how stage 2 fares


def shown_in_the_proxy(key: str) -> set[str]:
    """What its truth.json says of any clip: face_id, or mitdb_record.

    Raises:
        PainlitError: The proxy is not there.
    """
    truth = (real_data("proxy_biovid/PartA") / "truth.json").read_text(encoding="utf-8")
    return {str(clip[key]) for clip in json.loads(truth).values()}


def people_beside_the_proxy() -> list[str]:
    """London people who are in no clip of the proxy.

    Raises:
        PainlitError: The proxy is not there.
    """
    shown = shown_in_the_proxy("face_id")
    table = csv.DictReader((LONDON / "info.csv").read_text(encoding="utf-8").splitlines())
    return [row["face_id"] for row in table if row["face_id"] not in shown]


def pretrain() -> dict[str, str]:
    """The Spatial-Modules to compare: what is told of each, and its weights."""
    stage1 = pretrain_stage1.run(load(["config=experiments/proxy_stage1.yaml", f"runs={RUNS}"])).weights
    others = people_beside_the_proxy()
    tree = make_fold(others, set(others[:VALIDATION]), RUNS / "london" / "others")
    stage2 = pretrain_stage2.run(
        load(
            ["config=experiments/proxy_stage2.yaml", f"stage2.roots.folders={tree}", f"stage2.weights={stage1}",
             f"runs={RUNS}", "name=london-others"]
        )
    ).weights  # fmt: skip
    return {"untrained": "untrained", "stage1": str(stage1), "stages12": str(stage2)}


def prepared(*settings: str) -> list[str]:
    """Settings of runs on the proxy, which they have prepared and embedded."""
    arguments = [PROXY, f"runs={RUNS}", *settings]
    config = load(arguments)
    prepare.run(config)
    if config.cached:
        embed.run(config)
    return arguments


def loso_run(*settings: str) -> LosoResult:
    """Leave-one-subject-out on the proxy; what is finished is not run again."""
    return loso.run(load(prepared(*settings)))


def told_accuracy(results: Mapping[str, Any] | None) -> str:
    """The pooled accuracy in %, and its 95 % interval over subjects."""
    assert results is not None
    low, high = results["interval_95"]["accuracy"]
    return f"{100 * results['pooled']['accuracy']:.2f} % ({100 * low:.1f} to {100 * high:.1f} over subjects)"


def main() -> None:
    """Run what is not finished and print the three accuracies."""
    lines = []
    for name, file in pretrain().items():
        settings = f"embed.name=proxy-{name}", f"embed.weights={file}", f"name=proxy-{name}", "model.modality=video"
        lines.append(f"  {name}: {told_accuracy(loso_run(*settings).results)}")
    print("proxy, NP against P4 from video, 24 people, none of them in the pretraining data (stand-in data, no pain):")
    print("\n".join(lines))
