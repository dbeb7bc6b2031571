"""From recordings to model inputs: video decoding, face detection and crops, R peaks and heart rates."""

from painlit.signals.face_detector import FaceDetector
from painlit.signals.heart_rate import heart_rate
from painlit.signals.pan_tompkins import pan_tompkins
from painlit.signals.signal_quality import signal_quality

__all__ = ["FaceDetector", "heart_rate", "pan_tompkins", "signal_quality"]
