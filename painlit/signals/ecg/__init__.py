"""ECG: R peaks, heart rates, signal quality and single heartbeats."""
