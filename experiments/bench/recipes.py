"""The paper's recipe and ours on both proxies, NP against P4: accuracies, simple models, controls and ablations.

Training and test people are as in the benchmark `proxy`. Sizes are those of experiments/proxy.yaml for both recipes:

- the paper's: its loss, AugmNet and embeddings as they are, on the Spatial-Module of stages 1 and 2;
- ours: experiments/recipes/few_people.yaml, on the Spatial-Module of experiments/recipes/few_photographs.yaml (see
  `experiments.bench.taught` for its teacher);
- landmarks: experiments/recipes/landmarks.yaml, on distances between the landmarks of that teacher, which needs no
  pretraining.

Settings were chosen on A; B decided nothing and is reported. Finished runs are read again. `--parts=` takes some of
recipes, landmarks and ablations; `--halves=A` takes one half. Other `key=value` arguments reach the configuration.

It is no pain data: neutral faces turn into smiling ones.
"""

import sys
from collections.abc import Mapping
from functools import cache
from typing import Any

from experiments.bench.proxy import TITLES, accuracy_text, loso_run, pretrain
from experiments.bench.taught import taught_spatial, teacher_file
from painlit.config.proxy import HALVES

OURS = "config=experiments/recipes/few_people.yaml"
LANDMARKS = "config=experiments/recipes/landmarks.yaml"
MODALITIES = ("video", "heart_rate", "fusion")
ABLATION_FOLDS = ("loso.protocol=kfold", "loso.folds=6")
"""20 people to learn from and 4 to test, which takes a quarter of the time."""
ABLATIONS: dict[str, tuple[str, tuple[str, ...]]] = {
    "ours": ("taught", ()),
    "with AugmNet": ("taught", ("model.augmnet=true",)),
    "without reference": ("taught", ("model.reference_share=0",)),
    "both, the paper's model": ("taught", ("model.augmnet=true", "model.reference_share=0")),
    "ours on stages 1 and 2": ("stages12", ()),
    "scalar tokens": ("taught", ("model.temporal.token_size=1",)),
    "reference of one frame": ("taught", ("model.reference_share=0.06",)),
    "standardised embeddings": ("taught", ("model.normalise_embeddings=true",)),
    "decay on matrices alone": ("taught", ("train.decay=matrices",)),
    "three times the rate": ("taught", ("train.lr=3e-3",)),
    "Basic and Masking": ("taught", ("model.basic=true", "model.masking=true")),
    "faces smoothed over 0.5 s": ("taught", ("face.smooth=0.5",)),
}
"""Name -> the Spatial-Module, and what differs from our recipe; from video."""


def run(half: str, spatial: str, file: str, name: str, *settings: str) -> Mapping[str, Any]:
    """Results of a run on a half.

    Args:
        half: A or B.
        spatial: Name of the Spatial-Module.
        file: Its weights.
        name: Of the run.
        settings: Of the run.
    """
    smooth = next((setting.partition("=")[2] for setting in settings if setting.startswith("face.smooth=")), "")
    embedded = f"embed.name=proxy-{half}-{spatial}{smooth}"
    done = loso_run(half, embedded, f"embed.weights={file}", f"name=proxy-{half}-{name}", *settings)
    assert done.results is not None
    return done.results


def run_summary(results: Mapping[str, Any]) -> str:
    """Accuracy with its interval, that on the training clips, and people whose clips all got one class."""
    one_class, training = len(results["findings"]["one_class"]), 100 * results["training"]["accuracy"]
    return f"{accuracy_text(results)}; training clips {training:.1f} %; one class for {one_class} people"


def simple_model_lines(results: Mapping[str, Any]) -> list[str]:
    """A line for each simple model on the same folds."""
    return [
        f"      {name}: {100 * figures['accuracy']:.1f} % ({100 * figures['interval_95'][0]:.1f} to "
        f"{100 * figures['interval_95'][1]:.1f}); the model less it {100 * figures['difference']:+.1f} points "
        f"({100 * figures['difference_95'][0]:+.1f} to {100 * figures['difference_95'][1]:+.1f}), p {figures['p']:.3f}"
        for name, figures in results["simple_baselines"].items()
    ]


@cache
def spatial_modules(half: str) -> Mapping[str, str]:
    """Files of the Spatial-Modules for a half, trained if they are not there."""
    return {**pretrain(half), "taught": str(taught_spatial(half))}


def recipes(half: str) -> list[str]:
    """Both recipes with each modality, and ours with shuffled labels."""
    files, lines = spatial_modules(half), []
    for recipe, spatial, settings in (("paper", "stages12", ()), ("ours", "taught", (OURS,))):
        for modality in MODALITIES:
            chosen = f"model.modality={modality}"
            results = run(half, spatial, files[spatial], f"{recipe}-{modality}", *settings, chosen)
            lines += [f"  {recipe}, {modality}: {run_summary(results)}", *simple_model_lines(results)]
    return lines + _shuffled(half, "ours", "taught", files["taught"], OURS)


def landmarks(half: str) -> list[str]:
    """The recipe on landmarks with each modality, and with shuffled labels."""
    file, lines = str(teacher_file()), []
    for modality in MODALITIES:
        results = run(half, "landmarks", file, f"landmarks-{modality}", LANDMARKS, f"model.modality={modality}")
        lines += [f"  landmarks, {modality}: {run_summary(results)}", *simple_model_lines(results)]
    return lines + _shuffled(half, "landmarks", "landmarks", file, LANDMARKS)


def _shuffled(half: str, recipe: str, spatial: str, file: str, config: str) -> list[str]:
    lines = []
    for modality in ("video", "fusion"):
        shuffled = (config, f"model.modality={modality}", "loso.shuffle_labels=true")
        results = run(half, spatial, file, f"{recipe}-{modality}-shuffled", *shuffled)
        lines.append(f"  {recipe}, {modality}, labels shuffled: {run_summary(results)}")
    return lines


def ablations(half: str) -> list[str]:
    """What each setting of our recipe brings, from video: with its interval and the linear models of the same folds."""
    files, lines = spatial_modules(half), []
    for name, (spatial, settings) in ABLATIONS.items():
        named = f"ablation-{name.replace(' ', '-').replace(',', '')}"
        chosen = (OURS, "model.modality=video", *ABLATION_FOLDS, *settings)
        results = run(half, spatial, files[spatial], named, *chosen)
        simple = results["simple_baselines"]
        best = max(simple, key=lambda model: simple[model]["accuracy"])
        lines.append(f"  {name}: {run_summary(results)}; {best} {100 * simple[best]['accuracy']:.1f} %")
    return lines


PARTS = {"recipes": recipes, "landmarks": landmarks, "ablations": ablations}


def main() -> None:
    """Run what is not finished, and print it half by half."""
    options = dict(argument[2:].split("=", 1) for argument in sys.argv[1:] if argument.startswith("--"))
    parts, halves = options.get("parts", ",".join(PARTS)).split(","), options.get("halves", ",".join(HALVES)).split(",")
    print("proxies, NP against P4, 95 % over subjects (stand-in data, no pain):", flush=True)
    for half in halves:
        for part in parts:
            print("\n".join([f" {TITLES[half]}, {part}:", *PARTS[part](half)]), flush=True)
