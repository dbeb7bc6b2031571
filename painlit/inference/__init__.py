"""From a trained model to an assessment: bundles, recordings, windows, the page."""
