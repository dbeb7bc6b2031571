"""painlit: automatic assessment of acute pain from facial video and heart rate (Gkikas et al. 2024)."""

import os

# OpenMP's threads spin while they wait, by default for milliseconds. Where processes share cores (folds, decoding
# workers, a busy machine) they slow each other down many times, so here they spin briefly, unless the user has said
# otherwise. Sleeping at once (OMP_WAIT_POLICY=PASSIVE) would cost small networks half their speed.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")

__version__ = "0.1.0"
