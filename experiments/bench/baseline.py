"""What the person's own baseline brings, on both proxies of BioVid: NP against P4, `data.baseline=none` and `session`.

Leave-one-subject-out by experiments/proxy.yaml with the Spatial-Module of stages 1 and 2 (as `make bench ARGS=proxy`
trains it), from video, from heart rate and from both; the two runs of each are compared on the same clips. Finished
steps are not run again.

It is no pain data. Neutral faces turn into smiling ones, so a person's mean face is that of the person, as in BioVid;
but the proxies' heart rates are ranked within each person by construction (the faster of a person's stretches of ECG
are the painful ones), which is what a baseline of heart rates reveals. So for heart rates, and for both together, it
shows that the machinery works, and nothing about what is to be expected on BioVid.
"""

from __future__ import annotations

from experiments.bench.proxy import TITLES, loso_run, pretrain
from painlit.config.proxy import HALVES
from painlit.loso.comparison import compare
from painlit.loso.finished import read_folds
from painlit.loso.results import Predictions

PARTS = ("video", "heart_rate", "fusion")


def predictions(half: str, part: str, baseline: str, weights: str) -> Predictions:
    """Of the held-out subjects of a finished run on a half, which is made if it is not there."""
    result = loso_run(
        half, f"embed.name=proxy-{half}-stages12", f"embed.weights={weights}", f"model.modality={part}",
        f"data.baseline={baseline}", f"name=baseline-{half}-{part}-{baseline}", "log.wandb=disabled",
    )  # fmt: skip
    return read_folds(sorted((result.folder / "folds").iterdir()))


def main() -> None:
    """Run what is not finished and print the paired comparisons of each half."""
    lines = []
    for half in HALVES:
        lines.append(f" {TITLES[half]}:")
        weights = pretrain(half)["stages12"]
        for part in PARTS:
            without, with_it = (predictions(half, part, baseline, weights) for baseline in ("none", "session"))
            found = compare(without, with_it)
            before, after = found["accuracy"]
            low, high = found["interval_95"]
            lines.append(
                f"  {part}: {100 * before:.1f} % without, {100 * after:.1f} % with the person's own baseline; "
                f"difference {100 * found['difference']:+.1f} points ({100 * low:+.1f} to {100 * high:+.1f} over "
                f"{found['subjects']} subjects), {found['clips']} clips, McNemar p = {found['mcnemar_p']:.2g}"
            )
    print("proxies, NP against P4, data.baseline=none and session on the same clips (stand-in data, no pain):")
    print("\n".join(lines))
    print(
        "the proxies' heart rates are ranked within each person by construction, which this baseline reveals: the gain"
    )
    print("from heart rates tests the machinery and says nothing about pain")
