"""`make bench`: all benchmarks, or those named in ARGS."""

import sys

from experiments.bench import (
    assess,
    baseline,
    decoding,
    digests,
    disturbed,
    expressions,
    faces,
    framing,
    heads,
    heart_transfer,
    heartbeats,
    identities,
    image_files,
    images,
    joint_memory,
    loso_overhead,
    models,
    near_duplicates,
    odd_faces,
    paper_scale,
    power_cut,
    proxy,
    r_peaks,
    selection,
    tables,
)
from painlit.errors import PainlitError

BENCHMARKS = {
    "models": models.main,
    "faces": faces.main,
    "odd_faces": odd_faces.main,
    "decoding": decoding.main,
    "r_peaks": r_peaks.main,
    "images": images.main,
    "image_files": image_files.main,
    "near_duplicates": near_duplicates.main,
    "heads": heads.main,
    "identities": identities.main,
    "expressions": expressions.main,
    "framing": framing.main,
    "proxy": proxy.main,
    "assess": assess.main,
    "baseline": baseline.main,
    "heartbeats": heartbeats.main,
    "heart_transfer": heart_transfer.main,
    "disturbed": disturbed.main,
    "joint_memory": joint_memory.main,
    "loso_overhead": loso_overhead.main,
    "selection": selection.main,
    "tables": tables.main,
    "digests": digests.main,
    "paper_scale": paper_scale.main,
    "power_cut": power_cut.main,
}

if __name__ == "__main__":
    options = [argument for argument in sys.argv[1:] if argument.startswith("-") or "=" in argument]
    chosen = [name for name in sys.argv[1:] if name not in options] or list(BENCHMARKS)
    unknown = [name for name in chosen if name not in BENCHMARKS]
    if unknown:
        sys.exit(f"no benchmark {', '.join(unknown)}; there are: {', '.join(BENCHMARKS)}")
    sys.argv = [sys.argv[0], *options]
    for name in chosen:
        print(f"\n== {name}", flush=True)
        try:
            BENCHMARKS[name]()
        except PainlitError as error:
            sys.exit(f"error: {error}")
