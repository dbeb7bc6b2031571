"""`make bench`: all benchmarks, or those named in ARGS."""

import importlib
import sys

from painlit.errors import PainlitError

BENCHMARKS = (
    *(
        "models",
        "spatial",
        "temporal",
        "chain",
        "faces",
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
        "landmarks",
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
    options = [argument for argument in sys.argv[1:] if argument.startswith("-") or "=" in argument]
    chosen = [name for name in sys.argv[1:] if name not in options] or list(BENCHMARKS)
    unknown = [name for name in chosen if name not in BENCHMARKS]
    if unknown:
        sys.exit(f"no benchmark {', '.join(unknown)}; there are: {', '.join(BENCHMARKS)}")
    sys.argv = [sys.argv[0], *options]
    modules = [importlib.import_module(f"experiments.bench.{name}") for name in chosen]  # before hours are spent
    for name, module in zip(chosen, modules, strict=True):
        print(f"\n== {name}", flush=True)
        try:
            module.main()
        except PainlitError as error:
            sys.exit(f"error: {error}")
