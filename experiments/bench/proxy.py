"""What pretraining brings to the main job, on the proxy of BioVid: leave-one-subject-out from video, NP against P4.

The Spatial-Module is untrained, or comes from stage 1 (ORL faces), or from stage 1 and then stage 2 (London faces). The
proxy shows 24 people of the London set (its truth.json names them); stage 2 learns from the 48 others and stage 1 from
none of them, so nobody in any test fold is in any pretraining data. Settings are those of
experiments/proxy_stage1.yaml, proxy_stage2.yaml and proxy.yaml; finished steps are not run again.

It is no pain data: neutral faces turn into smiling ones.
"""

import csv
import json
from pathlib import Path

from experiments import embed, loso, prepare, pretrain_stage1, pretrain_stage2
from experiments.bench.london import LONDON, make_fold
from painlit.config import load
from painlit.errors import PainlitError

RUNS = Path("runs/bench")
PROXY = LONDON.parents[1] / "proxy_biovid" / "PartA"
VALIDATION = 6  # of the 48 others, to see how stage 2 fares


def people_beside_the_proxy() -> list[str]:
    """London people who are in no clip of the proxy.

    Raises:
        PainlitError: The proxy is not there.
    """
    if not PROXY.is_dir():
        raise PainlitError(f"{PROXY}: no such folder", "this benchmark needs the proxy beside the project")
    shown = {clip["face_id"] for clip in json.loads((PROXY / "truth.json").read_text(encoding="utf-8")).values()}
    everybody = [
        row["face_id"] for row in csv.DictReader((LONDON / "info.csv").read_text(encoding="utf-8").splitlines())
    ]
    return [person for person in everybody if person not in shown]


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


def main() -> None:
    """Run what is not finished and print the three accuracies."""
    settings = ["config=experiments/proxy.yaml", f"runs={RUNS}", "model.modality=video"]
    weights = pretrain()
    prepare.run(load(settings))
    lines = []
    for name, file in weights.items():
        config = load([*settings, f"embed.name=proxy-{name}", f"embed.weights={file}", f"name=proxy-{name}"])
        embed.run(config)
        results = loso.run(config).results
        assert results is not None
        pooled, (low, high) = results["pooled"]["accuracy"], results["interval_95"]["accuracy"]
        lines.append(f"  {name}: {100 * pooled:.2f} % ({100 * low:.1f} to {100 * high:.1f} over subjects)")
    print("proxy, NP against P4 from video, 24 people, none of them in the pretraining data (stand-in data, no pain):")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
