"""`make bench`: all benchmarks, or those named in ARGS; `speed` names those of speed, whose figures go into a table.

They write runs/bench/speed.json and speed.md. With --quick they have fewer rounds and smaller sizes, and alone run.
"""

import importlib
import sys

from experiments.bench.data import is_quick
from painlit.errors import PainlitError

OF_SPEED = ("spatial", "temporal", "chain", "faces", "pipelines", "growth", "waiting", "extraction")
"""Those whose `main` returns rows for the table."""
NOT_QUICK = ("extraction",)
"""Those of them that have no quick form: `speed --quick` leaves them out."""
BENCHMARKS = (
    *OF_SPEED,
    *(
        "models",
        "odd_faces",
        "decoding",
        "r_peaks",
        "qrs_network",
        "images",
        "image_files",
        "near_duplicates",
    ),
    *(
        "heads",
        "identities",
        "expressions",
        "framing",
        "proxy",
        "recipes",
        "every",
        "assess",
        "export",
        "maps",
        "baseline",
        "heartbeats",
        "heart_transfer",
    ),
    *(
        "disturbed",
        "joint_memory",
        "loso_overhead",
        "selection",
        "tables",
        "digests",
        "paper_scale",
        "paper_size",
        "power_cut",
    ),
)
"""Modules of this package, each with a `main`, in the order in which they run."""

if __name__ == "__main__":
    from experiments.bench.rows import SPEED, record  # heavy, and processes that are started import this file

    options = [argument for argument in sys.argv[1:] if argument.startswith("-") or "=" in argument]
    named = [name for name in sys.argv[1:] if name not in options] or ["speed" if is_quick() else "all"]
    of_speed = tuple(name for name in OF_SPEED if not (is_quick() and name in NOT_QUICK))
    groups = {"speed": of_speed, "all": BENCHMARKS}
    chosen = [name for given in named for name in groups.get(given, (given,))]
    unknown = [name for name in chosen if name not in BENCHMARKS]
    if unknown:
        sys.exit(f"no benchmark {', '.join(unknown)}; there are: {', '.join(BENCHMARKS)}")
    sys.argv = [sys.argv[0], *options]
    modules = [importlib.import_module(f"experiments.bench.{name}") for name in chosen]  # before hours are spent
    for name, module in zip(chosen, modules, strict=True):
        print(f"\n== {name}", flush=True)
        try:
            rows = module.main()
        except PainlitError as error:
            sys.exit(f"error: {error}")
        if name in OF_SPEED:
            record(name, rows)
            print(f"{SPEED.with_suffix('.md')} has the figures of {name}")
