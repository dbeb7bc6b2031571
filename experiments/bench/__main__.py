"""`make bench`: all benchmarks, or those named: models, faces, r_peaks."""

import sys

from experiments.bench import faces, models, r_peaks
from painlit.errors import PainlitError

BENCHMARKS = {"models": models.main, "faces": faces.main, "r_peaks": r_peaks.main}

if __name__ == "__main__":
    chosen = [name for name in sys.argv[1:] if not name.startswith("-")] or list(BENCHMARKS)
    unknown = [name for name in chosen if name not in BENCHMARKS]
    if unknown:
        sys.exit(f"no benchmark {', '.join(unknown)}; there are: {', '.join(BENCHMARKS)}")
    sys.argv = [sys.argv[0], *(a for a in sys.argv[1:] if a.startswith("-"))]
    for name in chosen:
        print(f"\n== {name}", flush=True)
        try:
            BENCHMARKS[name]()
        except PainlitError as error:
            sys.exit(f"error: {error}")
