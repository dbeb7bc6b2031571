"""Training under Lightning: trainer, checkpoints, schedule, sampling, verification."""
