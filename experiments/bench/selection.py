"""What choosing the epoch on the test subject does: `oracle` against `last` and `inner`, with true and shuffled labels.

On both proxies (NP against P4, heart rates and embeddings of an untrained Spatial-Module), with few epochs.
With shuffled labels there is nothing to learn: accuracy above chance comes from the selection. Finished runs are
read again. Other `key=value` arguments reach the configuration.
"""

from experiments.bench.data import RUNS
from experiments.bench.proxy import TITLES, accuracy_text, loso_run, settings_of
from painlit.config import load
from painlit.config.proxy import HALVES

SETTINGS = (f"runs={RUNS / 'selection'}", "embed.weights=untrained", "model.modality=fusion", "log.wandb=disabled",
            "train.checkpoint_every=100")  # fmt: skip


def main() -> None:
    """Run what is not finished, and print accuracies and the gap of each half."""
    lines = []
    for half in HALVES:
        lines.append(f" {TITLES[half]}:")
        for shuffled in ("false", "true"):
            for rule in ("last", "inner", "oracle"):
                name = f"{half}-{rule}-{'shuffled' if shuffled == 'true' else 'true'}-labels"
                choice = [f"loso.selection={rule}", f"loso.shuffle_labels={shuffled}", f"name={name}"]
                results = loso_run(half, *SETTINGS, *choice).results
                line = f"  {name}: {accuracy_text(results)}"
                if results and (gap := results.get("optimism")):
                    low, high = gap["interval_95"]
                    line += (
                        f"; flatters by {100 * gap['difference']:+.2f} points ({100 * low:+.1f} to {100 * high:+.1f})"
                    )
                lines.append(line)
    epochs = load(settings_of(HALVES[0])).train.epochs
    print(f"NP against P4 on the proxies, {epochs} epochs, 95 % over subjects (stand-in data, no pain):")
    print("\n".join(lines))
