"""ECG files of any usual format, read by time."""

from painlit.signals.files.ecg_signal import EcgSignal
from painlit.signals.files.read import read_ecg

__all__ = ["EcgSignal", "read_ecg"]
