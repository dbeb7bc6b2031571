"""How many steps the Temporal-Module of the paper's size needs: 13,800 scalar tokens, 256 latents of 128, Table 2.

On both proxies, NP against P4 from video, all 138 frames, four folds of 18 people to learn from and 6 to test; 500
epochs are 1,500 steps. Each variant is reported with its accuracy on test clips, in the last epoch of training, on the
training clips as they are tested, and with the epoch after which accuracy in training was 95 % for the first time.

A step takes 60 ms on an H100 and two seconds on two CPU cores: give it a GPU, or `--halves=A train.epochs=60
train.warmup_epochs=6`. Other `key=value` arguments reach the configuration. It is no pain data.
"""

import sys

from experiments.bench.proxy import TITLES, accuracy_text, loso_run, pretrain
from painlit.config.proxy import HALVES

LEARNT = 0.95
FOLDS = 4
TABLE2 = (
    "clip.frames=null model.modality=video model.temporal.latents=256 "
    "model.temporal.latent_dim=128 model.temporal.self_attention_blocks=3 model.temporal.token_size=1 "
    f"train.epochs=500 train.warmup_epochs=50 train.batch_size=32 train.lr=1e-4 loso.protocol=kfold loso.folds={FOLDS}"
).split()
VARIANTS = {
    "Table 2": (),
    "without AugmNet": ("model.augmnet=false",),
    "and with a reference": ("model.augmnet=false", "model.reference_share=0.1"),
    "and with a frame as token": ("model.augmnet=false", "model.reference_share=0.1", "model.temporal.token_size=100"),
}


def main() -> None:
    """Run what is not finished, and print it half by half."""
    options = dict(argument[2:].split("=", 1) for argument in sys.argv[1:] if argument.startswith("--"))
    for half in options.get("halves", ",".join(HALVES)).split(","):
        print(f" {TITLES[half]}:", flush=True)
        weights, whole = pretrain(half)["stages12"], f"proxy-{half}-138"
        for name, settings in VARIANTS.items():
            named = f"name={whole}-{name.replace(' ', '-')}", f"data.name={whole}", f"embed.name={whole}"
            results = loso_run(half, *TABLE2, *named, f"embed.weights={weights}", *settings).results
            assert results is not None
            curves = results["training"]["curves"].values()
            last = [100 * curve["train_accuracy"][-1] for curve in curves]
            learnt = [_first(curve["epoch"], curve["train_accuracy"]) for curve in curves]
            print(
                f"  {name}: {accuracy_text(results)}; in training {sum(last) / FOLDS:.1f} %, the same clips as they "
                f"are tested {100 * results['training']['accuracy']:.1f} %; {LEARNT:.0%} in training from epoch "
                f"{', '.join(learnt)} on",
                flush=True,
            )


def _first(epochs: list[float], accuracies: list[float]) -> str:
    return next((f"{epoch:.0f}" for epoch, value in zip(epochs, accuracies, strict=True) if value >= LEARNT), "none")
