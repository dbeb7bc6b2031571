"""All 17 rows of Tables 3, 4 and 5 for both tasks, end to end on proxy A at reduced size, with one command.

Runs short forms of stages 1 and 2, then `make tables` with experiments/proxy.yaml and a small share of the paper's
epochs, and prints how long it took. It shows that every row runs; with so few epochs no figure means anything, and the
proxy is no pain data. Finished steps are not run again. Other `key=value` arguments reach the configuration.
"""

import time

from experiments import pretrain_stage1, pretrain_stage2
from experiments.bench.data import RUNS
from experiments.bench.london import make_fold
from experiments.bench.proxy import VALIDATION, people_beside, settings_of
from experiments.tables.__main__ import run
from painlit.config import load
from painlit.errors import PainlitError

PLACE = RUNS / "tables"
SETTINGS = (f"runs={PLACE}", "tables.epoch_share=0.01", "log.wandb=disabled")


def main() -> None:
    """Pretrain briefly, run all rows, and print the time."""
    started = time.monotonic()
    brief = [f"runs={PLACE}", "stage1.train.epochs=10", "stage1.train.warmup_epochs=1"]
    pretrain_stage1.run(load(["config=experiments/proxy_stage1.yaml", *brief]))
    others = people_beside("A")
    tree = make_fold(others, set(others[:VALIDATION]), PLACE / "others")
    brief = [f"runs={PLACE}", "stage2.train.epochs=10", "stage2.train.warmup_epochs=1"]
    pretrain_stage2.run(load(["config=experiments/proxy_stage2.yaml", f"stage2.roots.folders={tree}", *brief]))
    result = run(load(settings_of("A", *SETTINGS)))
    if result.failed:
        raise PainlitError(f"{len(result.failed)} runs failed: {', '.join(result.failed)}", "see above")
    minutes = (time.monotonic() - started) / 60
    print(f"{len(result.finished)} runs of 24 folds in {minutes:.1f} min; finished ones were not run again")
