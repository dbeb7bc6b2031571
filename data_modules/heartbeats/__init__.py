"""Heartbeats for the ECG stage: MIT-BIH, PTB, and ready-made tables."""
