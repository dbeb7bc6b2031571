"""painlit: automatic assessment of acute pain from facial video and heart rate (Gkikas et al. 2024)."""

__version__ = "0.1.0"
