"""painlit: automatic assessment of acute pain from facial video and heart rate (Gkikas et al. 2024)."""

import os

# OpenMP's threads spin while they wait. Where processes share cores (folds, decoding workers, a busy machine) they slow
# each other down many times, so here they sleep unless the user has said otherwise. Read when torch is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

__version__ = "0.1.0"
